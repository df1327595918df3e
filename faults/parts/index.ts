import type { Part } from "../support/part.ts";
import { aimed } from "./aimed.ts";
import { garbled } from "./garbled.ts";
import { kills } from "./kills.ts";
import { trees } from "./trees.ts";

export const parts = { kills, aimed, trees, garbled } satisfies Record<string, Part>;

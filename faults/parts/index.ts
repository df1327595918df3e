import type { Part } from "../support/part.ts";
import { aimed } from "./aimed.ts";
import { directory } from "./directory.ts";
import { full } from "./full.ts";
import { garbled } from "./garbled.ts";
import { kills } from "./kills.ts";
import { stopped } from "./stopped.ts";
import { trees } from "./trees.ts";

export const parts = { kills, aimed, trees, garbled, full, directory, stopped } satisfies Record<string, Part>;

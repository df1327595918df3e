import type { Part } from "../support/part.ts";
import { kills } from "./kills.ts";

export const parts = { kills } satisfies Record<string, Part>;

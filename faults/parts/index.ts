import type { Part } from "../support/part.ts";
import { aimed } from "./aimed.ts";
import { clock } from "./clock.ts";
import { directory } from "./directory.ts";
import { exhausted } from "./exhausted.ts";
import { full } from "./full.ts";
import { garbled } from "./garbled.ts";
import { kills } from "./kills.ts";
import { sanitized } from "./sanitized.ts";
import { stopped } from "./stopped.ts";
import { trees } from "./trees.ts";

export const parts = {
  kills,
  aimed,
  trees,
  garbled,
  full,
  stopped,
  clock,
  exhausted,
  directory,
  sanitized,
} satisfies Record<string, Part>;

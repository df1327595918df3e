import type { Part } from "../support/part.ts";
import { aimed } from "./aimed.ts";
import { apply } from "./apply.ts";
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
  apply,
  trees,
  garbled,
  full,
  stopped,
  clock,
  exhausted,
  directory,
  sanitized,
} satisfies Record<string, Part>;

export type PartName = keyof typeof parts;

/** What a full part takes on a quiet machine with two processors, in seconds: for the estimate that is printed. */
export const fullSeconds: Readonly<Record<PartName, number>> = {
  kills: 300,
  aimed: 190,
  apply: 50,
  trees: 45,
  garbled: 115,
  full: 20,
  stopped: 20,
  clock: 10,
  exhausted: 20,
  directory: 12,
  sanitized: 90,
};

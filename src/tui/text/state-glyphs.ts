import type { ProcessState } from "../../sdk/types.ts";

/** A sign for each state, so that color is never the only difference. */
export const STATE_GLYPHS: Readonly<Record<ProcessState, string>> = {
  starting: "◌",
  running: "●",
  stopping: "◐",
  exited: "○",
  failed: "✗",
  lost: "?",
};

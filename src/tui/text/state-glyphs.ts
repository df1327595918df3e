import type { ProcessState } from "../../sdk/types.ts";

/** A state as it is shown: a running process may be suspended. */
export type ShownState = ProcessState | "suspended";

/** A sign for each state, so that color is never the only difference. */
export const STATE_GLYPHS: Readonly<Record<ShownState, string>> = {
  starting: "◌",
  running: "●",
  stopping: "◐",
  exited: "○",
  failed: "✗",
  lost: "?",
  waiting: "◔",
  givenUp: "⊘",
  suspended: "‖",
};

/** A state in words, as the commands say it. */
export function stateWord(state: ShownState): string {
  return state === "givenUp" ? "given up" : state;
}

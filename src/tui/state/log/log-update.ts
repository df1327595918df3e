import type { Notice } from "../toasts/toasts.ts";
import type { LogState } from "./log.ts";

/** Which way a search goes: towards the newest output or towards the oldest. */
export type SearchDirection = "forwards" | "backwards";

/** What the log pane wants to be done. */
export type LogEffect =
  | {
      readonly type: "search";
      readonly from: number;
      readonly direction: SearchDirection;
      /** Whether the line at `from` is looked at first. */
      readonly inclusive: boolean;
    }
  | { readonly type: "cancel-search" }
  /** Reads what is around a line that is not at hand, and goes there. */
  | { readonly type: "show-line"; readonly offset: number }
  | { readonly type: "read-start" }
  | { readonly type: "read-end" };

/** The log after something happened, and what that leads to. */
export interface LogUpdate {
  readonly log: LogState;
  readonly effects: readonly LogEffect[];
  /** What is to be said; null: nothing. */
  readonly notice: Notice | null;
  /** Whether the pane is to have the keys. */
  readonly focuses: boolean;
}

/** The log, and nothing to do. */
export function onlyLog(log: LogState): LogUpdate {
  return { log, effects: [], notice: null, focuses: false };
}

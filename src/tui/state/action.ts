import type { DaemonInfo, OutputInfo, ProcessInfo, StartOptions, UsageSample, WatchEvent } from "../../sdk/types.ts";
import type { InputEvent } from "../terminal/input.ts";
import type { LogPosition, LogView } from "./log/log.ts";
import type { SearchDirection } from "./log/log-search.ts";
import type { LogWindow } from "./log/log-window.ts";
import type { ConfirmedAction, DashboardState, Toast } from "./state.ts";

/** Something that happened: a key, news from the daemon, the result of an effect. */
export type Action =
  | { readonly type: "input"; readonly event: InputEvent }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "watch"; readonly events: readonly WatchEvent[]; readonly now: number }
  | {
      readonly type: "usage";
      readonly sample: UsageSample;
      readonly details: boolean;
      /** Whether the sample goes on in the next action. */
      readonly more?: boolean;
    }
  /** Which contexts there are now. */
  | { readonly type: "contexts"; readonly names: readonly string[] }
  | { readonly type: "connecting"; readonly endpoint: string; readonly context: string }
  | { readonly type: "connected"; readonly info: DaemonInfo }
  | {
      readonly type: "disconnected";
      readonly error: string;
      readonly retryAt: number;
      readonly attempt: number;
    }
  | { readonly type: "log-opened"; readonly output: OutputInfo }
  | { readonly type: "log-gone" }
  | {
      readonly type: "log-live";
      /** What the output is of: it may come when something else is already on view. */
      readonly view: LogView;
      readonly more: LogWindow;
      readonly complete: boolean;
      readonly skimming: boolean;
    }
  | { readonly type: "log-read"; readonly read: LogWindow; readonly output: OutputInfo }
  | {
      readonly type: "log-jump";
      readonly read: LogWindow;
      readonly output: OutputInfo;
      readonly position: LogPosition | null;
    }
  | { readonly type: "log-scanned"; readonly read: LogWindow; readonly output: OutputInfo }
  | {
      readonly type: "log-found";
      readonly offset: number;
      /** What is around it; null: it is at hand. */
      readonly read: LogWindow | null;
      /** The direction in which the search went past the end. */
      readonly wrapped: SearchDirection | null;
    }
  | { readonly type: "log-not-found" }
  | { readonly type: "details"; readonly process: ProcessInfo }
  | {
      readonly type: "started";
      readonly submission: number;
      readonly process: ProcessInfo;
      readonly now: number;
    }
  | { readonly type: "start-failed"; readonly submission: number; readonly error: string }
  | {
      readonly type: "action-result";
      readonly action: ConfirmedAction;
      readonly targets: readonly ProcessInfo[];
      readonly failures: readonly Failure[];
      readonly now: number;
    }
  | {
      readonly type: "toast";
      readonly level: "info" | "error";
      readonly text: string;
      readonly now: number;
      readonly about?: Toast["about"];
    };

/** What an action was not done to, and why. */
export interface Failure {
  readonly process: ProcessInfo;
  readonly reason: string;
  /** Whether it is for want of a connection. */
  readonly connection: boolean;
}

/** Something to do in the world. */
export type Effect =
  | { readonly type: "act"; readonly action: ConfirmedAction; readonly targets: readonly ProcessInfo[] }
  | {
      readonly type: "start";
      readonly options: StartOptions;
      /** Which form the answer is for. */
      readonly submission: number;
    }
  | { readonly type: "read-details"; readonly id: string }
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
  | { readonly type: "read-end" }
  | { readonly type: "copy"; readonly what: "line" | "view" | "id" }
  | { readonly type: "attach"; readonly process: ProcessInfo }
  | { readonly type: "read-contexts" }
  | { readonly type: "switch-context"; readonly name: string }
  | { readonly type: "redraw" }
  | { readonly type: "suspend" }
  | { readonly type: "quit" };

/** What an action leads to. */
export interface Update {
  readonly state: DashboardState;
  readonly effects: readonly Effect[];
}

const NO_EFFECTS: readonly Effect[] = [];

/** A new state, and nothing to do. */
export function only(state: DashboardState): Update {
  return { state, effects: NO_EFFECTS };
}

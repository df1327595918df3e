import type { DaemonInfo, ProcessInfo, Queue, Schedule, UsageSample, WatchEvent } from "../../sdk/types.ts";
import type { InputEvent } from "../terminal/input.ts";
import type { LogEvent } from "./log/log-events.ts";
import type { LogEffect } from "./log/log-update.ts";
import type { BulkAction, OverlayEffect } from "./overlays/overlay.ts";
import type { DashboardState } from "./state.ts";
import type { Notice } from "./toasts/toasts.ts";

/** Something that happened: a key, news from the daemon, the result of an effect. */
export type Action =
  | {
      readonly type: "input";
      readonly event: InputEvent;
      /** Whether it was typed before there was anything to see. */
      readonly ahead?: boolean;
    }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "watch"; readonly events: readonly WatchEvent[]; readonly now: number }
  | {
      readonly type: "usage";
      readonly sample: UsageSample;
      readonly details: boolean;
      /** Whether the sample goes on in the next action. */
      readonly more?: boolean;
      readonly now: number;
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
  | LogEvent
  | {
      readonly type: "details";
      readonly process: ProcessInfo;
      /** Null: it has none, or it is gone. */
      readonly schedule: Schedule | null;
      readonly queue: Queue | null;
    }
  | {
      readonly type: "started";
      readonly submission: number;
      readonly process: ProcessInfo;
      readonly now: number;
    }
  | { readonly type: "start-failed"; readonly submission: number; readonly error: string }
  | {
      readonly type: "action-result";
      readonly action: BulkAction;
      readonly targets: readonly ProcessInfo[];
      readonly failures: readonly Failure[];
      readonly now: number;
    }
  /** How far a long action has come. */
  | { readonly type: "action-progress"; readonly action: BulkAction; readonly done: number; readonly total: number }
  | {
      readonly type: "toast";
      readonly notice: Notice;
      readonly now: number;
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
  | LogEffect
  | OverlayEffect
  | { readonly type: "read-details"; readonly id: string }
  /** Reads why they failed, says so, and makes itself heard as the settings say. */
  | { readonly type: "tell-failures"; readonly processes: readonly ProcessInfo[] }
  | { readonly type: "start-daemon" }
  | { readonly type: "copy"; readonly what: "line" | "view" | "id" }
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

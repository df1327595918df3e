import type { ProcessInfo, ProcessUsage, Queue, Schedule, StartOptions } from "../../../sdk/types.ts";
import type { Command } from "../../keys/keymap.ts";
import type { PaletteEntry } from "./palette.ts";
import type { TextField } from "./text-field.ts";

/** What can be done to several processes at once. It asks first. */
export type BulkAction = "stop" | "kill" | "restart" | "remove";

/** What asks before it acts. */
export type ConfirmedAction = BulkAction | "attach";

/** To be answered before something is ended or lost. */
export interface Confirmation {
  readonly kind: "confirm";
  readonly action: ConfirmedAction;
  /** As they were when it was asked: whatever moves meanwhile, it is about these. */
  readonly targets: readonly ProcessInfo[];
  /** Of what was chosen: how many it cannot be done to. */
  readonly leftAlone: number;
  /** How many of the targets the filter hides. */
  readonly hidden: number;
  readonly scroll: number;
}

/** Everything about one process. */
export interface DetailsPage {
  readonly kind: "details";
  readonly id: string;
  readonly scroll: number;
  /** Whether values of the environment are shown. */
  readonly reveal: boolean;
  /** The process with its environment, once it has been read. */
  readonly full: ProcessInfo | null;
  /** The schedule that starts it and the queue that it waits in, once they have been read. */
  readonly schedule: Schedule | null;
  readonly queue: Queue | null;
  readonly usage: ProcessUsage | null;
}

/** All that can be done, by typing a part of it. */
export interface Palette {
  readonly kind: "palette";
  readonly field: TextField;
  readonly index: number;
}

/** A process that is to be started. */
export interface StartForm {
  readonly kind: "start";
  readonly fields: Readonly<Record<StartTextField, TextField>>;
  readonly input: StartInput;
  readonly focus: StartField;
  readonly error: string;
  /** Rows of the error that are scrolled away. */
  readonly scroll: number;
  /** The submission whose response is awaited; null: none. */
  readonly waiting: number | null;
  /** How far back in the commands of before it is, and what was typed before that; see `recall`. */
  readonly back: number;
  readonly draft: string;
}

/** What is read by scrolling. */
export type PageOverlay =
  | { readonly kind: "help"; readonly scroll: number }
  | { readonly kind: "messages"; readonly scroll: number }
  | DetailsPage;

/** What lies over the panes. */
export type Overlay = PageOverlay | Palette | Confirmation | StartForm;

export const START_FIELDS = ["command", "cwd", "env", "name", "input", "labels"] as const;
export type StartField = (typeof START_FIELDS)[number];
export type StartTextField = Exclude<StartField, "input">;

/** What a process is to read from: nothing, lines that are sent to it, or a terminal. */
export const START_INPUTS = ["none", "lines", "terminal"] as const;
export type StartInput = (typeof START_INPUTS)[number];

/** What an overlay wants to be done. */
export type OverlayEffect =
  | { readonly type: "act"; readonly action: BulkAction; readonly targets: readonly ProcessInfo[] }
  | { readonly type: "attach"; readonly process: ProcessInfo }
  | { readonly type: "start"; readonly options: StartOptions; readonly submission: number };

/** What lies over the panes after something happened, and what that leads to. */
export interface OverlayUpdate {
  /** Null: it is left. */
  readonly overlay: Overlay | null;
  readonly effects: readonly OverlayEffect[];
  /** What is to be carried out without it; null: nothing. */
  readonly choice: { readonly kind: "command"; readonly command: Command } | PaletteEntry | null;
}

/** The overlay, and nothing to do. */
export function onlyOverlay(overlay: Overlay | null): OverlayUpdate {
  return { overlay, effects: [], choice: null };
}

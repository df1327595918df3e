import type { ProcessInfo, ProcessState, ProcessUsage } from "../../sdk/types.ts";
import { EMPTY_LOG, type LogState } from "./log/log.ts";
import type { TextField } from "./overlays/text-field.ts";
import { EMPTY_TABLE, type TableState } from "./table/table.ts";

export type Pane = "table" | "log";

/** How the connection to the daemon stands. */
export interface ConnectionState {
  readonly phase: "connecting" | "connected" | "disconnected";
  /** The daemon's address, as the user would write it. */
  readonly endpoint: string;
  /** The context in use; empty: none. */
  readonly context: string;
  /** Which of `contexts` it is, the default one included; "": none of them. */
  readonly contextInUse: string;
  /** Contexts that can be switched to. */
  readonly contexts: readonly string[];
  readonly hostname: string;
  readonly version: string;
  readonly pid: number;
  /** Why it is disconnected. */
  readonly error: string;
  /** When the next attempt is made; milliseconds since the epoch. */
  readonly retryAt: number;
  readonly attempt: number;
  /** When the connection was lost, by the dashboard's clock; null: it was not. Milliseconds since the epoch. */
  readonly lostAt: number | null;
}

/** What happened, in a sentence. */
export interface Message {
  readonly id: number;
  readonly level: "info" | "error";
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** A message that is on the screen for a while. */
export interface Toast extends Omit<Message, "time"> {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** What it is no longer true of once that is well again. */
  readonly about?: "connection";
}

/** What asks before it acts. */
export type ConfirmedAction = "stop" | "kill" | "restart" | "remove";

/** What lies over the panes. */
export type Overlay =
  | { readonly kind: "help"; readonly scroll: number }
  | { readonly kind: "palette"; readonly field: TextField; readonly index: number }
  | { readonly kind: "messages"; readonly scroll: number }
  | {
      readonly kind: "confirm";
      readonly action: ConfirmedAction;
      readonly targets: readonly ProcessInfo[];
      /** Of what was chosen: how many it cannot be done to. */
      readonly leftAlone: number;
      /** How many of the targets the filter hides. */
      readonly hidden: number;
      readonly scroll: number;
    }
  | {
      readonly kind: "details";
      readonly id: string;
      readonly scroll: number;
      /** Whether values of the environment are shown. */
      readonly reveal: boolean;
      /** The process with its environment, once it has been read. */
      readonly full: ProcessInfo | null;
      readonly usage: ProcessUsage | null;
    }
  | {
      readonly kind: "start";
      readonly fields: Readonly<Record<StartTextField, TextField>>;
      readonly input: StartInput;
      readonly focus: StartField;
      readonly error: string;
      /** Rows of the error that are scrolled away. */
      readonly scroll: number;
      /** The submission whose answer is awaited; null: none. */
      readonly waiting: number | null;
    };

export const START_FIELDS = ["command", "cwd", "env", "name", "input", "labels"] as const;
export type StartField = (typeof START_FIELDS)[number];
export type StartTextField = Exclude<StartField, "input">;

/** What a process is to read from: nothing, lines that are sent to it, or a terminal. */
export const START_INPUTS = ["none", "lines", "terminal"] as const;
export type StartInput = (typeof START_INPUTS)[number];

/** The line that is being typed at the bottom. */
export interface Prompt {
  readonly kind: "filter" | "search" | "log-filter";
  readonly field: TextField;
  /** What Esc goes back to. */
  readonly before: string;
}

/** A process went from one state to another while the dashboard watched. */
export interface StateChange {
  readonly id: string;
  readonly time: number;
  readonly run: number;
  readonly state: ProcessState;
  /** The state whose sign it has. */
  readonly shown: ProcessState;
}

/** CPU and memory of the selected process over the last samples, oldest first. */
export interface UsageHistory {
  readonly id: string | null;
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
}

export const HISTORY_SAMPLES = 40;

/** Everything that is on the screen, or may be. */
export interface DashboardState {
  readonly columns: number;
  readonly rows: number;
  readonly connection: ConnectionState;
  readonly table: TableState;
  readonly log: LogState;
  readonly focus: Pane;
  readonly zoom: boolean;
  /** Whether the log is beside the table; null: as the width suggests. */
  readonly beside: boolean | null;
  readonly overlay: Overlay | null;
  readonly prompt: Prompt | null;
  readonly toasts: readonly Toast[];
  /** The last ones, oldest first. */
  readonly messages: readonly Message[];
  readonly changes: readonly StateChange[];
  readonly history: UsageHistory;
  readonly theme: string;
  /** The time that ages are shown for. Milliseconds since the epoch. */
  readonly now: number;
  readonly nextToast: number;
  /** How many start forms were submitted. */
  readonly submissions: number;
  /** Where the dashboard was started; "": unknown. */
  readonly directory: string;
}

export function initialState(options: {
  columns: number;
  rows: number;
  endpoint: string;
  context: string;
  contexts: readonly string[];
  theme: string;
  now: number;
  directory?: string;
  contextInUse?: string;
}): DashboardState {
  return {
    columns: options.columns,
    rows: options.rows,
    connection: {
      phase: "connecting",
      endpoint: options.endpoint,
      context: options.context,
      contextInUse: options.contextInUse ?? options.context,
      contexts: options.contexts,
      hostname: "",
      version: "",
      pid: 0,
      error: "",
      retryAt: 0,
      attempt: 0,
      lostAt: null,
    },
    table: EMPTY_TABLE,
    log: EMPTY_LOG,
    focus: "table",
    zoom: false,
    beside: null,
    overlay: null,
    prompt: null,
    toasts: [],
    messages: [],
    changes: [],
    history: { id: null, cpu: [], memory: [] },
    theme: options.theme,
    now: options.now,
    nextToast: 1,
    submissions: 0,
    directory: options.directory ?? "",
  };
}

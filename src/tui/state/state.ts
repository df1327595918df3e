import { EMPTY_LOG, type LogState } from "./log/log.ts";
import type { Overlay } from "./overlays/overlay.ts";
import type { History, RecallingField } from "./overlays/prompt-history.ts";
import type { Alert, Settings } from "./settings/settings.ts";
import type { ColumnKey } from "./table/columns.ts";
import type { OwnActions } from "./table/own-actions.ts";
import { PersistentMap } from "./table/persistent-map.ts";
import type { StateChange } from "./table/state-changes.ts";
import { EMPTY_TABLE, type TableState } from "./table/table.ts";
import type { Trends } from "./table/trend.ts";
import { NO_TOASTS, type ToastsState } from "./toasts/toasts.ts";

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

export type PromptKind = "filter" | "search" | "log-filter";

/** The line that is being typed at the bottom. */
export interface Prompt extends RecallingField {
  readonly kind: PromptKind;
  /** What Esc goes back to. */
  readonly before: string;
}

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
  readonly toasts: ToastsState;
  readonly changes: readonly StateChange[];
  /** What the processes that were in view have used. */
  readonly trends: Trends;
  /** By how much the daemon's clock is ahead of this one's. Milliseconds. */
  readonly clockOffset: number;
  /** Columns of the table that are not wanted. */
  readonly hiddenColumns: readonly ColumnKey[];
  readonly alert: Alert;
  /** What has failed and was not looked at since, oldest first. */
  readonly unseen: readonly string[];
  /** What this dashboard does or has just done to processes, by id. */
  readonly ownActions: OwnActions;
  /** What was typed before. */
  readonly typed: Readonly<Record<PromptKind | "command", History>>;
  readonly theme: string;
  /** The time that ages are shown for. Milliseconds since the epoch. */
  readonly now: number;
  /** How many start forms were submitted. */
  readonly submissions: number;
  /** When something else than a key for it moved the cursor to the process that it is on; -∞: nothing did. Milliseconds since the epoch. */
  readonly cursorMovedAt: number;
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
  settings?: Partial<Settings>;
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
    table: {
      ...EMPTY_TABLE,
      sortKey: options.settings?.sort ?? EMPTY_TABLE.sortKey,
      reversed: options.settings?.reversed ?? EMPTY_TABLE.reversed,
    },
    log: EMPTY_LOG,
    focus: "table",
    zoom: false,
    beside: { auto: null, beside: true, below: false }[options.settings?.layout ?? "auto"],
    overlay: null,
    prompt: null,
    toasts: NO_TOASTS,
    changes: [],
    trends: new PersistentMap(),
    clockOffset: 0,
    hiddenColumns: options.settings?.hiddenColumns ?? [],
    alert: options.settings?.alert ?? "none",
    unseen: [],
    ownActions: new Map(),
    typed: { filter: [], search: [], "log-filter": [], command: [] },
    theme: options.theme,
    now: options.now,
    submissions: 0,
    cursorMovedAt: Number.NEGATIVE_INFINITY,
    directory: options.directory ?? "",
  };
}

/**
 * The moment that the screen shows, by the daemon's clock, whose all times of
 * processes are: what is known of them is no newer than the connection.
 */
export function shownTime({ connection, now, clockOffset }: DashboardState): number {
  return (connection.lostAt ?? now) + clockOffset;
}

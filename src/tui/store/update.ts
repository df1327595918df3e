import type { DaemonInfo, OutputInfo, ProcessInfo, StartOptions, UsageSample, WatchEvent } from "../../sdk/types.ts";
import { type Command, commandOf } from "../keys/keymap.ts";
import { paletteEntries } from "../keys/palette.ts";
import type { InputEvent } from "../terminal/input.ts";
import { nextThemeName } from "../themes/themes.ts";
import { computeLayout } from "./layout.ts";
import {
  appendLive,
  following,
  jumpTo,
  type LogPosition,
  type LogState,
  logPattern,
  mergeRead,
  mergeScan,
  openLog,
  pause,
  resume,
  scrollLog,
  setLogFilter,
} from "./log.ts";
import type { LogWindow } from "./log-window.ts";
import {
  type ConfirmedAction,
  type DashboardState,
  HISTORY_SAMPLES,
  type Overlay,
  type Prompt,
  START_FIELDS,
  type StartField,
  type StateChange,
} from "./state.ts";
import {
  applyUsages,
  applyWatchEvents,
  EMPTY_TABLE,
  moveSelection,
  nextSort,
  scrollIntoView,
  selectId,
  selectIndex,
  setFilter,
  setSort,
  targets,
  toggleAllMarks,
  toggleMark,
} from "./table.ts";
import { editText, insertText, textField } from "./text-field.ts";
import { splitWords } from "./words.ts";

/** Something that happened: a key, news from the daemon, the result of an effect. */
export type Action =
  | { readonly type: "input"; readonly event: InputEvent }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "watch"; readonly events: readonly WatchEvent[]; readonly now: number }
  | { readonly type: "usage"; readonly sample: UsageSample; readonly details: boolean }
  | { readonly type: "connecting"; readonly endpoint: string; readonly context: string }
  | { readonly type: "connected"; readonly info: DaemonInfo }
  | {
      readonly type: "disconnected";
      readonly error: string;
      readonly retryAt: number;
      readonly attempt: number;
    }
  | { readonly type: "log-opened"; readonly target: LogState["target"]; readonly output: OutputInfo }
  | { readonly type: "log-live"; readonly more: LogWindow; readonly complete: boolean; readonly skimming: boolean }
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
      readonly read: LogWindow;
      readonly output: OutputInfo;
      readonly offset: number;
    }
  | { readonly type: "log-not-found"; readonly now: number; readonly direction: "forwards" | "backwards" }
  | { readonly type: "details"; readonly process: ProcessInfo }
  | { readonly type: "started"; readonly process: ProcessInfo; readonly now: number }
  | { readonly type: "start-failed"; readonly error: string }
  | { readonly type: "toast"; readonly level: "info" | "error"; readonly text: string; readonly now: number };

/** Something to do in the world. */
export type Effect =
  | { readonly type: "act"; readonly action: ConfirmedAction; readonly targets: readonly ProcessInfo[] }
  | { readonly type: "start"; readonly options: StartOptions }
  | { readonly type: "read-details"; readonly id: string }
  | { readonly type: "search"; readonly from: number; readonly direction: "forwards" | "backwards" }
  | { readonly type: "read-start" }
  | { readonly type: "read-end" }
  | { readonly type: "copy"; readonly what: "line" | "view" | "id" }
  | { readonly type: "attach"; readonly process: ProcessInfo }
  | { readonly type: "switch-context"; readonly name: string }
  | { readonly type: "redraw" }
  | { readonly type: "suspend" }
  | { readonly type: "quit" };

export interface Update {
  readonly state: DashboardState;
  readonly effects: readonly Effect[];
}

const NO_EFFECTS: readonly Effect[] = [];
const TOAST_MS = { info: 4000, error: 10_000 };
const TOASTS = 4;
const CHANGES = 500;
/** Columns that h and l scroll the log by. */
const COLUMN_STEP = 8;

function only(state: DashboardState): Update {
  return { state, effects: NO_EFFECTS };
}

export function addToast(state: DashboardState, level: "info" | "error", text: string, now: number): DashboardState {
  const toast = { id: state.nextToast, level, text, until: now + TOAST_MS[level] };
  return { ...state, nextToast: state.nextToast + 1, toasts: [...state.toasts, toast].slice(-TOASTS) };
}

/** The next state, and what is to be done. Pure: the same state and action give the same answer. */
export function update(state: DashboardState, action: Action): Update {
  const { state: next, effects } = step(state, action);
  return { state: next === state ? state : settle(state, next), effects };
}

/** What holds in every state: the selection is visible, the log shows the selected process. */
function settle(before: DashboardState, state: DashboardState): DashboardState {
  let next = state;
  if (
    next.table !== before.table ||
    next.rows !== before.rows ||
    next.columns !== before.columns ||
    next.zoom !== before.zoom ||
    next.focus !== before.focus ||
    next.beside !== before.beside
  ) {
    const rows = computeLayout(next).tableRows;
    if (rows > 0) {
      const table = scrollIntoView(next.table, rows);
      next = table === next.table ? next : { ...next, table };
    }
    const selected = next.table.selected === null ? undefined : next.table.processes.get(next.table.selected);
    const shown = next.log.target;
    if (selected ? shown?.id !== selected.id || shown.run !== selected.run : shown !== null && next.table.loaded) {
      next = { ...next, log: openLog(next.log, selected ? { id: selected.id, run: selected.run } : null) };
    }
    if (next.history.id !== next.table.selected) {
      next = { ...next, history: { id: next.table.selected, cpu: [], memory: [] } };
    }
  }
  return next;
}

function step(state: DashboardState, action: Action): Update {
  switch (action.type) {
    case "input":
      return input(state, action.event);
    case "resize":
      return only({ ...state, columns: action.columns, rows: action.rows });
    case "tick": {
      const toasts = state.toasts.filter(({ until }) => until > action.now);
      return only({
        ...state,
        now: action.now,
        toasts: toasts.length === state.toasts.length ? state.toasts : toasts,
      });
    }
    case "watch":
      return only(watched(state, action.events, action.now));
    case "usage":
      return only(sampled(state, action.sample, action.details));
    case "connecting":
      return only({
        ...state,
        connection: {
          ...state.connection,
          phase: "connecting",
          endpoint: action.endpoint,
          context: action.context,
          error: "",
        },
        table: { ...EMPTY_TABLE, sortKey: state.table.sortKey, descending: state.table.descending },
        log: openLog(state.log, null),
        overlay: null,
      });
    case "connected":
      return only({
        ...state,
        connection: {
          ...state.connection,
          phase: "connected",
          hostname: action.info.hostname,
          version: action.info.version,
          pid: action.info.pid,
          error: "",
          attempt: 0,
        },
      });
    case "disconnected":
      return only({
        ...state,
        connection: {
          ...state.connection,
          phase: "disconnected",
          error: action.error,
          retryAt: action.retryAt,
          attempt: action.attempt,
        },
      });
    case "log-opened":
      return only(
        sameTarget(state, action.target)
          ? {
              ...state,
              log: { ...state.log, opened: true, first: action.output.firstOffset, next: action.output.nextOffset },
            }
          : state,
      );
    case "log-live":
      return only({
        ...state,
        log: { ...appendLive(state.log, action.more, action.complete), skimming: action.skimming },
      });
    case "log-read":
      return only({ ...state, log: mergeRead(state.log, action.read, action.output) });
    case "log-jump":
      return only({ ...state, log: jumpTo(state.log, action.read, action.output, action.position) });
    case "log-scanned":
      return only({ ...state, log: mergeScan(state.log, action.read, action.output) });
    case "log-found": {
      const log = jumpTo(state.log, action.read, action.output, { offset: action.offset, row: 0 });
      const { logRows, logColumns } = computeLayout(state);
      // Some lines above it, so that it can be read in its place.
      const placed = scrollLog(log, -Math.floor(logRows / 3), logRows, logColumns);
      return only({ ...state, log: { ...placed, match: action.offset, searching: false } });
    }
    case "log-not-found": {
      const text =
        action.direction === "forwards" ? "No match towards the end of the output" : "No match towards its beginning";
      return only(addToast({ ...state, log: { ...state.log, searching: false } }, "info", text, action.now));
    }
    case "details":
      return only(
        state.overlay?.kind === "details" && state.overlay.id === action.process.id
          ? { ...state, overlay: { ...state.overlay, full: action.process } }
          : state,
      );
    case "started": {
      const closed = state.overlay?.kind === "start" ? { ...state, overlay: null } : state;
      const table = applyWatchEvents(closed.table, [{ type: "added", process: action.process }]);
      return only(
        addToast(
          { ...closed, table: selectId(table, action.process.id) },
          "info",
          `Started ${processLabel(action.process)}`,
          action.now,
        ),
      );
    }
    case "start-failed":
      return only(
        state.overlay?.kind === "start" ? { ...state, overlay: { ...state.overlay, error: action.error } } : state,
      );
    case "toast":
      return only(addToast(state, action.level, action.text, action.now));
  }
}

function sameTarget(state: DashboardState, target: LogState["target"]): boolean {
  return state.log.target?.id === target?.id && state.log.target?.run === target?.run;
}

/** What people call a process: its name, else the beginning of its id. */
export function processLabel(process: ProcessInfo): string {
  return process.spec.name || process.id.slice(0, 8);
}

function watched(state: DashboardState, events: readonly WatchEvent[], now: number): DashboardState {
  const changes: StateChange[] = [];
  if (state.table.loaded && !state.table.incoming) {
    for (const event of events) {
      if (event.type === "added" || event.type === "modified") {
        const { id, run, state: to } = event.process;
        const before = state.table.processes.get(id);
        if (before?.state !== to || before.run !== run) {
          changes.push({ id, time: now, run, state: to });
        }
      }
    }
  }
  return {
    ...state,
    table: applyWatchEvents(state.table, events),
    changes: changes.length > 0 ? [...state.changes, ...changes].slice(-CHANGES) : state.changes,
  };
}

function sampled(state: DashboardState, sample: UsageSample, details: boolean): DashboardState {
  if (details) {
    const usage = sample.usages[0] ?? null;
    return state.overlay?.kind === "details" && (!usage || usage.id === state.overlay.id)
      ? { ...state, overlay: { ...state.overlay, usage } }
      : state;
  }
  let { history } = state;
  const selected = sample.usages.find(({ id }) => id === history.id);
  if (selected) {
    history = {
      id: history.id,
      cpu: [...history.cpu, selected.cpuPercent ?? 0].slice(-HISTORY_SAMPLES),
      memory: [...history.memory, selected.residentBytes].slice(-HISTORY_SAMPLES),
    };
  }
  return { ...state, history, table: applyUsages(state.table, sample.usages) };
}

function input(state: DashboardState, event: InputEvent): Update {
  if (event.type === "mouse") {
    return mouse(state, event);
  }
  if (state.overlay) {
    return overlayInput(state, state.overlay, event);
  }
  if (state.prompt) {
    return promptInput(state, state.prompt, event);
  }
  if (event.type === "paste") {
    return only(state);
  }
  const command = commandOf(event.key);
  return command ? perform(state, command) : only(state);
}

function mouse(state: DashboardState, event: Extract<InputEvent, { type: "mouse" }>): Update {
  if (state.overlay) {
    return only(state);
  }
  const layout = computeLayout(state);
  const inside = (rect: typeof layout.table): boolean =>
    rect !== null &&
    event.x >= rect.x &&
    event.x < rect.x + rect.width &&
    event.y >= rect.y &&
    event.y < rect.y + rect.height;
  const pane = inside(layout.table) ? "table" : inside(layout.log) ? "log" : null;
  if (!pane) {
    return only(state);
  }
  if (event.button === "left") {
    const row = event.y - (layout.table?.y ?? 0) - 2;
    const table = pane === "table" && row >= 0 ? selectIndex(state.table, state.table.top + row) : state.table;
    return only({ ...state, focus: pane, table });
  }
  const by = event.button === "wheel-up" ? -3 : 3;
  return only(
    pane === "table"
      ? { ...state, table: moveSelection(state.table, by) }
      : { ...state, log: scrollLog(state.log, by, layout.logRows, layout.logColumns) },
  );
}

/** Moves the selection or scrolls the log, whichever is in focus. */
function move(state: DashboardState, tableBy: (rows: number) => number, logBy: (rows: number) => number): Update {
  const layout = computeLayout(state);
  return only(
    state.focus === "table"
      ? { ...state, table: moveSelection(state.table, tableBy(Math.max(1, layout.tableRows))) }
      : { ...state, log: scrollLog(state.log, logBy(Math.max(1, layout.logRows)), layout.logRows, layout.logColumns) },
  );
}

function half(rows: number): number {
  return Math.max(1, Math.floor(rows / 2));
}

/** Carries a command out. */
export function perform(state: DashboardState, command: Command): Update {
  const { log, table } = state;
  const layout = computeLayout(state);
  switch (command) {
    case "down":
      return move(
        state,
        () => 1,
        () => 1,
      );
    case "up":
      return move(
        state,
        () => -1,
        () => -1,
      );
    case "half-page-down":
      return move(state, half, half);
    case "half-page-up":
      return move(
        state,
        (rows) => -half(rows),
        (rows) => -half(rows),
      );
    case "page-down":
      return move(
        state,
        (rows) => rows,
        (rows) => rows,
      );
    case "page-up":
      return move(
        state,
        (rows) => -rows,
        (rows) => -rows,
      );
    case "first":
      if (state.focus === "table") {
        return only({ ...state, table: selectIndex(table, 0) });
      }
      if (log.filtered) {
        return only({ ...state, log: { ...log, filteredTop: 0 } });
      }
      return log.window.from <= log.first
        ? only({ ...state, log: { ...log, top: { offset: log.window.from, row: 0 } } })
        : { state, effects: [{ type: "read-start" }] };
    case "last":
      return state.focus === "table"
        ? only({ ...state, table: selectIndex(table, table.order.length - 1) })
        : toEnd(state);
    case "left":
      return only(
        state.focus === "log" && !log.wrap
          ? { ...state, log: { ...log, column: Math.max(0, log.column - COLUMN_STEP) } }
          : state,
      );
    case "right":
      return only(
        state.focus === "log" && !log.wrap ? { ...state, log: { ...log, column: log.column + COLUMN_STEP } } : state,
      );
    case "next-pane":
    case "previous-pane":
      return only({ ...state, focus: state.focus === "table" ? "log" : "table" });
    case "pane-1":
      return only({ ...state, focus: "table" });
    case "pane-2":
    case "open":
      return only({ ...state, focus: "log" });
    case "back":
      if (state.focus === "log" && log.filtered) {
        return only({ ...state, log: setLogFilter(log, null, 0) });
      }
      if (state.focus === "log" && log.pattern) {
        return only({ ...state, log: { ...log, pattern: null, match: null } });
      }
      if (state.focus === "log") {
        return only({ ...state, focus: "table" });
      }
      if (table.marks.size > 0) {
        return only({ ...state, table: { ...table, marks: new Set() } });
      }
      return only(state.zoom ? { ...state, zoom: false } : { ...state, table: setFilter(table, "") });
    case "zoom":
      return only({ ...state, zoom: !state.zoom });
    case "layout":
      return only({ ...state, beside: layout.log && layout.table ? layout.log.y !== layout.table.y : state.beside });
    case "search":
      return only(
        state.focus === "table"
          ? { ...state, prompt: { kind: "filter", field: textField(table.filter), before: table.filter } }
          : { ...state, prompt: { kind: "search", field: textField(), before: log.pattern?.text ?? "" } },
      );
    case "log-filter": {
      const text = log.filtered?.pattern.text ?? "";
      return only({ ...state, focus: "log", prompt: { kind: "log-filter", field: textField(text), before: text } });
    }
    case "search-next":
      return search(state, "forwards");
    case "search-previous":
      return search(state, "backwards");
    case "more-context":
    case "less-context": {
      if (!log.filtered) {
        return only(state);
      }
      const context = Math.max(0, Math.min(10, log.filtered.context + (command === "more-context" ? 1 : -1)));
      return only(
        context === log.filtered.context ? state : { ...state, log: setLogFilter(log, log.filtered.pattern, context) },
      );
    }
    case "follow":
      return following(log) ? only({ ...state, log: pause(log, layout.logRows, layout.logColumns) }) : toEnd(state);
    case "wrap":
      return only({ ...state, log: { ...log, wrap: !log.wrap, column: 0, top: log.top && { ...log.top, row: 0 } } });
    case "timestamps":
      return only({ ...state, log: { ...log, timestamps: !log.timestamps } });
    case "streams": {
      const streams = log.streams === "all" ? "stdout" : log.streams === "stdout" ? "stderr" : "all";
      return only({ ...state, log: openLog({ ...log, streams }, log.target) });
    }
    case "start": {
      const fields: Record<StartField, ReturnType<typeof textField>> = {
        command: textField(),
        cwd: textField(),
        env: textField(),
        name: textField(),
      };
      return only({ ...state, overlay: { kind: "start", fields, focus: "command", error: "" } });
    }
    case "stop":
    case "kill":
    case "restart":
    case "remove": {
      const chosen = targets(table);
      return only(
        chosen.length === 0 ? state : { ...state, overlay: { kind: "confirm", action: command, targets: chosen } },
      );
    }
    case "attach": {
      const process = selectedProcess(state);
      return process ? { state, effects: [{ type: "attach", process }] } : only(state);
    }
    case "details": {
      const process = selectedProcess(state);
      return process
        ? {
            state: {
              ...state,
              overlay: { kind: "details", id: process.id, scroll: 0, reveal: false, full: null, usage: null },
            },
            effects: [{ type: "read-details", id: process.id }],
          }
        : only(state);
    }
    case "sort":
      return only({ ...state, table: nextSort(table) });
    case "sort-reverse":
      return only({ ...state, table: setSort(table, table.sortKey, !table.descending) });
    case "mark":
      return only({ ...state, table: toggleMark(table) });
    case "mark-all":
      return only({ ...state, table: toggleAllMarks(table) });
    case "copy-line":
      return { state, effects: [{ type: "copy", what: state.focus === "log" ? "line" : "id" }] };
    case "copy-view":
      return { state, effects: [{ type: "copy", what: "view" }] };
    case "theme":
      return only({ ...state, theme: nextThemeName(state.theme) });
    case "help":
      return only({ ...state, overlay: { kind: "help", scroll: 0 } });
    case "palette":
      return only({ ...state, overlay: { kind: "palette", field: textField(), index: 0 } });
    case "redraw":
      return { state, effects: [{ type: "redraw" }] };
    case "suspend":
      return { state, effects: [{ type: "suspend" }] };
    case "quit":
      return { state, effects: [{ type: "quit" }] };
  }
}

export function selectedProcess(state: DashboardState): ProcessInfo | undefined {
  return state.table.selected === null ? undefined : state.table.processes.get(state.table.selected);
}

function toEnd(state: DashboardState): Update {
  const { log } = state;
  return log.filtered || log.window.to >= log.next
    ? only({ ...state, log: resume(log) })
    : { state, effects: [{ type: "read-end" }] };
}

function search(state: DashboardState, direction: "forwards" | "backwards"): Update {
  const { log } = state;
  if (!log.pattern || !log.target || log.searching) {
    return only(state);
  }
  // From the match before, else from what is on the screen: the newest first.
  const from = log.match ?? (direction === "backwards" || log.top === null ? log.window.to : log.top.offset);
  return {
    state: { ...state, focus: "log", log: { ...log, searching: true, filtered: null } },
    effects: [{ type: "search", from, direction }],
  };
}

function promptInput(state: DashboardState, prompt: Prompt, event: InputEvent): Update {
  if (event.type === "key" && (event.key === "escape" || event.key === "ctrl+c")) {
    return only(applyPrompt({ ...state, prompt: null }, prompt.kind, prompt.before));
  }
  if (event.type === "key" && event.key === "enter") {
    const closed = { ...state, prompt: null };
    if (prompt.kind !== "search") {
      return only(closed);
    }
    const pattern = logPattern(prompt.field.text);
    // From where one looks: the newest match when following, else the first one from the top of the pane.
    const direction = following(state.log) ? "backwards" : "forwards";
    return pattern ? search({ ...closed, log: { ...state.log, pattern, match: null } }, direction) : only(closed);
  }
  if (event.type === "key" && prompt.kind === "filter" && (event.key === "down" || event.key === "up")) {
    return only({ ...state, table: moveSelection(state.table, event.key === "down" ? 1 : -1) });
  }
  const field =
    event.type === "paste"
      ? insertText(prompt.field, event.text)
      : event.type === "key"
        ? editText(prompt.field, event.key)
        : null;
  return only(field ? applyPrompt({ ...state, prompt: { ...prompt, field } }, prompt.kind, field.text) : state);
}

/** What is typed takes effect at once. */
function applyPrompt(state: DashboardState, kind: Prompt["kind"], text: string): DashboardState {
  const { log } = state;
  switch (kind) {
    case "filter":
      return { ...state, table: setFilter(state.table, text) };
    case "search":
      return { ...state, log: { ...log, pattern: logPattern(text), match: null } };
    case "log-filter":
      return { ...state, log: setLogFilter(log, logPattern(text), log.filtered?.context ?? 0) };
  }
}

function overlayInput(state: DashboardState, overlay: Overlay, event: InputEvent): Update {
  const close: Update = only({ ...state, overlay: null });
  const key = event.type === "key" ? event.key : "";
  const read = overlay.kind === "help" || overlay.kind === "details";
  if (!read && (key === "escape" || key === "ctrl+c")) {
    return close;
  }
  switch (overlay.kind) {
    case "help":
    case "details": {
      // To be read, like a page of less: q leaves it. Ctrl-C means what it means without it.
      if (key === "ctrl+c") {
        return perform(state, "quit");
      }
      if (key === "escape" || key === "q" || key === "enter" || key === (overlay.kind === "help" ? "?" : "i")) {
        return close;
      }
      if (overlay.kind === "details" && key === "e") {
        return only({ ...state, overlay: { ...overlay, reveal: !overlay.reveal } });
      }
      const page = Math.max(1, (computeLayout(state).overlay?.height ?? 3) - 3);
      const by = {
        j: 1,
        down: 1,
        k: -1,
        up: -1,
        pagedown: page,
        pageup: -page,
        "ctrl+d": half(page),
        "ctrl+u": -half(page),
      }[key];
      const scroll =
        key === "g" || key === "home" ? 0 : key === "G" || key === "end" ? 1000 : overlay.scroll + (by ?? 0);
      return only({ ...state, overlay: { ...overlay, scroll: Math.max(0, scroll) } });
    }
    case "confirm":
      if (key === "y" || key === "Y" || key === "enter") {
        return {
          state: { ...state, overlay: null, table: { ...state.table, marks: new Set() } },
          effects: [{ type: "act", action: overlay.action, targets: overlay.targets }],
        };
      }
      return key === "n" || key === "N" || key === "q" ? close : only(state);
    case "palette":
      return paletteInput(state, overlay, event);
    case "start":
      return startInput(state, overlay, event);
  }
}

function paletteInput(
  state: DashboardState,
  overlay: Extract<Overlay, { kind: "palette" }>,
  event: InputEvent,
): Update {
  const entries = paletteEntries(overlay.field.text, state.connection.contexts);
  const key = event.type === "key" ? event.key : "";
  if (key === "enter") {
    const entry = entries[overlay.index];
    const closed = { ...state, overlay: null };
    if (!entry) {
      return only(closed);
    }
    switch (entry.kind) {
      case "command":
        return perform(closed, entry.command);
      case "context":
        return { state: closed, effects: [{ type: "switch-context", name: entry.name }] };
      case "theme":
        return only({ ...closed, theme: entry.name });
    }
  }
  if (key === "down" || key === "tab" || key === "up" || key === "shift+tab") {
    const by = key === "down" || key === "tab" ? 1 : -1;
    const index = entries.length === 0 ? 0 : (overlay.index + by + entries.length) % entries.length;
    return only({ ...state, overlay: { ...overlay, index } });
  }
  const field = event.type === "paste" ? insertText(overlay.field, event.text) : editText(overlay.field, key);
  return only(field ? { ...state, overlay: { ...overlay, field, index: 0 } } : state);
}

function startInput(state: DashboardState, overlay: Extract<Overlay, { kind: "start" }>, event: InputEvent): Update {
  const key = event.type === "key" ? event.key : "";
  if (key === "tab" || key === "down" || key === "shift+tab" || key === "up") {
    const by = key === "tab" || key === "down" ? 1 : START_FIELDS.length - 1;
    const focus = START_FIELDS[(START_FIELDS.indexOf(overlay.focus) + by) % START_FIELDS.length] ?? "command";
    return only({ ...state, overlay: { ...overlay, focus } });
  }
  if (key === "enter") {
    const options = startOptions(overlay.fields);
    return typeof options === "string"
      ? only({ ...state, overlay: { ...overlay, error: options } })
      : { state: { ...state, overlay: { ...overlay, error: "" } }, effects: [{ type: "start", options }] };
  }
  const before = overlay.fields[overlay.focus];
  const field = event.type === "paste" ? insertText(before, event.text) : editText(before, key);
  return only(
    field
      ? { ...state, overlay: { ...overlay, error: "", fields: { ...overlay.fields, [overlay.focus]: field } } }
      : state,
  );
}

/** What the form says, or what is wrong with it. */
function startOptions(fields: Extract<Overlay, { kind: "start" }>["fields"]): StartOptions | string {
  const words = splitWords(fields.command.text);
  const [executable, ...args] = words ?? [];
  if (!words) {
    return "A quote in the command is left open";
  }
  if (!executable) {
    return "A command is needed";
  }
  const pairs = splitWords(fields.env.text);
  if (!pairs?.every((pair) => /^[^=]+=/.test(pair))) {
    return "The environment is written as NAME=VALUE, separated by blanks";
  }
  const cwd = fields.cwd.text.trim();
  if (cwd !== "" && !cwd.startsWith("/")) {
    return "The working directory must be an absolute path";
  }
  const name = fields.name.text.trim();
  return {
    executable,
    args,
    ...(pairs.length > 0 && {
      env: Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
      ),
    }),
    ...(cwd !== "" && { cwd }),
    ...(name !== "" && { name }),
  };
}

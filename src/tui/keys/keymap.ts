/** What a key or a line of the palette does. */
export type Command =
  | "down"
  | "up"
  | "half-page-down"
  | "half-page-up"
  | "page-down"
  | "page-up"
  | "first"
  | "last"
  | "left"
  | "right"
  | "line-start"
  | "next-pane"
  | "previous-pane"
  | "pane-1"
  | "pane-2"
  | "open"
  | "back"
  | "zoom"
  | "layout"
  | "search"
  | "search-next"
  | "search-previous"
  | "log-filter"
  | "more-context"
  | "less-context"
  | "follow"
  | "wrap"
  | "timestamps"
  | "streams"
  | "previous-run"
  | "next-line"
  | "previous-line"
  | "next-failure"
  | "start-daemon"
  | "start"
  | "stop"
  | "kill"
  | "restart"
  | "remove"
  | "attach"
  | "details"
  | "sort"
  | "sort-reverse"
  | "mark"
  | "mark-all"
  | "copy-line"
  | "copy-view"
  | "theme"
  | "messages"
  | "help"
  | "palette"
  | "redraw"
  | "suspend"
  | "quit";

export type KeyGroup = "Move" | "Panes" | "Log" | "Processes" | "General";

export interface KeyBinding {
  readonly command: Command;
  /** As `InputDecoder` names them. */
  readonly keys: readonly string[];
  readonly group: KeyGroup;
  /** What it does, for the help and the palette. */
  readonly description: string;
  /** What the footer calls it while the table or the log is in focus; the lower `rank`, the longer it stays when room runs out. */
  readonly footer?: { readonly table?: string; readonly log?: string; readonly rank: number };
}

/** The key map. Help, footer and palette are made from it. */
export const KEY_MAP: readonly KeyBinding[] = [
  { command: "down", keys: ["j", "down"], group: "Move", description: "Down" },
  { command: "up", keys: ["k", "up"], group: "Move", description: "Up" },
  { command: "first", keys: ["g", "home"], group: "Move", description: "To the first row, or the oldest output kept" },
  { command: "last", keys: ["G", "end"], group: "Move", description: "To the last row, or the newest output" },
  { command: "half-page-down", keys: ["ctrl+d"], group: "Move", description: "Half a page down" },
  { command: "half-page-up", keys: ["ctrl+u"], group: "Move", description: "Half a page up" },
  { command: "page-down", keys: ["pagedown"], group: "Move", description: "A page down" },
  { command: "page-up", keys: ["pageup"], group: "Move", description: "A page up" },
  { command: "left", keys: ["h", "left"], group: "Move", description: "Scroll the log to the left" },
  { command: "right", keys: ["l", "right"], group: "Move", description: "Scroll the log to the right" },
  { command: "line-start", keys: ["0"], group: "Move", description: "To the beginning of the log's lines" },
  {
    command: "next-pane",
    keys: ["tab"],
    group: "Panes",
    description: "Next pane",
    footer: { table: "pane", log: "pane", rank: 9 },
  },
  { command: "previous-pane", keys: ["shift+tab"], group: "Panes", description: "Previous pane" },
  { command: "pane-1", keys: ["1"], group: "Panes", description: "The process table" },
  { command: "pane-2", keys: ["2"], group: "Panes", description: "The log" },
  {
    command: "open",
    keys: ["enter"],
    group: "Panes",
    description: "Open the log; in a filtered log, the line in its place",
  },
  { command: "back", keys: ["escape"], group: "Panes", description: "Back: close, clear the filter, leave the log" },
  {
    command: "zoom",
    keys: ["z"],
    group: "Panes",
    description: "Zoom the focused pane, or show both",
    footer: { table: "zoom", log: "zoom", rank: 10 },
  },
  { command: "layout", keys: ["|"], group: "Panes", description: "The log under the table, or beside it" },
  {
    command: "search",
    keys: ["/"],
    group: "Log",
    description: "Filter the table; in the log, search",
    footer: { table: "filter", log: "search", rank: 3 },
  },
  {
    command: "search-next",
    keys: ["n"],
    group: "Log",
    description: "Next match, in the direction of the search",
    footer: { log: "next", rank: 11 },
  },
  { command: "search-previous", keys: ["N"], group: "Log", description: "Next match, in the opposite direction" },
  {
    command: "log-filter",
    keys: ["&"],
    group: "Log",
    description: "Show only the matching lines of the log",
    footer: { log: "filter", rank: 4 },
  },
  { command: "more-context", keys: ["+"], group: "Log", description: "More lines of context" },
  { command: "less-context", keys: ["-"], group: "Log", description: "Fewer lines of context" },
  {
    command: "follow",
    keys: ["f"],
    group: "Log",
    description: "Follow the newest output, or pause",
    footer: { log: "follow", rank: 2 },
  },
  {
    command: "wrap",
    keys: ["w"],
    group: "Log",
    description: "Wrap long lines, or scroll them",
    footer: { log: "wrap", rank: 6 },
  },
  {
    command: "timestamps",
    keys: ["t"],
    group: "Log",
    description: "Time stamps",
    footer: { log: "time", rank: 7 },
  },
  {
    command: "streams",
    keys: ["e"],
    group: "Log",
    description: "Both streams, standard output, standard error",
    footer: { log: "streams", rank: 8 },
  },
  {
    command: "previous-run",
    keys: ["p"],
    group: "Log",
    description: "The previous run, or the current one",
    footer: { log: "previous run", rank: 9 },
  },
  { command: "next-line", keys: ["J"], group: "Log", description: "Select the next line, for y" },
  { command: "previous-line", keys: ["K"], group: "Log", description: "Select the previous line" },
  {
    command: "copy-line",
    keys: ["y"],
    group: "Log",
    description: "Copy the selected line; in the table, the ID",
    footer: { log: "copy", rank: 12 },
  },
  { command: "copy-view", keys: ["Y"], group: "Log", description: "Copy what the log shows" },
  {
    command: "start",
    keys: ["s"],
    group: "Processes",
    description: "Start a process",
    footer: { table: "start", rank: 2 },
  },
  {
    command: "stop",
    keys: ["x"],
    group: "Processes",
    description: "Stop",
    footer: { table: "stop", rank: 4 },
  },
  {
    command: "kill",
    keys: ["X"],
    group: "Processes",
    description: "Kill the whole tree",
    footer: { table: "kill", rank: 12 },
  },
  {
    command: "restart",
    keys: ["r"],
    group: "Processes",
    description: "Restart",
    footer: { table: "restart", rank: 5 },
  },
  {
    command: "remove",
    keys: ["d"],
    group: "Processes",
    description: "Remove an ended process and its output",
    footer: { table: "remove", rank: 6 },
  },
  {
    command: "attach",
    keys: ["a"],
    group: "Processes",
    description: "Attach to its input and output",
    footer: { table: "attach", rank: 13 },
  },
  {
    command: "details",
    keys: ["i"],
    group: "Processes",
    description: "Details",
    footer: { table: "info", rank: 7 },
  },
  {
    command: "sort",
    keys: ["o"],
    group: "Processes",
    description: "Sort by the next column",
    footer: { table: "sort", rank: 8 },
  },
  { command: "sort-reverse", keys: ["O"], group: "Processes", description: "Reverse the order" },
  {
    command: "next-failure",
    keys: ["!"],
    group: "Processes",
    description: "To the next unseen failure, else to the next failed process",
    footer: { table: "failed", log: "failed", rank: 10 },
  },
  {
    command: "mark",
    keys: ["space"],
    group: "Processes",
    description: "Mark, to act on several; in the log, a page down",
    footer: { table: "mark", rank: 11 },
  },
  {
    command: "mark-all",
    keys: ["*"],
    group: "Processes",
    description: "Mark all that the filter shows, or none",
    footer: { table: "mark all", rank: 14 },
  },
  {
    command: "help",
    keys: ["?"],
    group: "General",
    description: "This help",
    footer: { table: "help", log: "help", rank: 0 },
  },
  {
    command: "palette",
    keys: [":"],
    group: "General",
    description: "All commands, contexts and themes",
    footer: { table: "commands", log: "commands", rank: 15 },
  },
  {
    command: "start-daemon",
    keys: ["D"],
    group: "General",
    description: "Start the daemon of this machine",
    footer: { table: "start the daemon", log: "start the daemon", rank: 2 },
  },
  { command: "messages", keys: ["M"], group: "General", description: "Recent messages" },
  { command: "theme", keys: ["T"], group: "General", description: "Next theme" },
  { command: "redraw", keys: ["ctrl+l"], group: "General", description: "Redraw the screen" },
  { command: "suspend", keys: ["ctrl+z"], group: "General", description: "Suspend; fg returns" },
  {
    command: "quit",
    keys: ["q", "ctrl+c"],
    group: "General",
    description: "Quit; processes keep running",
    footer: { table: "quit", log: "quit", rank: 1 },
  },
];

const COMMANDS = new Map(KEY_MAP.flatMap(({ command, keys }) => keys.map((key): [string, Command] => [key, command])));

export function commandOf(key: string): Command | undefined {
  return COMMANDS.get(key);
}

const NAMES: Record<string, string> = {
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  space: "Space",
  enter: "Enter",
  escape: "Esc",
  tab: "Tab",
  "shift+tab": "Shift-Tab",
  pageup: "PgUp",
  pagedown: "PgDn",
  home: "Home",
  end: "End",
};

/** A key as it is printed: "Ctrl-D", "↑", "PgDn". */
export function keyName(key: string): string {
  return NAMES[key] ?? key.replace(/^ctrl\+(.)$/, (_match, letter: string) => `Ctrl-${letter.toUpperCase()}`);
}

import { describe, expect, test } from "vitest";
import { type Command, KEY_MAP } from "../../src/tui/keys/keymap.ts";
import { startDaemon } from "../support/daemon.ts";
import { byName } from "../support/process-ref.ts";
import type { TestTerminal } from "../support/terminal.ts";
import { openUi, selectedRow, start } from "./dashboard.ts";

/** What a terminal sends for a key. */
const SENT: Readonly<Record<string, string>> = {
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  pageup: "\x1b[5~",
  pagedown: "\x1b[6~",
  tab: "\t",
  "shift+tab": "\x1b[Z",
  enter: "\r",
  escape: "\x1b",
  space: " ",
};

function sent(key: string): string {
  const control = /^ctrl\+(.)$/.exec(key)?.[1];
  return control ? String.fromCharCode(control.charCodeAt(0) & 0x1f) : (SENT[key] ?? key);
}

type Seen = string | RegExp | ((terminal: TestTerminal) => boolean);

/** How a key is tried: what is typed before it, what that shows, and what the key shows. */
interface Trial {
  readonly before?: string;
  readonly ready?: Seen;
  readonly shows: Seen;
}

/** What was put on the clipboard (OSC 52). */
function copied(raw: string): string {
  const [, after = ""] = raw.split("\x1b]52;c;");
  return Buffer.from(after.split("\x07")[0] ?? "", "base64").toString();
}

const selected =
  (name: string): Seen =>
  (terminal) =>
    selectedRow(terminal).includes(name);
const without =
  (text: string): Seen =>
  (terminal) =>
    !terminal.text().includes(text);
const inTable: Seen = "r restart";
const inLog: Seen = "w wrap";
const searched = { before: "2/line 03\r", ready: /▸ +line 0399/ };

/**
 * Ten processes p0 to p9, the first of which has written 500 lines (the last
 * one is long) and is on its second run, in a terminal of 120x30. Each key is
 * tried in a dashboard of its own.
 */
const TRIALS: Readonly<Record<Command, Trial>> = {
  down: { shows: selected("p1") },
  up: { before: "G", ready: selected("p9"), shows: selected("p8") },
  first: { before: "G", ready: selected("p9"), shows: selected("p0") },
  last: { shows: selected("p9") },
  "half-page-down": { shows: selected("p5") },
  "half-page-up": { before: "G", ready: selected("p9"), shows: selected("p4") },
  "page-down": { shows: selected("p9") },
  "page-up": { before: "G", ready: selected("p9"), shows: selected("p0") },
  left: { before: "2ll", ready: "from column 17", shows: "from column 9" },
  right: { before: "2", ready: inLog, shows: "from column 9" },
  "line-start": { before: "2ll", ready: "from column 17", shows: without("from column") },
  "next-pane": { shows: inLog },
  "previous-pane": { shows: inLog },
  "pane-1": { before: "2", ready: inLog, shows: inTable },
  "pane-2": { shows: inLog },
  open: { shows: inLog },
  back: { before: "2", ready: inLog, shows: inTable },
  zoom: { shows: without("─ Log") },
  layout: { shows: (terminal) => /Processes.*Log/.test(terminal.row(2)) },
  search: { shows: "filter: " },
  "search-next": { ...searched, shows: /▸ +line 0398/ },
  "search-previous": { ...searched, shows: /▸ +line 0300/ },
  "log-filter": { shows: "only lines with" },
  "more-context": { before: "2&line 0250\r", ready: "1 matching", shows: "line 0251" },
  "less-context": { before: "2&line 0250\r+", ready: "line 0251", shows: without("line 0251") },
  follow: { shows: "paused" },
  wrap: { shows: "the end of it" },
  timestamps: { shows: /\d\d:\d\d:\d\d\.\d{3} line 0500/ },
  streams: { shows: /Log · p0 · run 2 · stdout/ },
  "next-line": { ...searched, shows: /▸ +line 0400/ },
  "previous-line": { ...searched, shows: /▸ +line 0398/ },
  "previous-run": { shows: "the previous one" },
  "copy-line": {
    shows: (terminal) => terminal.raw.includes("\x1b]52;c;") && terminal.text().includes("Sent the ID"),
  },
  "copy-view": {
    shows: ({ raw }) => copied(raw).includes("line 0499\nline 0500\n"),
  },
  "next-failure": { shows: "Nothing has failed" },
  "start-daemon": { shows: "The daemon is running" },
  start: { shows: "Start a process" },
  stop: { shows: "Stop p0?" },
  kill: { shows: "Kill p0?" },
  restart: { shows: "Restart p0?" },
  remove: { shows: "p0 is running: x stops it first" },
  attach: { shows: "watching p0" },
  details: { shows: "Executable" },
  sort: { shows: "by state" },
  "sort-reverse": { shows: "by name ↓" },
  mark: { shows: "1 marked" },
  "mark-all": { shows: "10 marked" },
  theme: { shows: (terminal) => terminal.cell(1, 0).foreground === 5 },
  help: { shows: "Half a page down" },
  palette: { shows: "Commands" },
  messages: { shows: "There is no message yet" },
  redraw: { shows: ({ raw }) => raw.split("\x1b[2J").length > 3 },
  // No shell could continue it: it gives the terminal back and goes on.
  suspend: { shows: ({ raw, alternate }) => raw.includes("\x1b[?1049l") && alternate },
  quit: { shows: (terminal) => !terminal.alternate },
};

describe("every key of the map does what the help says", () => {
  test.each(["Move", "Panes", "Log", "Processes", "General"] as const)(
    "%s",
    async (group) => {
      const daemon = await startDaemon();
      await start(daemon, "p0", `seq -f 'line %04g' 1 500; printf 'wide %0150d the end of it\\n' 0; exec sleep 1000`);
      await daemon.processes.restartProcess({ process: byName("p0") });
      for (let i = 1; i < 10; i++) {
        await start(daemon, `p${i}`, "exec sleep 1000");
      }
      for (const { command, keys } of KEY_MAP.filter((binding) => binding.group === group)) {
        for (const key of keys) {
          const { before, ready, shows } = TRIALS[command];
          const terminal = openUi(daemon, { columns: 120, rows: 30 });
          await terminal.until("the dashboard", ({ alternate }) => alternate && terminal.text().includes("wide 000"));
          await terminal.until("the table", () => terminal.text().includes("p9"));
          if (before !== undefined && ready !== undefined) {
            expect(fits(terminal, ready)).toBe(false);
            terminal.type(before);
            await terminal.until(`${command}: ${before}`, () => fits(terminal, ready));
          }
          expect([key, fits(terminal, shows)]).toEqual([key, false]);
          terminal.type(sent(key));
          await terminal.until(`${command}: ${key}`, () => fits(terminal, shows));
          await terminal.close();
        }
      }
    },
    300_000,
  );
});

function fits(terminal: TestTerminal, seen: Seen): boolean {
  return typeof seen === "function"
    ? seen(terminal)
    : typeof seen === "string"
      ? terminal.text().includes(seen)
      : seen.test(terminal.text());
}

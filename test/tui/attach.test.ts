import { describe, expect, test } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { openUi, start } from "./dashboard.ts";

const onTerminal = { terminal: { rows: 24, columns: 80 } };
/** A program that takes the mouse and hides the cursor on the alternate screen, and draws itself for each new size. */
const fullScreen =
  'trap "draw" WINCH; draw() { printf "\\033[2J\\033[H"; stty size; };' +
  'stty -echo; printf "\\033[?1049h\\033[?1002h\\033[?1006h\\033[?25l"; draw; while :; do read -r line && printf "got %s\\n" "$line"; done';

describe("attaching", () => {
  test("passes lines to a process's input and returns", async () => {
    const daemon = await startDaemon();
    await start(daemon, "echoer", 'while read -r line; do echo "heard $line"; done', { stdin: 2 });
    const terminal = openUi(daemon);
    await terminal.shows("echoer");
    terminal.type("a");
    await terminal.shows("attached to echoer");
    expect(terminal.alternate).toBe(false);
    terminal.type("hello\r");
    await terminal.shows("heard hello");
    terminal.type("\x1d");
    await terminal.until("the dashboard is back", () => terminal.alternate && terminal.text().includes("Processes"));
    await terminal.shows("heard hello");
    terminal.type("q");
    expect((await terminal.exited).code).toBe(0);
  });

  test("gives a program that fills the screen everything, and takes back what it set", async () => {
    const daemon = await startDaemon();
    await start(daemon, "full", fullScreen, onTerminal);
    const terminal = openUi(daemon, { columns: 100, rows: 30 });
    await terminal.shows("full");
    for (let i = 0; i < 2; i++) {
      terminal.type("a");
      await terminal.until("its screen", () => terminal.alternate && terminal.row(0) === "30 100");
      expect(terminal.modes.get("?1002")).toBe(true);
      terminal.type("q\r");
      await terminal.shows("got q");
      terminal.type("\x1d");
      await terminal.shows("─ Processes");
      expect(terminal.modes.get("?1002")).toBe(false);
      expect(terminal.modes.get("?1006")).toBe(false);
      expect(terminal.modes.get("?2004")).toBe(true);
    }
    terminal.type("q");
    expect((await terminal.exited).code).toBe(0);
    expect(terminal.modes.get("?25")).toBe(true);
  });

  test("ends with the process, and any key returns", async () => {
    const daemon = await startDaemon();
    await start(daemon, "asks", "echo ready; read -r line; exit 3", onTerminal);
    const terminal = openUi(daemon);
    await terminal.shows("ready");
    terminal.type("a");
    await terminal.shows("attached to asks");
    terminal.type("bye\r");
    await terminal.shows("any key returns");
    terminal.type(" ");
    await terminal.shows("─ Processes");
    await terminal.shows("✗ exited");
  });

  test.each(["SIGTERM", "SIGHUP"] as const)("%s meanwhile gives the terminal back", async (signal) => {
    const daemon = await startDaemon();
    await start(daemon, "full", fullScreen, onTerminal);
    const terminal = openUi(daemon, { columns: 100, rows: 30 });
    await terminal.shows("full");
    terminal.type("a");
    await terminal.until("its screen", () => terminal.row(0) === "30 100");
    terminal.kill(signal);
    expect((await terminal.exited).signal).toBe(signal === "SIGTERM" ? 15 : 1);
    await terminal.until("the main screen", () => !terminal.alternate);
    for (const [mode, on] of terminal.modes) {
      expect([mode, on]).toEqual([mode, mode === "?25" || mode === "?7"]);
    }
    const { processes } = await daemon.processes.listProcesses({ filter: { states: [2] } });
    expect(processes).toHaveLength(1);
  });

  test("a process without input is watched; Ctrl-C leaves it", async () => {
    const daemon = await startDaemon();
    await start(daemon, "mute", "echo something; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("something");
    terminal.type("a");
    await terminal.shows("watching mute");
    terminal.type("ignored\x03");
    await terminal.shows("─ Processes");
  });

  test("with a screen reader what the process said stays, and the dashboard speaks anew", async () => {
    const daemon = await startDaemon();
    await start(daemon, "echoer", 'while read -r line; do echo "heard $line"; done', { stdin: 2 });
    for (const [word, how] of [
      ["reader", { args: ["--screen-reader"] }],
      ["dumb", { env: { TERM: "dumb" } }],
    ] as const) {
      const terminal = openUi(daemon, how);
      await terminal.shows("1 of 1: echoer");
      terminal.type("a");
      await terminal.shows("attached to echoer");
      terminal.type(`${word}\r`);
      await terminal.shows(`heard ${word}`);
      const before = terminal.raw.length;
      terminal.type("\x1d");
      await terminal.until("it speaks", () => terminal.raw.indexOf("1 of 1: echoer", before) > 0);
      terminal.type("s");
      await terminal.shows("Start a process.");
      expect(terminal.text()).toMatch(
        new RegExp(`attached to echoer; Ctrl-\\] returns\\].*${word}\n.*heard ${word}\n.*Start a process`, "s"),
      );
      terminal.type("\x1b");
      await terminal.until(
        "it is closed",
        () => terminal.raw.lastIndexOf("1 of 1") > terminal.raw.lastIndexOf("Start a"),
      );
      terminal.type("q");
      expect((await terminal.exited).code).toBe(0);
    }
  });
});

/** What makes the dashboard pleasant: colors, clicks, prompts, progress, the daemon's start. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { byId } from "../support/process-ref.ts";
import type { TestTerminal } from "../support/terminal.ts";
import { namesInTable, openUi, rowOf, selectedRow, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();
const pm = join(import.meta.dirname, "../../bin/pm");

beforeAll(async () => {
  await start(daemon(), "a-runs", "seq 1 100; exec sleep 1000");
  const id = await start(daemon(), "b-failed", "exit 3");
  await daemon().processes.waitProcess({ process: byId(id), condition: 3 });
  await start(daemon(), "c-runs", "exec sleep 1000");
});

async function open(columns = 120, rows = 30, args: string[] = []): Promise<TestTerminal> {
  const terminal = openUi(daemon(), { columns, rows, args });
  await terminal.shows("b-failed");
  // The header's numbers come a moment later.
  await terminal.shows(/● 2/);
  return terminal;
}

/** A click with the left button, pressed and released. */
function click(terminal: TestTerminal, x: number, y: number): void {
  terminal.type(`\x1b[<0;${x + 1};${y + 1}M\x1b[<0;${x + 1};${y + 1}m`);
}

describe("what is seen", () => {
  test("the selected row keeps its colors", async () => {
    const terminal = await open();
    terminal.type("j");
    await terminal.until("it is selected", () => selectedRow(terminal).includes("b-failed"));
    const y = rowOf(terminal, "  b-failed");
    const cell = terminal.cell(terminal.row(y).indexOf("✗"), y);
    expect([cell.inverse, cell.foreground]).toEqual([true, 1]);
  });

  test("there are no blank rows above a cut log", async () => {
    const terminal = await open();
    terminal.type("/b-failed\r");
    await terminal.shows("filter b-failed");
    expect(rowOf(terminal, "─ Log")).toBe(rowOf(terminal, "─ Processes") + 5);
  });

  test("what lies under an overlay is dim, all of it", async () => {
    const terminal = await open();
    terminal.type("i");
    await terminal.shows("Executable");
    const frame = rowOf(terminal, "╭");
    for (let x = 0; x < terminal.row(frame).indexOf("╭"); x++) {
      expect([x, terminal.cell(x, frame).dim]).toEqual([x, true]);
    }
    const y = rowOf(terminal, "─ Processes");
    expect(terminal.cell(2, y).dim).toBe(true);
  });

  test("60x15 does not drop the number of errors", async () => {
    const terminal = await open(60, 15);
    expect(terminal.row(0)).toMatch(/● 2 ✗ 1 /);
  });

  test("one thing has one word: what the table calls exited the header does, too", async () => {
    const terminal = await open();
    expect(terminal.row(1)).toMatch(/● 2 running +✗ 1 exited/);
    expect(terminal.row(rowOf(terminal, "  b-failed"))).toContain("✗ exited");
    terminal.type("i");
    await terminal.shows(/ID +[0-9a-f-]{36}/);
    await terminal.shows(/PID +\d+/);
  });
});

describe("clicks", () => {
  test("on a column sort by it, on a number of the header filter, in the footer press the key", async () => {
    const terminal = await open(140, 30, ["--mouse"]);
    const titles = rowOf(terminal, " NAME");
    click(terminal, terminal.row(titles).indexOf("STATE"), titles);
    await terminal.shows("by state ↑");
    click(terminal, terminal.row(titles).indexOf("STATE"), titles);
    await terminal.shows("by state ↓");
    click(terminal, terminal.row(1).indexOf("exited"), 1);
    await terminal.shows("filter exit:bad");
    expect(namesInTable(terminal)).toEqual(["b-failed"]);
    click(terminal, terminal.row(1).indexOf("exited"), 1);
    await terminal.hides("filter exit:bad");
    click(terminal, terminal.row(29).indexOf("i info"), 29);
    await terminal.shows("Executable");
    click(terminal, terminal.row(29).indexOf("close"), 29);
    await terminal.hides("Executable");
  });
});

describe("prompts", () => {
  test("offer what is in force, which the first letter replaces, and what was typed before", async () => {
    const terminal = await open();
    terminal.type("/runs\r");
    await terminal.shows("filter runs");
    terminal.type("/failed\r");
    await terminal.shows("filter failed");
    expect(namesInTable(terminal)).toEqual(["b-failed"]);
    terminal.type("/");
    await terminal.shows("filter: failed");
    terminal.type("\x10");
    await terminal.shows("filter: runs");
    terminal.type("\x0e");
    await terminal.shows("filter: failed");
    terminal.type("\x10\r");
    await terminal.shows("filter runs");
    expect(namesInTable(terminal)).toEqual(["a-runs", "c-runs"]);
    // What is offered is kept by whoever moves in it.
    terminal.type("/\x05 !~^c\r");
    await terminal.shows("filter runs !~^c");
    terminal.type("2/one\r/two\r/\x1b[A");
    await terminal.shows("search: one");
  });

  test("the start form brings back earlier commands", async () => {
    const terminal = await open();
    terminal.type("s");
    await terminal.shows("Start a process");
    terminal.type("true first\r");
    await terminal.shows("Started");
    terminal.type("s");
    await terminal.shows("Start a process");
    terminal.type("draft\x10");
    await terminal.shows(/Command +true first$|Command +true first /m);
    terminal.type("\x0e");
    await terminal.shows(/Command +draft /);
  });
});

test("a long action says how far it is", async () => {
  const own = await startDaemon();
  for (let i = 0; i < 40; i++) {
    await start(own, `slow-${i}`, "trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done");
  }
  const terminal = openUi(own, { columns: 120, rows: 30 });
  await terminal.shows("● 40 running");
  terminal.type("*x");
  await terminal.shows("Stop 40 processes?");
  terminal.type("y");
  await terminal.shows(/Stopping: (1?\d|2\d|3\d) of 40/);
  await terminal.shows("Stopped 40 processes", 60_000);
  expect(terminal.text()).not.toContain("Stopping:");
});

test("D starts the daemon when it is gone", async () => {
  const own = await startDaemon();
  await start(own, "survivor", "exec sleep 1000");
  const terminal = openUi(own, { columns: 120, rows: 30 });
  await terminal.shows("survivor");
  terminal.type("D");
  await terminal.shows("The daemon is running");
  await own.kill9();
  await terminal.shows("disconnected");
  terminal.type("D");
  await terminal.shows("Started the daemon (pid");
  await terminal.shows("● connected");
  await terminal.shows("survivor");
  // That one is nobody's child: it makes room for the one that tidies up.
  execFileSync(pm, ["daemon", "stop"], {
    env: { ...process.env, PM_RUNTIME_DIR: own.runtimeDir, PM_NODE: process.execPath },
    stdio: "pipe",
  });
});

import { describe, expect, test } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { byId, byName } from "../support/process-ref.ts";
import { openDashboard, openUi, removeEnded, selectedRow, start } from "./dashboard.ts";

describe("the process table", () => {
  test("moves, sorts, filters, marks and opens", async () => {
    const { terminal } = await openDashboard();
    expect(selectedRow(terminal)).toContain("api");
    terminal.type("j");
    await terminal.until("j moves down", () => selectedRow(terminal).includes("job"));
    terminal.type("k");
    await terminal.until("k moves up", () => selectedRow(terminal).includes("api"));
    terminal.type("\x1b[B\x1b[B");
    await terminal.until("arrows move", () => selectedRow(terminal).includes("worker"));
    terminal.type("g");
    await terminal.until("g goes to the top", () => selectedRow(terminal).includes("api"));
    terminal.type("G");
    await terminal.until("G goes to the end", () => selectedRow(terminal).includes("worker"));
    terminal.type("\x04\x15");
    terminal.type("\x1b[5~");
    await terminal.until("page up", () => selectedRow(terminal).includes("api"));
    terminal.type("\x1b[6~");
    await terminal.until("page down", () => selectedRow(terminal).includes("worker"));
    terminal.type("\x1b[H");
    await terminal.until("home", () => selectedRow(terminal).includes("api"));
    terminal.type("\x1b[F");
    await terminal.until("end", () => selectedRow(terminal).includes("worker"));

    terminal.type("o");
    await terminal.shows("by state");
    // Sorted by state the selection is still on its process.
    expect(selectedRow(terminal)).toContain("worker");
    terminal.type("O");
    await terminal.shows("by state ↓");

    terminal.type("/!state:ex");
    await terminal.shows("2 of 3");
    terminal.type("\r");
    await terminal.shows("filter !state:ex");
    terminal.type("\x1b");
    await terminal.shows(/Processes · \d\/3 ·/);

    terminal.type("g ");
    await terminal.shows("1 marked");
    terminal.type("*");
    await terminal.shows("3 marked");
    terminal.type("*");
    await terminal.hides("marked");

    terminal.type("z");
    await terminal.hides("─ Log");
    terminal.type("z");
    await terminal.shows("─ Log");
    terminal.type("|");
    await terminal.until("the log beside the table", () => /Processes.*Log/.test(terminal.row(2)));
    terminal.type("|");
    await terminal.until("the log below the table", () => !/Processes.*Log/.test(terminal.row(2)));
    terminal.type("\r");
    await terminal.shows("follow");
    terminal.type("\x1b");
    await terminal.shows("x stop");
    terminal.type("\t");
    await terminal.shows("w wrap");
    terminal.type("\x1b[Z");
    await terminal.shows("x stop");
    terminal.type("2");
    await terminal.shows("w wrap");
    terminal.type("1");
    await terminal.shows("x stop");
    terminal.type("q");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
    // What it wrote last may be read after its end was seen.
    await terminal.until("the terminal is given back", () => !terminal.alternate);
  });

  test("starts, stops, restarts, kills and removes, asking first and naming the target", async () => {
    const { daemon, terminal } = await openDashboard();
    terminal.type("s");
    await terminal.shows("Start a process");
    terminal.type("sh -c 'echo from the form; sleep 1000'\t\t\tformed\r");
    await terminal.shows("Started formed");
    await terminal.until("it is selected", () => selectedRow(terminal).includes("formed"));
    await terminal.shows("from the form");
    terminal.type("x");
    await terminal.shows("Stop formed?");
    terminal.type("n");
    await terminal.hides("Stop formed?");
    terminal.type("xy");
    await terminal.shows("Stopped formed");
    const { process } = await daemon.processes.getProcess({ process: byName("formed") });
    expect(process?.run?.exit?.signalName).toBe("SIGTERM");
    terminal.type("ry");
    await terminal.shows("Restarted formed");
    await terminal.shows("run 2");
    terminal.type("Xy");
    await terminal.shows("Killed formed");
    await terminal.until("it is seen to have ended", () => selectedRow(terminal).includes("exited"));
    await removeEnded(terminal, "formed");
    await terminal.until("it is gone", () => !/formed +●/.test(terminal.text()));
    // What runs is not removed.
    terminal.type("gd");
    await terminal.shows("✗ api is running: x stops it first");

    // A missing program: the answer of the operating system, in the form.
    terminal.type("s");
    await terminal.shows("Start a process");
    terminal.type("/no/such/program\r");
    await terminal.shows(/No such file or directory/);
    terminal.type("\x1b");
    await terminal.hides("Start a process");
  });

  test("the start form's every field reaches the process", async () => {
    const { daemon, terminal } = await openDashboard();
    terminal.type("s");
    await terminal.shows("Start a process");
    // The directory that is offered is taken out: Ctrl-U.
    terminal.type("sh -c 'pwd; echo \"$A/$B\"; stty size; exec sleep 1000'\t\x15/usr\t");
    terminal.type("A=1 B='two words'\tformed\t");
    terminal.type("\x1b[C\x1b[C");
    await terminal.until("a terminal is chosen", () => {
      const y = Array.from({ length: terminal.rows }, (_, row) => row).find((row) => /▸ Input/.test(terminal.row(row)));
      return y !== undefined && terminal.cell(terminal.row(y).indexOf("terminal"), y).inverse;
    });
    terminal.type("\tapp=web tier=front\r");
    await terminal.shows("Started formed");
    await terminal.shows("1/two words");
    const { process } = await daemon.processes.getProcess({ process: byName("formed") });
    expect(process?.labels).toEqual({ app: "web", tier: "front" });
    const { columns, rows } = process?.spec?.terminal ?? {};
    expect([columns, rows]).toEqual([terminal.columns, terminal.rows]);
    await terminal.shows(`${rows} ${columns}`);
    expect(process?.spec?.cwd).toBe("/usr");
    await terminal.shows(/^ +\/usr$/m);
  });

  test("shows details, help and palette", async () => {
    const { terminal } = await openDashboard();
    terminal.type("i");
    await terminal.shows("Executable");
    await terminal.shows("Process tree");
    terminal.type("j");
    terminal.type("\x1b");
    await terminal.hides("Executable");
    for (const leaves of ["?", "q", "\x1b"]) {
      terminal.type("?");
      await terminal.shows("Half a page down");
      terminal.type(leaves);
      await terminal.hides("Half a page down");
    }
    terminal.type(":");
    await terminal.shows("Enter runs");
    terminal.type("time stamps\r");
    await terminal.shows(/\d\d:\d\d:\d\d\.\d\d\d 500/);
    terminal.type("?");
    await terminal.shows("Half a page down");
    terminal.type("\x03");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
  });

  test("environment values are masked until asked for", async () => {
    const daemon = await startDaemon();
    await start(daemon, "secretive", "exec sleep 1000", { env: { API_TOKEN: "tops3cret" } });
    const terminal = openUi(daemon);
    await terminal.shows("secretive");
    terminal.type("i");
    await terminal.shows(/API_TOKEN +•+/);
    expect(terminal.text()).not.toContain("tops3cret");
    terminal.type("e");
    await terminal.shows("tops3cret");
    expect(terminal.raw).toContain("tops3cret");
  });

  test("keys typed before the first frame act on what comes", async () => {
    const daemon = await startDaemon();
    await start(daemon, "aa", "exec sleep 1000");
    await start(daemon, "bb", "exec sleep 1000");
    await start(daemon, "cc", "exec sleep 1000");
    const terminal = openUi(daemon);
    terminal.type("jjx");
    await terminal.shows("Stop cc?");
  });

  test("an empty list says how to start one", async () => {
    const terminal = openUi(await startDaemon());
    await terminal.shows("pm start -- COMMAND");
  });
});

describe("the log", () => {
  test("follows, pauses with a count, searches, filters, wraps, scrolls and copies", async () => {
    const daemon = await startDaemon();
    const id = await start(daemon, "talker", "seq -f 'line %04g' 1 500; while read -r line; do echo \"$line\"; done", {
      stdin: 2,
    });
    const say = (text: string): Promise<unknown> =>
      daemon.processes.writeInput({ process: byId(id), data: new TextEncoder().encode(`${text}\n`) });
    const terminal = openUi(daemon);
    await terminal.shows("line 0500");
    terminal.type("2k");
    await terminal.shows("paused");
    await say("one more");
    await say("and another");
    await terminal.shows("2 new");
    expect(terminal.text()).not.toContain("another");
    terminal.type("f");
    await terminal.shows("and another");
    await terminal.shows("following");
    terminal.type("g");
    await terminal.shows("line 0001");
    terminal.type("\x04");
    await terminal.hides("line 0001");
    terminal.type("\x15");
    await terminal.shows("line 0001");
    terminal.type("\x1b[6~");
    await terminal.hides("line 0001");
    terminal.type("\x1b[5~");
    await terminal.shows("line 0001");
    terminal.type("G");
    await terminal.shows("following");

    terminal.type("/line 03\r");
    await terminal.shows("line 0399");
    await terminal.shows("search line 03");
    terminal.type("n");
    await terminal.until("on the way that it began", () => highlighted(terminal, "line 0398"));
    terminal.type("N");
    await terminal.until("the other way", () => highlighted(terminal, "line 0399"));
    terminal.type("\x1b");
    await terminal.hides("search line 03");

    terminal.type("&~line 00[0-4]5$\r");
    await terminal.shows("5 matching");
    await terminal.shows("line 0045");
    expect(terminal.text()).not.toContain("line 0044");
    terminal.type("+");
    await terminal.shows("line 0044");
    terminal.type("-");
    await terminal.hides("line 0044");
    await say("line 0045");
    await terminal.shows("6 matching");
    terminal.type("\x1b");
    await terminal.hides("6 matching");
    // Where one looked with the filter one looks without it.
    terminal.type("G");
    await terminal.shows("following");

    await say(`wide ${"=".repeat(200)} end of it`);
    await terminal.shows("›");
    expect(terminal.text()).not.toContain("end of it");
    terminal.type("llllllllll");
    await terminal.shows("end of it");
    terminal.type("hhhhhhhhhh");
    await terminal.hides("end of it");
    terminal.type("w");
    await terminal.shows("end of it");
    terminal.type("t");
    await terminal.shows(/\d\d:\d\d:\d\d\.\d\d\d wide/);

    await say("to be copied");
    await terminal.shows("to be copied");
    terminal.type("y");
    await terminal.shows("Sent the line to the terminal: it is copied if the terminal allows that (OSC 52)");
    expect(terminal.raw).toContain(`\x1b]52;c;${Buffer.from("to be copied").toString("base64")}\x07`);
    terminal.type("Y");
    await terminal.shows("Sent the view to the terminal");
  });

  test("shows both streams in their own colors, and either alone", async () => {
    const daemon = await startDaemon();
    await start(daemon, "both", "printf 'to %s\\n' stdout; printf 'to %s\\n' stderr >&2; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("│ to stderr");
    const row =
      Array.from({ length: terminal.rows }, (_, y) => y).find((y) => terminal.row(y).includes("│ to stderr")) ?? 0;
    expect(terminal.cell(3, row).foreground).toBe(1);
    expect(terminal.cell(3, row - 1).foreground).toBeNull();
    terminal.type("e");
    await terminal.hides("to stderr");
    await terminal.shows("to stdout");
    terminal.type("e");
    await terminal.shows("to stderr");
    expect(terminal.text()).not.toContain("to stdout");
    terminal.type("e");
    await terminal.shows("to stdout");
  });

  test("says what is no longer kept, and reads history by windows", async () => {
    const daemon = await startDaemon();
    await start(daemon, "writer", "seq -f 'number %07g' 1 200000; exec sleep 1000", {
      output: { limitBytes: 1n << 20n },
    });
    const terminal = openUi(daemon);
    await terminal.shows("number 0200000");
    terminal.type("2g");
    await terminal.shows("no longer kept");
    // Down again through more than one window, by pages.
    terminal.type("/number 0150000\r");
    await terminal.until("found far away", () => highlighted(terminal, "number 0150000"));
    terminal.type("&~0{4}$\r");
    await terminal.shows(/number 0200000/);
    await terminal.shows(/\d matching/);
    expect(terminal.text()).toContain("number 0190000");
  });
});

/** Whether the text stands on the screen, highlighted. */
function highlighted(terminal: Awaited<ReturnType<typeof openUi>>, text: string): boolean {
  for (let y = 0; y < terminal.rows; y++) {
    const x = terminal.row(y).indexOf(text);
    if (x >= 0 && terminal.cell(x, y).inverse && terminal.cell(x, y).bold) {
      return true;
    }
  }
  return false;
}

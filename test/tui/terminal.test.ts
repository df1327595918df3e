import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { FATAL_SIGNALS } from "../../src/terminal/session.ts";
import { startDaemon } from "../support/daemon.ts";
import { byName } from "../support/process-ref.ts";
import type { TestTerminal } from "../support/terminal.ts";
import { openDashboard, openUi, openUnderShell, selectedRow, start } from "./dashboard.ts";

/** Signal numbers of x86-64 and arm64 (signal(7)). */
function expectRestored(terminal: Awaited<ReturnType<typeof openUi>>): void {
  expect(terminal.alternate).toBe(false);
  expect(terminal.modes.get("?25")).toBe(true);
  expect(terminal.modes.get("?7")).toBe(true);
  expect(terminal.modes.get("?2004")).toBe(false);
  expect(terminal.modes.get("?2026")).toBe(false);
  expect(terminal.modes.get("?1049")).toBe(false);
}

/** Resolves when both show the same, whichever changes last. */
async function sameScreen(one: TestTerminal, other: TestTerminal): Promise<void> {
  const same = (): boolean => one.cells() === other.cells();
  await Promise.any([one, other].map((each) => each.until("every cell is the same", same)));
}

describe("the terminal", () => {
  test("is restored by every signal that can be caught, and the parent sees the signal", async () => {
    const daemon = await startDaemon();
    const signals = [...FATAL_SIGNALS];
    const one = async (): Promise<void> => {
      for (let signal = signals.shift(); signal; signal = signals.shift()) {
        const terminal = openUi(daemon, { columns: 80, rows: 24, args: ["--mouse"] });
        await terminal.shows("No processes yet");
        terminal.kill(signal);
        const exit = await terminal.exited;
        expect([signal, exit.signal]).toEqual([signal, constants.signals[signal]]);
        await terminal.until(`${signal} restores the main screen`, () => !terminal.alternate, 5000);
        expectRestored(terminal);
        expect(terminal.modes.get("?1000")).toBe(false);
        expect(terminal.modes.get("?1006")).toBe(false);
      }
    };
    await Promise.all([one(), one()]);
  });

  test("is restored when the user quits", async () => {
    const { terminal } = await openDashboard({ columns: 80, rows: 24 });
    terminal.type("q");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
    // What it wrote last may come after its end is told.
    await vi.waitFor(() => expectRestored(terminal), { timeout: 30_000 });
  });

  test("is restored after an exception, which is told on the main screen", async () => {
    const daemon = await startDaemon();
    await start(daemon, "worker", "exec sleep 1000");
    const directory = mkdtempSync(join(tmpdir(), "pm-preload-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const preload = join(directory, "preload.cjs");
    // A view draws a rule with this; it fails once the window has a certain width.
    writeFileSync(
      preload,
      `const { repeat } = String.prototype;
       String.prototype.repeat = function (count) {
         if (this == "─" && process.stdout.columns === 97) throw new Error("made to fail");
         return repeat.call(this, count);
       };`,
    );
    const terminal = openUi(daemon, {
      columns: 96,
      rows: 24,
      args: ["--mouse"],
      env: { NODE_OPTIONS: `--require ${preload}` },
    });
    await terminal.shows("worker");
    terminal.resize(97, 24);
    terminal.type(":");
    expect(await terminal.exited).toEqual({ code: 1, signal: 0 });
    await terminal.shows("made to fail");
    expectRestored(terminal);
    expect(terminal.modes.get("?1000")).toBe(false);
  });

  test("Ctrl-Z gives it back, fg takes it again", async () => {
    const { daemon } = await openDashboard({ columns: 100, rows: 30 });
    const terminal = openUnderShell(daemon);
    await terminal.until("the dashboard", () => terminal.alternate && terminal.text().includes("worker"));
    terminal.type("\x1a");
    await terminal.shows("stopped 148");
    expect([terminal.alternate, terminal.modes.get("?7"), terminal.modes.get("?25")]).toEqual([false, true, true]);
    terminal.type("\r");
    await terminal.until("the dashboard is back", () => terminal.alternate && terminal.text().includes("worker"));
    terminal.type("j");
    await terminal.until("keys work", () => selectedRow(terminal).includes("job"));
    expect(terminal.raw.split("\x1b[?1049h").length - 1).toBe(2);
    terminal.type("q");
    await terminal.shows("ended 0");
  });

  test("Ctrl-Z where no shell could continue it stops nothing", async () => {
    const { terminal } = await openDashboard({ columns: 100, rows: 30 });
    for (const name of ["job", "worker"]) {
      const taken = terminal.raw.split("\x1b[?1049h").length;
      terminal.type("\x1a");
      await terminal.until("it is taken again", () => terminal.raw.split("\x1b[?1049h").length > taken);
      await terminal.until("the dashboard is back", () => terminal.alternate && terminal.text().includes("worker"));
      terminal.type("j");
      await terminal.until("keys work", () => selectedRow(terminal).includes(name));
    }
    terminal.type("q");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
    expectRestored(terminal);
  });

  test("Ctrl-Z and fg: a screen reader is told everything again", async () => {
    const daemon = await startDaemon();
    await start(daemon, "worker", "exec sleep 1000");
    for (const how of [{ args: ["--screen-reader"] }, { env: { TERM: "dumb" } }]) {
      const terminal = openUnderShell(daemon, how);
      await terminal.shows("1 of 1: worker");
      terminal.type("\x1a");
      await terminal.shows("stopped 148");
      const before = terminal.raw.length;
      terminal.type("\r");
      await terminal.until("it speaks", () => terminal.raw.indexOf("1 of 1: worker", before) > 0);
      terminal.type("s");
      await terminal.shows("Start a process.");
      expect(terminal.text()).toMatch(/1 of 1: worker.*stopped 148.*Start a process\./s);
      terminal.type("\x1b");
      await terminal.until(
        "it is closed",
        () => terminal.raw.lastIndexOf("1 of 1") > terminal.raw.lastIndexOf("Start a"),
      );
      terminal.type("q");
      await terminal.shows("ended 0");
    }
  });

  test("D3 a resize while it is stopped is seen when it goes on", async () => {
    const daemon = await startDaemon();
    await start(daemon, "ended", "seq 1 100");
    await daemon.processes.waitProcess({ process: byName("ended"), condition: 3 });
    const terminal = openUnderShell(daemon, { columns: 140, rows: 40 });
    await terminal.shows("end of output");
    terminal.type("\x1a");
    await terminal.shows("stopped 148");
    terminal.resize(90, 25);
    terminal.type("\r");
    const fresh = openUi(daemon, { columns: 90, rows: 25 });
    await fresh.shows("end of output");
    await sameScreen(terminal, fresh);
    terminal.type("q");
    await terminal.shows("ended 0");
  });

  test("a storm of resizes ends equal to a fresh render", async () => {
    const { daemon, terminal } = await openDashboard({ columns: 120, rows: 40 });
    await daemon.processes.stopProcess({ process: byName("api"), options: { force: true, gracePeriod: { nanos: 1 } } });
    await daemon.processes.stopProcess({
      process: byName("worker"),
      options: { force: true, gracePeriod: { nanos: 1 } },
    });
    for (let i = 0; i < 60; i++) {
      terminal.resize(20 + ((i * 37) % 180), 3 + ((i * 13) % 60));
      await new Promise((resolve) => setTimeout(resolve, i % 7));
    }
    terminal.resize(120, 40);
    await terminal.shows("end of output");
    const fresh = openUi(daemon, { columns: 120, rows: 40 });
    await sameScreen(terminal, fresh);
  });

  test("nothing is written while nothing changes", async () => {
    const daemon = await startDaemon();
    await start(daemon, "ended", "echo done");
    await daemon.processes.waitProcess({ process: byName("ended"), condition: 3 });
    const terminal = openUi(daemon);
    await terminal.shows("end of output");
    await terminal.quiet(500);
    const before = terminal.bytes;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(terminal.bytes - before).toBe(0);
  });

  test.each([
    [40, 10],
    [20, 4],
    [80, 24],
    [300, 80],
  ])("%i columns and %i rows are enough for everything", async (columns, rows) => {
    const { terminal } = await openDashboard({ columns, rows });
    terminal.type("2");
    await terminal.shows("500");
    terminal.type("1");
    await terminal.shows("api");
    for (const [key, text] of rows >= 10
      ? [
          ["?", "Keys"],
          [":", "Commands"],
          ["i", "│ ID "],
          ["s", "Start"],
          ["x", "Stop api?"],
        ]
      : []) {
      terminal.type(key ?? "");
      await terminal.shows(text ?? "");
      terminal.type("\x1b");
      await terminal.until("it is closed", () => !terminal.text().includes("╭"));
    }
    terminal.type("q");
    expect((await terminal.exited).code).toBe(0);
  });

  test("NO_COLOR: weight and inversion only", async () => {
    const { terminal } = await openDashboard({ env: { NO_COLOR: "1" } });
    await terminal.until("a row is inverse", () => selectedRow(terminal) !== "");
    terminal.type("?");
    await terminal.shows("Half a page down");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC
    expect(terminal.raw).not.toMatch(/\x1b\[[0-9;]*;(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]/);
  });

  test("TERM=dumb: sentences, and not one escape sequence", async () => {
    const daemon = await startDaemon();
    await start(daemon, "api", "exec sleep 1000");
    await start(daemon, "job", "exec sleep 1000");
    const terminal = openUi(daemon, { env: { TERM: "dumb" } });
    await terminal.shows("1 of 2: api, running");
    terminal.type("j");
    await terminal.shows("2 of 2: job, running");
    terminal.type("x");
    await terminal.shows("stop job? y yes, n no");
    terminal.type("n?");
    await terminal.until("the help", () => terminal.raw.includes("Half a page down"));
    expect(terminal.raw).not.toContain("\x1b");
    terminal.type("?q");
    expect((await terminal.exited).code).toBe(0);
  });

  test("a screen reader gets sentences in reading order, kept up to date", async () => {
    const daemon = await startDaemon();
    await start(daemon, "api", "echo hello; exec sleep 1000");
    const terminal = openUi(daemon, { args: ["--screen-reader"] });
    await terminal.shows("1 of 1: api, running");
    expect(terminal.alternate).toBe(false);
    terminal.type("\r");
    await terminal.shows("Newest output:");
    await terminal.shows("hello");
    terminal.type("q");
    expect((await terminal.exited).code).toBe(0);
  });
});

describe("hostile output", () => {
  test("acts on nothing and stays in its pane", async () => {
    const daemon = await startDaemon();
    await start(
      daemon,
      "hostile",
      String.raw`printf '\033]0;pwned\007\033[2J\033[H\033[?1049l\033c\033[31mred\033[0m \233 \033P1q\033\\ \a\a ok\n';` +
        String.raw`printf 'zwj 👨‍👩‍👧‍👦 flag 🇩🇪 wide 日本語 combining é zalgo ẗ̸́̀̂ end\n';` +
        String.raw`printf '\033]0;never ended'; sleep 0.2; printf '\n\377\376 invalid \200 utf-8\n'; printf 'last line'; exec sleep 1000`,
    );
    const terminal = openUi(daemon, { columns: 100, rows: 30 });
    await terminal.shows("last line");
    expect(terminal.raw).not.toContain("pwned");
    expect(terminal.raw).not.toContain("\x1b]0");
    expect(terminal.raw).not.toContain("\x07");
    expect(terminal.raw).not.toContain("\x1bc");
    expect(terminal.alternate).toBe(true);
    expect(terminal.row(0)).toMatch(/^ pm {2}/);
    expect(terminal.row(29)).toContain("quit");
    const row = Array.from({ length: 30 }, (_, y) => y).find((y) => terminal.row(y).includes("red")) ?? 0;
    expect(terminal.cell(terminal.row(row).indexOf("red"), row).foreground).toBe(1);
    const emoji = Array.from({ length: 30 }, (_, y) => terminal.row(y)).find((text) => text.includes("zwj")) ?? "";
    expect(emoji).toContain("end");
  });

  test("a line of 10 MB is scrolled through, and keys are answered", async () => {
    const daemon = await startDaemon();
    await start(daemon, "long", "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after it; exec sleep 1000", {
      output: { limitBytes: 16n << 20n },
    });
    await start(daemon, "other", "exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("after it");
    terminal.type("2wkkkk");
    await terminal.shows(/x{100}/);
    for (let i = 0; i < 20; i++) {
      const before = terminal.text();
      terminal.type("t");
      await terminal.until("it is drawn", () => terminal.text() !== before);
    }
    terminal.type("g");
    await terminal.until("the beginning", () => /x{100}/.test(terminal.text()) && terminal.text().includes("paused"));
  });
});

describe("the connection", () => {
  test("a daemon that is killed leaves a banner and the last data; the next one is found", async () => {
    const { daemon, terminal } = await openDashboard();
    await daemon.kill9();
    await terminal.shows("disconnected");
    expect(terminal.text()).toContain("worker");
    const row = Array.from({ length: 45 }, (_, y) => y).find((y) => terminal.row(y).includes("worker")) ?? 0;
    expect(terminal.cell(terminal.row(row).indexOf("worker"), row).dim).toBe(true);
    terminal.type("G");
    await terminal.until("keys work", () => selectedRow(terminal).includes("worker"));
    await daemon.restart();
    await terminal.shows("● connected");
    await start(daemon, "zz-new", "exec sleep 1000");
    await terminal.shows("zz-new");
    expect(selectedRow(terminal)).toContain("worker");
  });

  test("switches to another context and back", async () => {
    const { daemon } = await openDashboard();
    const other = await startDaemon();
    await start(other, "elsewhere", "echo over there; exec sleep 1000");
    const config = mkdtempSync(join(tmpdir(), "pm-config-"));
    onTestFinished(() => rmSync(config, { recursive: true, force: true }));
    mkdirSync(join(config, "pm"), { mode: 0o700 });
    writeFileSync(
      join(config, "pm/contexts.json"),
      JSON.stringify({ contexts: { second: { address: `unix://${other.socketPath}` } } }),
      { mode: 0o600 },
    );
    const terminal = openUi(daemon, { env: { XDG_CONFIG_HOME: config } });
    await terminal.shows("worker");
    terminal.type(":context second\r");
    await terminal.shows("over there");
    await terminal.shows("second");
    expect(terminal.text()).not.toContain("worker");
    terminal.type(":context default\r");
    await terminal.shows("worker");
    await terminal.hides("elsewhere");
  });

  test("without a daemon it waits for one", async () => {
    const daemon = await startDaemon();
    await daemon.stop();
    const terminal = openUi(daemon);
    await terminal.shows("disconnected");
    await daemon.restart();
    await terminal.shows("● connected");
    await terminal.shows("No processes yet");
  });

  test("quitting stops no process", async () => {
    const { daemon, terminal } = await openDashboard();
    terminal.type("q");
    await terminal.exited;
    const { processes } = await daemon.processes.listProcesses({ filter: { states: [2] } });
    expect(processes.map((process) => process.name).sort()).toEqual(["api", "worker"]);
  });
});

/** What `pm attach` does, on a terminal and without one. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { TestTerminal } from "../support/terminal.ts";
import { test as base, limitMs } from "./support/pm.ts";

/** A program that fills its terminal, as it draws itself anew when the size changes. */
const fullScreen =
  'trap "draw" WINCH; draw() { printf "\\033[2J\\033[H"; stty size; };' +
  'stty -echo; printf "\\033[?1049h\\033[?1002h\\033[?1006h\\033[?25l"; draw; while :; do read -r line && printf "got %s\\n" "$line"; done';

/** A shell that runs a script with `pm` in PATH in a terminal of 80x24, says how the terminal is afterwards, and ends at Enter. */
const test = base.extend("onTerminal", ({ pm }, { onCleanup }) => {
  const terminals: TestTerminal[] = [];
  onCleanup(async () => {
    await Promise.all(terminals.map((terminal) => terminal.close()));
  });
  const env = Object.fromEntries(
    Object.entries(pm.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return (script: string): TestTerminal => {
    const after = 'echo "code $?"; stty -a | tr " " "\\n" | grep -x -e -icanon -e -opost; echo END; read -r _';
    const terminal = new TestTerminal("/bin/sh", ["-c", `${script}; ${after}`], {
      columns: 80,
      rows: 24,
      env: { ...env, TERM: "xterm-256color", NO_COLOR: "1" },
    });
    terminals.push(terminal);
    return terminal;
  };
});

/** Nothing of what a program or pm has set is left, and the shell goes on below what it showed. */
async function expectGivenBack(terminal: TestTerminal): Promise<void> {
  await terminal.shows(/code \d+\nEND$/m);
  expect(terminal.alternate).toBe(false);
  expect(terminal.text()).not.toMatch(/^-(icanon|opost)$/m);
  for (const [mode, on] of terminal.modes) {
    expect([mode, on]).toEqual([mode, mode === "?25" || mode === "?7"]);
  }
  terminal.type("\r");
  await terminal.exited;
}

describe.concurrent("pm attach on a terminal", () => {
  test("gives a program that fills the screen every key and size; Ctrl-] leaves it as it is", async ({
    pm,
    onTerminal,
  }) => {
    await pm.ok(["start", "-n", "full", "--tty", "--", "sh", "-c", fullScreen]);
    const terminal = onTerminal("pm attach full");
    // The modes that it set before anybody looked, and a screen drawn for this terminal.
    await terminal.until("its screen", () => terminal.alternate && terminal.row(0) === "24 80");
    expect([terminal.modes.get("?1002"), terminal.modes.get("?1006"), terminal.modes.get("?25")]).toEqual([
      true,
      true,
      false,
    ]);
    terminal.resize(90, 20);
    await terminal.until("drawn for the new size", () => terminal.row(0) === "20 90");
    terminal.type("some text\r");
    await terminal.shows("got some text");
    terminal.type("\x1d");
    await terminal.shows("pm: detached from full");
    await expectGivenBack(terminal);
    expect(terminal.text()).toContain("code 0");
    expect(await pm.ok(["ls", "-q"])).not.toBe("");
  });

  test("passes Ctrl-C and Ctrl-Z on to a program with a terminal, and ends as it does", async ({ pm, onTerminal }) => {
    const script = 'trap "exit 7" INT; stty susp undef; echo ready; while :; do read -r line; done';
    await pm.ok(["start", "-n", "asks", "--tty", "--", "sh", "-c", script]);
    const terminal = onTerminal("pm attach asks");
    await terminal.shows("ready");
    terminal.type("\x1a\x03");
    await expectGivenBack(terminal);
    expect(terminal.text()).toContain("code 7");
  });

  test("what a program writes reaches the terminal as it is: no newline becomes a return", async ({
    pm,
    onTerminal,
  }) => {
    await pm.ok([
      "start",
      "-n",
      "stairs",
      "--tty",
      "--",
      "sh",
      "-c",
      'stty -opost -echo; printf "\\033[H\\033[Jab\\ncd\\nef"; read -r line',
    ]);
    const terminal = onTerminal("pm attach stairs");
    await terminal.shows(/^ab\n {2}cd\n {4}ef$/m);
    terminal.type("\x1d");
    await expectGivenBack(terminal);
  });

  test("sends lines to a process with a pipe; Ctrl-D ends its input", async ({ pm, onTerminal }) => {
    await pm.ok([
      "start",
      "-n",
      "lines",
      "--stdin",
      "--",
      "sh",
      "-c",
      'while read -r line; do echo "got $line"; done; exit 3',
    ]);
    const terminal = onTerminal("pm attach lines");
    await terminal.shows("attached to lines");
    terminal.type("hallX\x7fo\r");
    await terminal.shows("got hallo");
    terminal.type("\x04");
    await expectGivenBack(terminal);
    expect(terminal.text()).toContain("code 3");
  });

  test("what the process does not read is kept up to a bound, and said to be left out beyond it", async ({
    pm,
    onTerminal,
  }) => {
    await pm.ok(["start", "-n", "deaf", "--stdin", "--", "sleep", "1000"]);
    const terminal = onTerminal("pm attach deaf");
    await terminal.shows("attached to deaf");
    terminal.type(`${"x".repeat(32 << 10)}\r`.repeat(40));
    await terminal.until("told", () => terminal.raw.includes("pm: The process does not read what is typed"));
    terminal.type("\x1d");
    await terminal.shows("pm: detached from deaf");
    await expectGivenBack(terminal);
    expect(terminal.raw.split("does not read").length).toBe(2);
  });

  test.for(["SIGTERM", "SIGHUP"] as const)("%s gives the terminal back", async (signal, { pm, onTerminal }) => {
    await pm.ok(["start", "-n", "full", "--tty", "--", "sh", "-c", fullScreen]);
    const terminal = onTerminal("sh -c 'echo pid $$.; exec pm attach full'");
    await terminal.until("its screen", () => terminal.alternate && terminal.row(0) === "24 80");
    const pid = Number(/pid (\d+)\./.exec(terminal.raw)?.[1]);
    process.kill(pid, signal);
    await expectGivenBack(terminal);
    expect(terminal.text()).toContain(`code ${signal === "SIGTERM" ? 143 : 129}`);
  });

  test("stopped and continued it has the program's screen again", async ({ pm, onTerminal }) => {
    await pm.ok(["start", "-n", "full", "--tty", "--", "sh", "-c", fullScreen]);
    // A shell with job control, which alone can continue it.
    const terminal = onTerminal(
      "set -m; sh -c 'echo pid $$.; exec pm attach full'; echo \"stopped $?\"; read -r _; fg",
    );
    await terminal.until("its screen", () => terminal.alternate && terminal.row(0) === "24 80");
    process.kill(Number(/pid (\d+)\./.exec(terminal.raw)?.[1]), "SIGTSTP");
    await terminal.shows("stopped 148");
    expect([terminal.alternate, terminal.modes.get("?1002")]).toEqual([false, false]);
    terminal.type("\r");
    await terminal.until("taken again", () => terminal.alternate && terminal.row(0) === "24 80");
    expect(terminal.modes.get("?1002")).toBe(true);
    terminal.type("\x1d");
    await expectGivenBack(terminal);
  });

  test.for<[string, string, string]>([
    ["kitty's keyboard protocol", "\\033[>5u", "\x1b[93;5:1u"],
    ["modifyOtherKeys", "\\033[>4;2m", "\x1b[27;5;93~"],
  ])("Ctrl-] leaves a program that switched on %s", async ([, set, key], { pm, onTerminal }) => {
    const script = `stty -echo; printf "${set}"; while read -r line; do echo "got $line."; done`;
    await pm.ok(["start", "-n", "keys", "--tty", "--", "sh", "-c", script]);
    const terminal = onTerminal("pm attach keys");
    await terminal.shows("attached to keys");
    terminal.type("one\r");
    await terminal.shows("got one.");
    terminal.type(key);
    await terminal.shows("pm: detached from keys");
    await expectGivenBack(terminal);
    // Set once, and once taken back.
    const sequences = /\[(>5u|<\d*u|>4(?:;2)?m)/g;
    expect([...terminal.raw.matchAll(sequences)].map(([, sequence]) => sequence)).toEqual(
      set.endsWith("u") ? [">5u", "<u"] : [">4;2m", ">4m"],
    );
    await pm.ok(["send", "keys"], { input: "two\n" });
    await vi.waitFor(async () => expect(await pm.ok(["logs", "keys"])).toMatch(/got one\.\s+got two\.\s*$/), limitMs);
  });

  test.for(["--tty", "--stdin"])(
    "what is typed right before Ctrl-] reaches a process with %s",
    async (input, { pm, onTerminal }) => {
      await pm.ok(["start", "-n", "sink", input, "--", "sh", "-c", 'while read -r line; do echo "got $line"; done']);
      const terminal = onTerminal("pm attach sink");
      await terminal.shows("attached to sink");
      terminal.type("a command\r\x1d");
      await terminal.shows("pm: detached from sink");
      await expectGivenBack(terminal);
      await vi.waitFor(async () => expect(await pm.ok(["logs", "sink"])).toContain("got a command"), limitMs);
    },
  );

  test("leaving before the program has drawn leaves its terminal in the true size", async ({ pm, onTerminal }) => {
    const sizes = join(pm.runtimeDir, "sizes");
    const script = `trap 'stty size >>"$0"' WINCH; while :; do read -r _; done`;
    await pm.ok(["start", "-n", "sized", "--tty", "--", "sh", "-c", script, sizes]);
    const terminal = onTerminal("pm attach sized");
    await vi.waitFor(() => expect(existsSync(sizes)).toBe(true), { timeout: limitMs, interval: 1 });
    terminal.type("\x1d");
    await expectGivenBack(terminal);
    await vi.waitFor(() => expect(readFileSync(sizes, "utf8")).toMatch(/24 80\n$/), limitMs);
  });
});

describe.concurrent("pm run --tty", () => {
  test("takes back what the process has set on the terminal and left", async ({ onTerminal }) => {
    const terminal = onTerminal(
      `pm run --tty -- sh -c 'printf "\\033[?1049h\\033[?1000h\\033[?25l"; stty -opost; printf "a\\nb"; exit 4'`,
    );
    await expectGivenBack(terminal);
    expect(terminal.text()).toContain("code 4");
  });
});

describe.concurrent("pm attach without a terminal", () => {
  test("passes standard input on as it is, leaves the process's open, and ends as the process does", async ({ pm }) => {
    await pm.ok(["start", "-n", "twice", "--stdin", "--", "sh", "-c", 'read -r a; read -r b; echo "$a $b"; exit 5']);
    const first = pm.spawn(["attach", "twice"], { input: "one\n" });
    await pm.ok(["send", "twice"], { input: "two\n" });
    const { code, out, err } = await first.ended;
    expect([code, err]).toEqual([5, ""]);
    expect(["one two\n", "two one\n"]).toContain(out);
  });

  test("shows the last lines of one that has ended, byte by byte, and exits as it did", async ({ pm }) => {
    await pm.ok(["start", "-n", "ended", "--", "sh", "-c", 'seq 1 50; printf "\\377\\000"; exit 9']);
    await pm(["wait", "ended"]);
    const { code, stdout } = await pm(["attach", "-n", "2", "ended"]);
    expect([code, stdout.toString("latin1")]).toEqual([9, "50\n\xff\0"]);
  });

  test.for<[string, readonly string[], number, RegExp]>([
    ["an unknown process", ["nobody"], 127, /nobody/],
    ["no process", [], 125, /ID/],
    ["two", ["a", "b"], 125, /./],
    ["a number of lines that is none", ["-n", "x", "a"], 125, /whole number/],
  ])("%s is refused", async ([, args, code, message], { pm }) => {
    const result = await pm(["attach", ...args]);
    expect([result.code, result.out]).toEqual([code, ""]);
    expect(result.err).toMatch(message);
  });
});

/** What commands do on a terminal. */
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { parseUsers } from "../../src/server/auth/users-file.ts";
import { TestTerminal } from "../support/terminal.ts";
import { test as base, type Pm } from "./support/pm.ts";

/** Runs a script for sh, with `pm` in PATH, in a terminal of 80x24; it ends at Enter. */
const test = base.extend("onTerminal", ({ pm }, { onCleanup }) => {
  const terminals: TestTerminal[] = [];
  onCleanup(async () => {
    await Promise.all(terminals.map((terminal) => terminal.close()));
  });
  const env = Object.fromEntries(
    Object.entries(pm.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return (script: string): TestTerminal => {
    const terminal = new TestTerminal("/bin/sh", ["-c", `${script}; echo END; read -r _`], {
      columns: 80,
      rows: 24,
      env: { ...env, TERM: "xterm-256color", NO_COLOR: "1" },
    });
    terminals.push(terminal);
    return terminal;
  };
});

/** The script's own end: only then has everything been read that it wrote. */
async function end(terminal: TestTerminal): Promise<void> {
  await terminal.shows(/^END$/m);
  terminal.type("\r");
  await terminal.exited;
}

describe.concurrent("a password", () => {
  const script = 'pm user add ann; echo "code $?"; stty -a | tr " " "\\n" | grep -x -e echo -e -echo; pm user ls';
  const usersFile = (pm: Pm): string => join(pm.runtimeDir, "config/pm/users");

  test("is asked for twice and never shown", async ({ pm, onTerminal }) => {
    const terminal = onTerminal(script);
    await terminal.shows("Password for ann:");
    terminal.type("hushX\x7f-hush\r");
    await terminal.shows("Again:");
    terminal.type("hush-hush\r");
    await end(terminal);
    expect(terminal.text().trimEnd().split("\n")).toEqual([
      "Password for ann:",
      "Again:",
      expect.stringMatching(/^pm: added ann in /),
      "code 0",
      "echo",
      "ann",
      "END",
    ]);
    expect(terminal.raw).not.toContain("hush");
    const users = parseUsers(readFileSync(usersFile(pm), "utf8"), "users");
    expect([...users.keys()]).toEqual(["ann"]);
  });

  test("typed ahead, both lines at once, is taken", async ({ onTerminal }) => {
    const terminal = onTerminal(script);
    await terminal.shows("Password for ann:");
    terminal.type("hush\rhush\r");
    await end(terminal);
    expect(terminal.text()).toMatch(/code 0\necho\nann/);
  });

  test.for<[string, readonly string[], number, RegExp]>([
    ["that differs the second time", ["one\r", "two\r"], 2, /the two passwords differ/],
    ["of nothing", ["\r", "\r"], 2, /empty/],
    ["given up with Ctrl-C", ["hu\x03"], 130, /canceled/],
    ["given up with Ctrl-D", ["\x04"], 130, /canceled/],
  ])("%s changes nothing", async ([, answers, code, message], { pm, onTerminal }) => {
    const terminal = onTerminal(script);
    for (const [index, answer] of answers.entries()) {
      await terminal.shows(index === 0 ? "Password for ann:" : "Again:");
      terminal.type(answer);
    }
    await end(terminal);
    expect(terminal.text()).toMatch(new RegExp(`code ${code}\necho\n`));
    expect(terminal.text()).toMatch(message);
    expect(existsSync(usersFile(pm))).toBe(false);
  });
});

describe.concurrent("pm ls --watch", () => {
  test("redraws as processes come, go and the window changes, and gives the screen back", async ({
    pm,
    onTerminal,
  }) => {
    const long = "a".repeat(100);
    await pm.ok(["start", "-n", "one", "sleep", "1000"]);
    const terminal = onTerminal('echo before; pm ls --watch; echo "code $?"');
    await terminal.shows(/^one +\S+ +running/m);
    expect(terminal.alternate).toBe(true);
    await pm.ok(["start", "-n", "two", "--", "sh", "-c", "exec sleep 1000", long]);
    await terminal.shows(/^two +\S+ +running.*…$/m);
    expect(terminal.text()).not.toContain(long);
    terminal.resize(200, 3);
    await terminal.shows(long);
    terminal.resize(60, 24);
    await terminal.until("cut to 60 columns", () => /^two .*…$/m.test(terminal.text()) && terminal.row(3) === "");
    await pm.ok(["stop", "one"]);
    await terminal.hides("one ");
    terminal.type("\x03");
    await terminal.until("the screen from before", () => !terminal.alternate);
    // SIGINT ended pm, and therefore the shell.
    await terminal.exited;
    expect(terminal.modes.get("?25")).toBe(true);
    expect(terminal.text()).toContain("before");
  });
});

describe.concurrent("pm run --tty", () => {
  test("passes keys, sizes and the exit code on, and gives the terminal back", async ({ onTerminal }) => {
    const program =
      'trap "stty size" WINCH; stty size; stty -echo; printf "ready\\n"; while ! read -r line; do :; done; echo "got $line"; exit 5';
    const terminal = onTerminal(
      `pm run --tty -- sh -c '${program}' 2>&1; echo "code $?"; stty -a | tr " " "\\n" | grep -x -e icanon -e -icanon`,
    );
    await terminal.shows("ready");
    await terminal.shows("24 80");
    terminal.resize(100, 30);
    await terminal.shows("30 100");
    terminal.type("text\r");
    await end(terminal);
    expect(terminal.text()).toMatch(/got text\n+code 5\nicanon/);
  });
});

describe("pm run", () => {
  test("C5: closing the terminal ends the process, although nobody can be told", async ({ pm, onTerminal }) => {
    const terminal = onTerminal("pm run -n lasting -- sh -c 'echo begun; exec sleep 3600'");
    await terminal.shows(/^begun$/m);
    await terminal.hangUp();
    expect(await pm(["wait", "lasting", "-t", "30"])).toMatchObject({ code: 128 + constants.signals.SIGHUP });
  });
});

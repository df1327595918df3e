/** What operators type every day. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { isAlive, limitMs, type Pm, test } from "./support/pm.ts";

const deaf = 'trap "" TERM; echo ready; while :; do sleep 1; done';

async function ready(pm: Pm, name: string): Promise<void> {
  await vi.waitFor(async () => expect(await pm.ok(["logs", name])).toContain("ready"), { timeout: limitMs });
}

describe.concurrent("ending", () => {
  test("C9 pm stop, restart and kill print how the process ended", async ({ pm }) => {
    await pm.ok([
      "start",
      "-n",
      "calm",
      "--",
      "sh",
      "-c",
      'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done',
    ]);
    await ready(pm, "calm");
    expect(await pm.ok(["restart", "calm"])).toBe("calm 5");
    await ready(pm, "calm");
    const stopped = JSON.parse(await pm.ok(["stop", "-o", "json", "calm"])) as {
      process: { name: string; run: { exit: { code: number } } };
      receipt: { outcome: string };
    };
    expect(stopped.process.run.exit.code).toBe(5);
    expect(stopped.receipt.outcome).toBe("STOP_OUTCOME_STOPPED");
    expect(await pm.ok(["stop", "calm"])).toBe("calm 5");
    expect(await pm.ok(["restart", "-o", "name", "calm"])).toBe("calm");
    await ready(pm, "calm");
    expect(await pm.ok(["kill", "calm"])).toBe("calm SIGKILL");
    expect(JSON.parse(await pm.ok(["wait", "-o", "jsonl", "calm"]).catch(() => "{}"))).toEqual({});
    expect((await pm(["wait", "-o", "name", "calm"])).out).toBe("calm\n");
    expect(JSON.parse(await pm.ok(["rm", "-o", "json", "calm"]))).toHaveProperty("id");
  });

  test("C10 signals by number, by name, as kill(1) has them, and listed", async ({ pm }) => {
    const script = 'trap "echo HUP" HUP; trap "echo USR1" USR1; echo ready; while :; do sleep 0.05; done';
    await pm.ok(["start", "-n", "one", "--", "sh", "-c", script]);
    await ready(pm, "one");
    for (const args of [["-s", "1"], ["-HUP"], ["-SIGHUP"], ["-1"], ["-s", "hup"], ["--signal", "SIGHUP"]]) {
      const before = (await pm.ok(["logs", "one"])).split("HUP").length;
      expect(await pm.ok(["kill", ...args, "one"])).toBe("one");
      await vi.waitFor(async () => expect((await pm.ok(["logs", "one"])).split("HUP").length).toBe(before + 1), {
        timeout: limitMs,
      });
    }
    expect(await pm.ok(["kill", "-l"])).toMatch(/^ 1 SIGHUP\n 2 SIGINT\n[\s\S]*\n 9 SIGKILL\n[\s\S]*\n64 SIGRTMAX$/);
    const wrong = await pm(["kill", "-s", "NONE", "one"]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('"NONE" is no signal') });
    expect(await pm.ok(["kill", "-9", "one"])).toBe("one SIGKILL");
  });

  test("C13 a restart that does not stop is like a stop that does not", async ({ pm }) => {
    const id = await pm.ok(["start", "-n", "deaf", "--", "sh", "-c", deaf]);
    await ready(pm, "deaf");
    for (const command of ["stop", "restart"]) {
      for (const ref of ["deaf", id]) {
        const { code, out, err } = await pm([command, "-t", "0.2", ref]);
        expect({ code, out }, command).toEqual({ code: 6, out: "" });
        expect(err.split("\n")[0]).toBe(`pm: "${ref}" did not stop within 200 ms; still running:`);
        expect(err).toMatch(/\n {2}pid \d+ {2}\w+ {2}sh -c /);
        expect(err).toMatch(new RegExp(`hint: 'pm ${command} --force ${ref}' kills them\n$`));
      }
    }
    expect(await pm.ok(["restart", "--force", "-t", "0.1", "deaf"])).toBe("deaf SIGKILL");
    const broken = await pm(["restart", "-f", "-t", "0", "deaf", "--", "/no/such"]);
    expect(broken).toMatchObject({ code: 1, out: "" });
    expect(broken.err).toMatch(/^pm: cannot start "deaf": No such file or directory \(ENOENT\)\n/);
    expect(broken.err).not.toContain("step");
  });

  test("C14 pm's own failures have codes that no process's end is taken for", async ({ pm }) => {
    for (const code of [0, 3, 6]) {
      await pm.ok(["start", "-n", `exit-${code}`, "--", "sh", "-c", `exit ${code}`]);
      expect(await pm(["wait", `exit-${code}`])).toMatchObject({ code, out: "", err: "" });
    }
    await pm.ok(["start", "-n", "long", "--", "sleep", "3600"]);
    expect(await pm(["wait", "-t", "0.1", "long"])).toMatchObject({
      code: 125,
      err: 'pm: "long" did not end within 100 ms\n',
    });
    expect(await pm(["wait", "none"])).toMatchObject({ code: 127, err: 'pm: no process "none"\n' });
    expect((await pm(["wait"])).code).toBe(125);
    expect((await pm(["attach", "none"])).code).toBe(127);
    expect((await pm(["run", "--", "/no/such"])).code).toBe(127);
    expect((await pm(["run", "--", "/etc/passwd"])).code).toBe(126);
    expect((await pm(["run", "--nonsense", "true"])).code).toBe(125);
  });

  test("C14 wait for any, for all, and for several with a time limit that names them", async ({ pm }) => {
    await pm.ok(["start", "-n", "long", "--", "sleep", "3600"]);
    await pm.ok(["start", "-n", "short", "--", "sh", "-c", "exit 4"]);
    expect(await pm(["wait", "--any", "long", "short"])).toMatchObject({ code: 4, out: "short 4\n", err: "" });
    expect(await pm(["wait", "--all", "-t", "5", "long", "short"])).toMatchObject({
      code: 4,
      out: "short 4\n",
      err: 'pm: "long" did not end within 5 s\n',
    });
  });
});

describe.concurrent("running", () => {
  test("C11 pm run -it, -d, -i and -t", async ({ pm }) => {
    expect((await pm(["run", "-it", "--rm", "--", "sh", "-c", "test -t 0 && test -t 1 && echo tty"])).out).toBe(
      "tty\r\n",
    );
    expect((await pm(["run", "-i", "--rm", "cat"], { input: "through" })).out).toBe("through");
    const id = await pm.ok(["run", "-d", "-n", "back", "--", "sleep", "3600"]);
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect((await pm(["run", "-d", "--rm", "true"])).code).toBe(125);
  });

  test("C16 ls shows what has ended while its children live, and a long name pushes nothing out", async ({ pm }) => {
    await pm.ok(["start", "-n", "parent", "--", "sh", "-c", "sleep 3600 & exit 0"]);
    await pm(["wait", "parent"]);
    await pm.ok(["start", "-n", "done", "--", "true"]);
    await pm.ok(["wait", "--for", "tree", "done"]);
    expect(await pm.ok(["ls", "-o", "name"])).toBe("parent");
    expect(await pm.ok(["ls"])).toContain("exited+children");
    await pm.ok(["stop", "parent"]);
    expect(await pm.ok(["ls", "-o", "name"])).toBe("");
  });

  test("C13 C16 errors speak of a process as it was typed", async ({ pm }) => {
    await pm.ok(["start", "-n", "short", "true"]);
    await pm(["wait", "short"]);
    for (const args of [
      ["kill", "short"],
      ["send", "short"],
    ]) {
      const { code, err } = await pm(args, { input: "x" });
      expect(code).toBe(5);
      expect(err).toMatch(/^pm: process "short" /);
    }
    expect(await pm(["logs", "--run", "9", "short"])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^pm: run 9 of process "short" never was/),
    });
    const never = 'pm: process "short" does not run, and no run is to come\n';
    expect(await pm(["wait", "--for", "ready", "short"])).toMatchObject({ code: 125, err: never });
    const several = await pm(["wait", "--for", "ready", "-o", "jsonl", "short", "none"]);
    expect(several).toMatchObject({ code: 127, err: expect.stringContaining(never) });
    const reasons = several.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).error.reason);
    expect(reasons.sort()).toEqual(["NOT_RUNNING", "PROCESS_NOT_FOUND"]);
  });

  test("C17 a name cannot be the UUID of another process", async ({ pm }) => {
    const id = await pm.ok(["start", "sleep", "3600"]);
    for (const args of [
      ["start", "-n", id, "true"],
      ["update", "-n", id, id],
      ["schedule", "add", "--every", "1h", id, "true"],
    ]) {
      expect(await pm(args)).toMatchObject({ code: 2, out: "", err: expect.stringContaining("and not a UUID") });
    }
    expect(await pm.ok(["ls", "-aq"])).toBe(id);
  });

  test("C20 an id that cannot be written to standard output is told on standard error", async ({ pm }) => {
    for (const env of [{}, { PM_NO_HOST: "1" }]) {
      const { code, out, err } = await pm.shell("pm start sleep 600 >/dev/full", { env });
      expect({ code, out }).toEqual({ code: 1, out: "" });
      const [, id = ""] = /^pm: cannot write to standard output: ENOSPC\nhint: not written: (\S+)$/m.exec(err) ?? [];
      expect(await pm.ok(["stop", id])).toBe(`${id} SIGTERM`);
    }
  });

  test("C20 whatever is wrong: the flag, what was given, and what to do", async ({ pm }) => {
    await pm.ok(["start", "-n", "api", "sleep", "3600"]);
    const q = '"[^"]*"';
    const wrong: readonly (readonly [args: string[], says: RegExp])[] = [
      [["start", "--max-run", "0", "true"], /^pm: --max-run: must be from 0\.1 /],
      [["start", "--queue", "a b", "true"], /^pm: --queue: .*"a b"/],
      [["start", "--id", "foo", "true"], /^pm: --id: must be a UUID, not "foo"/],
      [["start", "--at", "10m", "true"], /^pm: --at: "10m" .*\nhint: --in 10m /],
      [["start", "--at", "foo", "true"], /^pm: --at: "foo" is not a time\nhint: a time is like \S+$/m],
      [["start", "--env-file", "/no/such", "true"], /^pm: --env-file: cannot read "\/no\/such"/],
      [["start", "--ulimit", "nofile=9:3", "true"], /^pm: --ulimit: must not be above hard \(3\), and is 9\n/],
      [["logs", "--tail", "5", "api"], /^pm: unknown option --tail\nhint: did you mean --lines\?\n/],
      [["stop", "--grace-period=5", "api"], /^pm: unknown option --grace-period\nhint: did you mean --timeout\?\n/],
      [["run", "--workdir", "/", "true"], /^pm: unknown option --workdir\nhint: did you mean --directory\?\n/],
      [["kill", "-FOO", "api"], /^pm: --signal: "FOO" is no signal\nhint: .*pm kill -l/],
      [["kill", "-99", "api"], /^pm: --signal: "99" is no signal\nhint: .*pm kill -l/],
      [["logs", "--grep", "(", "api"], /^pm: --grep: "\(" is not a regular expression: Unterminated group\n/],
      [["stats", "--interval", "1ms"], /^pm: --interval: must be from 0\.25 /],
      [["status"], /^pm: no process is named: .*\nhint: 'pm ls -a'/],
      [["stop", "--all", "x"], /^pm: give either IDs or --all, not both\nhint: see 'pm stop --help'/],
      [["ls", "web"], /unexpected argument "web"\nhint: 'pm status web' shows one\n/],
      [["attach", "a", "b"], /unexpected argument "b": expected ID and no more/],
      [["start"], /an argument is missing: expected COMMAND \[ARG\.\.\.\]\nhint: see 'pm start --help'/],
      [["queue", "move", "encode", "api", "0"], /^pm: POSITION: "0" is not a whole number/],
      [["queue", "add", "-j", "999999999", "q"], /^pm: --parallel: must be from 1 to 10000/],
      [["queue", "add", "a b"], /^pm: .*"a b"/],
      [["queue", "set", "q"], /^pm: --parallel is missing\nhint: for example: pm queue set -j 4 q/],
      [["schedule", "add", "--cron", "foo", "x", "true"], /^pm: --cron: "foo" must have five fields/],
      [["schedule", "add", "--every", "1ms", "x", "true"], /^pm: --every: must be from 1 /],
      [["schedule", "add", "--cron", "* * * * *", "--zone", "Foo", "x", "true"], /^pm: --zone: "Foo" is no time zone/],
      [["schedule", "add", "--every", "1h", "x"], /there is nothing to start: give a COMMAND, or --process ID/],
      [["schedule", "add", "x", "true"], /there is no time: give one of --cron/],
      [["scale", "worker"], /^pm: "worker" is not NAME=NUMBER\nhint: for example/],
      [["scale", "worker=x"], /^pm: worker: "x" is not a whole number/],
      [["context", "add", "x"], /^pm: --address is missing\nhint: for example/],
      [["context", "add", "x", "--address", "foo"], /^pm: --address: .*must look like/],
      [
        ["context", "add", "a b", "--address", "https://x"],
        /^pm: "a b" cannot be the name of a context\nhint: a name is/,
      ],
      [["user", "add", "a:b"], /^pm: "a:b" cannot be a user's name\nhint: a name is/],
      [["--host", "foo", "ls"], /^pm: --host: the daemon's address must look like/],
      [["completion", "tcsh"], new RegExp(`^pm: SHELL: ${q} is not one of bash, zsh, fish`)],
      [["help", "daemon", "foo"], /^pm: "daemon foo" is not a command of pm\nhint: see 'pm help daemon'/],
      [["up", "-o", "json"], /^pm: --output needs --detach/],
    ];
    const said = await Promise.all(wrong.map(([args]) => pm(args, { cwd: pm.runtimeDir })));
    for (const [index, [args, says]] of wrong.entries()) {
      expect({ args, ...said[index] }).toMatchObject({
        args,
        code: expect.toSatisfy((code) => code === 2 || code === 125),
        out: "",
        err: expect.stringMatching(says),
      });
    }
    // Not wrong on the command line, but by what there is.
    const missing: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
      [["queue", "pause", "nope"], 3, /^pm: there is no queue "nope"\n/],
      [["context", "rm", "nope"], 3, /^pm: there is no context "nope"\nhint: /],
      [["context", "show", "nope"], 3, /^pm: there is no context "nope"\nhint: /],
      [["user", "passwd", "nope"], 3, /no user "nope"\nhint: /],
      [["user", "ls"], 0, /^pm: there are no users yet: .*\nhint: 'pm user add NAME' adds one\n$/],
      [["user", "ls", "--file", "/no/such"], 3, /^pm: --file: there is no file \/no\/such\n/],
      [["cert", "/no/such"], 1, /^pm: \/no\/such: no such file\n/],
      [["inspect", "--format", "nosuch", "api"], 3, /^pm: --format: there is no field "nosuch".*\nhint: /],
      [["import", "-o", "/no/such/file", "/dev/null"], 1, /^pm: --output: cannot write \/no\/such\/file \(ENOENT\)\n/],
    ];
    for (const [args, code, says] of missing) {
      const result = await pm(args);
      expect({ args, ...result }).toMatchObject({ args, code, err: expect.stringMatching(says) });
      expect(result.err).not.toMatch(/^pm: E[A-Z]+:/m);
    }
    expect(await pm.ok(["queue", "ls", "-o", "name"])).toBe("");
  });

  test("C20 an empty name is refused, and errors name flags", async ({ pm }) => {
    for (const args of [["--name="], ["-n", ""]]) {
      expect(await pm(["start", ...args, "true"])).toMatchObject({
        code: 2,
        out: "",
        err: expect.stringContaining('"" cannot be a name'),
      });
    }
    const small = await pm(["start", "--output-limit", "1", "true"]);
    expect(small).toMatchObject({ code: 2, err: expect.stringContaining("--output-limit") });
    expect(small.err).not.toContain("spec.");
    for (const [flag, value] of [
      ["--memory", "1"],
      ["--cpus", "0.0001"],
      ["--pids", "0"],
    ] as const) {
      // Without a cgroup that it may use the daemon refuses them all, with one those that are too little.
      const { code, err } = await pm(["start", flag, value, "true"]);
      expect({ code, err }).toEqual({
        code: expect.toSatisfy((code) => code === 1 || code === 2),
        err: expect.stringContaining(flag),
      });
      expect(err).not.toContain("spec.");
    }
    expect(await pm.ok(["run", "--rm", "--ulimit", "as=500M", "--", "sh", "-c", "ulimit -v"])).toBe("512000");
    const foreign = join(pm.runtimeDir, "foreign");
    writeFileSync(foreign, Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01"), Buffer.alloc(100)]), { mode: 0o755 });
    expect((await pm(["start", foreign])).err).toContain("it is a program for another kind of machine");
  });
});

describe.concurrent("C19 logs", () => {
  test("C19 of several processes are merged in the order of time, lines whole and colors closed", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "-i", "--", "cat"]);
    await pm.ok(["start", "-n", "two", "-i", "--", "cat"]);
    for (const [name, text] of [
      ["one", "\x1b[31mred\nstill red\n"],
      ["two", "second\n"],
      ["one", "third\x1b[0m\n"],
    ] as const) {
      await pm.ok(["send", name], { input: text });
      await vi.waitFor(async () => expect((await pm(["logs", name])).out).toContain(text), { timeout: limitMs });
    }
    expect(await pm.ok(["logs", "one", "two"])).toBe(
      "one | \x1b[31mred\x1b[0m\none | \x1b[31mstill red\x1b[0m\ntwo | second\none | \x1b[31mthird\x1b[0m\x1b[0m",
    );
  });

  test("C7 C19 a long line is never cut", async ({ pm }) => {
    const script = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo after";
    await pm.ok(["start", "-n", "long", "--", "sh", "-c", script]);
    await pm.ok(["wait", "--for", "output", "long"]);
    const lines = (await pm.ok(["logs", "-t", "long"])).split("\n");
    expect(lines.map((line) => line.length)).toEqual([25 + 300_000, 25 + "after".length]);
  });

  test("C19 since, until, lines, offset, grep, streams and formats", async ({ pm }) => {
    const script = "for i in 1 2 3 4 5 6; do echo line $i; done; echo oops >&2";
    await pm.ok(["start", "-n", "one", "--", "sh", "-c", script]);
    await pm.ok(["wait", "--for", "output", "one"]);
    expect(await pm.ok(["logs", "-n", "2", "--since", "1h", "--stream", "stdout", "one"])).toBe("line 5\nline 6");
    expect(await pm.ok(["logs", "--until", "1h", "one"])).toBe("");
    expect(await pm.ok(["logs", "--offset", "35", "--stream", "stdout,stderr", "one"])).toBe("line 6\noops");
    expect(await pm.ok(["logs", "--grep", "[246]$", "-n", "2", "one"])).toBe("line 4\nline 6");
    expect(await pm.ok(["logs", "--grep", "(?i)LINE", "--invert", "one"])).toBe("oops");
    expect((await pm(["logs", "--grep", "(", "one"])).err).toContain("is not a regular expression");
    const json = (await pm.ok(["logs", "-o", "jsonl", "one"])).split("\n").map((line) => JSON.parse(line));
    expect(json[1]).toMatchObject({ name: "one", run: 1, stream: "stdout", offset: 7, line: "line 2" });
    expect(await pm.ok(["logs", "--timestamps=relative", "-n", "1", "one"])).toMatch(/^\s*\+0\.000s oops$/);
    const local = await pm.ok(["logs", "--timestamps=local", "-n", "1", "one"], { env: { TZ: "Asia/Kolkata" } });
    expect(local).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+05:30 oops$/);
    expect((await pm(["logs", "--timestamps=moon", "one"])).code).toBe(2);
  });

  test("C19 with -f and a pattern: the last lines that fit, and what comes", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "-i", "--", "cat"]);
    await pm.ok(["send", "one"], { input: "a 1\nb 1\na 2\nb 2\na 3\n" });
    await vi.waitFor(async () => expect(await pm.ok(["logs", "one"])).toContain("a 3"), { timeout: limitMs });
    const following = pm.spawn(["logs", "-f", "-n", "2", "--grep", "^a", "one"]);
    await following.saw("a 2\na 3\n");
    await pm.ok(["send", "--close", "one"], { input: "b 3\na 4\n" });
    await following.saw("a 4\n");
    following.child.kill("SIGINT");
    expect((await following.ended).out).toBe("a 2\na 3\na 4\n");
  });

  test("C6 C19 of more than 256 processes all are followed, and those that come later", async ({ pm }) => {
    const count = 270;
    const script = `i=0; while [ $i -lt ${count} ]; do pm start -n p$i -l app=many -- sh -c "echo from $i" >/dev/null; i=$((i+1)); done`;
    expect((await pm.shell(script)).code).toBe(0);
    const following = pm.spawn(["logs", "-f", "-l", "app=many", "--no-prefix"]);
    await pm.ok(["start", "-n", "later", "-l", "app=many", "--", "echo", "from later"]);
    await following.saw("from later\n");
    await vi.waitFor(() => expect(following.child.exitCode).toBeNull());
    following.child.kill("SIGINT");
    const { out } = await following.ended;
    expect(new Set(out.trim().split("\n")).size).toBe(count + 1);
  });
});

describe.concurrent("changing", () => {
  test("pm update changes name and labels now, and the next run; pm restart takes the same", async ({ pm }) => {
    const id = await pm.ok([
      "start",
      "-n",
      "old",
      "-l",
      "a=1",
      "-e",
      "X=1",
      "-e",
      "Y=1",
      "--",
      "sh",
      "-c",
      "echo $X$Y; sleep 3600",
    ]);
    expect(await pm.ok(["update", "-n", "new", "-l", "b=2", "--unset-label", "a", "old"])).toBe("old");
    expect(await pm.ok(["ls", "-o", "name", "-l", "b=2,!a"])).toBe("new");
    await pm.ok(["update", "-e", "X=2", "--unset-env", "Y", "--umask", "077", "new"]);
    expect(await pm.ok(["inspect", "--format", "run.number", "new"])).toBe("1");
    await pm.ok(["restart", "new"]);
    await vi.waitFor(async () => expect(await pm.ok(["logs", "new"])).toBe("2"), { timeout: limitMs });
    expect(await pm.ok(["restart", "-e", "X=3", "new", "--", "sh", "-c", "echo $X changed; umask; sleep 3600"])).toBe(
      "new SIGTERM",
    );
    await vi.waitFor(async () => expect(await pm.ok(["logs", "new"])).toBe("3 changed\n0077"), { timeout: limitMs });
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect((await pm(["update", "new"])).err).toContain("nothing to change");
    expect((await pm(["restart", "-e", "A=1", "new", "other"])).code).toBe(2);
  });

  test("pm inspect shows all as JSON or YAML, or one field", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "-e", "SECRET=x", "--", "sh", "-c", "exit 7"]);
    await pm(["wait", "one"]);
    expect(await pm.ok(["inspect", "--format", "run.exit.code", "one"])).toBe("7");
    expect(await pm.ok(["inspect", "-f", ".runs[0].state", "one"])).toBe("RUN_STATE_EXITED");
    expect(JSON.parse(await pm.ok(["inspect", "one"]))).toMatchObject({ name: "one", runs: [{ exit: { code: 7 } }] });
    expect(await pm.ok(["inspect", "one"])).not.toContain("SECRET");
    expect(await pm.ok(["inspect", "--env", "-o", "yaml", "one"])).toMatch(/^ {4}SECRET: x$/m);
    expect(await pm(["inspect", "--format", "run.stat", "one"])).toMatchObject({
      code: 3,
      err: expect.stringContaining('did you mean "state"?'),
    });
  });

  test("pm events tells what happened, to whom, and at whose request", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "--", "sleep", "3600"]);
    const following = pm.spawn(["events", "-f", "-o", "jsonl", "--type", "signaled", "one"]);
    await pm.ok(["kill", "-CONT", "one"]);
    await following.saw("EVENT_TYPE_SIGNALED");
    following.child.kill("SIGINT");
    await following.ended;
    await pm.ok(["stop", "one"]);
    const text = await pm.ok(["events", "one"]);
    expect(text).toMatch(/one run 1: stop requested \(request, by local/);
    expect(text).toMatch(/stopping -> exited, ended by SIGTERM/);
    expect((await pm.ok(["events", "-n", "2"])).split("\n")).toHaveLength(2);
    expect(await pm.ok(["events", "--since", "1h", "-l", "app=none"])).toBe("");
  });

  test("pm stats samples once, as a table and as JSON", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "--", "sh", "-c", "sleep 3600 & wait"]);
    expect(await pm.ok(["stats", "--no-stream"])).toMatch(
      /^NAME +ID +CPU +MEMORY +PIDS[\s\S]*\none +[0-9a-f-]{36} +[\d.]+% /,
    );
    const sample = JSON.parse(await pm.ok(["stats", "--no-stream", "-o", "json", "one"])) as {
      usages: { residentBytes: string }[];
    };
    expect(Number(sample.usages[0]?.residentBytes)).toBeGreaterThan(0);
    expect(await pm(["stats", "--no-stream", "none"])).toMatchObject({ code: 3, out: "" });
  });

  test("pm daemon restart replaces the daemon with nothing lost", async ({ pm }) => {
    const script = "i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.1; done; exit 9";
    await pm.ok(["start", "-n", "one", "--", "sh", "-c", script]);
    const before = await pm.daemonPid();
    const following = pm.spawn(["logs", "-f", "one"]);
    const waiting = pm.spawn(["wait", "one"]);
    await following.saw("3\n");
    const { code, err } = await pm(["daemon", "restart"]);
    expect(code).toBe(0);
    expect(err).toMatch(/^pm: stopped the daemon \(pid \d+, version .*\)\n(pm: started the daemon \(pid \d+\)\n)?$/);
    // Whoever waits may have been faster to start the next one.
    expect(await pm.daemonPid()).not.toBe(before);
    expect(isAlive(before)).toBe(false);
    expect(await waiting.ended).toMatchObject({ code: 9 });
    await following.saw("39\n");
    following.child.kill("SIGINT");
    expect((await following.ended).out).toBe(Array.from({ length: 40 }, (_, i) => `${i}\n`).join(""));
    const status = await pm.ok(["daemon", "status"]);
    expect(status).toMatch(/^Journal +events 1 to \d+/m);
    expect(status).toMatch(/^Ended processes +at most 1000/m);
  });
});

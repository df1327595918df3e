/** Commands that the daemon's command host runs, beside the same commands in processes of their own. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, vi } from "vitest";
import { TestTerminal } from "../support/terminal.ts";
import { test as base, limitMs, type Pm, pmPath, type Result, type Running, type RunOptions } from "./support/pm.ts";

/** Milliseconds that hundreds of commands do not need, however slow the machine. */
const manyCommandsMs = 600_000;

/** In place of Node.js what ends with 125: it knows none of the options (env(1) of coreutils). What succeeds was hosted. */
const noNode = { PM_NODE: "/usr/bin/env" };
const notHosted = { PM_NO_HOST: "1" };

/** A `pm` whose daemon has its command host. */
const test = base.extend("hosted", async ({ pm }) => {
  await pm.ok(["daemon", "start"]);
  await isHosting(pm);
  return pm;
});

/**
 * What came of a run that only the host may have made. The host has half a second for its greeting; on a machine that is
 * too busy for that the launcher turns to the node that fails, before anything was done: then it is run again.
 */
async function byHost(run: (env: Readonly<Record<string, string>>) => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const result = await run(noNode);
    // Of the command, or as a script prints it.
    const missed = result.code === 125 || /^(code )?125\r?$/m.test(`${result.out}\n${result.err}`);
    if (!missed || Date.now() > deadline) {
      return result;
    }
  }
}

/** The results of both ways, the host's first. */
async function eachWay(
  run: (env: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<readonly [hosted: Result, own: Result]> {
  return [await byHost(run), await run(notHosted)];
}

async function isHosting(pm: Pm): Promise<void> {
  expect(await byHost((env) => pm(["help"], { env }))).toMatchObject({ code: 0 });
}

/** Runs a command in both ways and expects the same from both; `vary` takes out what differs between any two moments. */
async function inBothWays(
  pm: Pm,
  args: readonly string[],
  options: RunOptions = {},
  vary: (text: string) => string = (text) => text,
): Promise<Result> {
  const [hosted, own] = await eachWay((env) => pm(args, { ...options, env: { ...options.env, ...env } }));
  const comparable = ({ code, signal, stdout, err }: Result) => ({
    code,
    signal,
    out: vary(stdout.toString("latin1")),
    err: vary(err),
  });
  expect(comparable(hosted), `pm ${args.join(" ")}`).toEqual(comparable(own));
  return hosted;
}

/** What is said of several processes comes in any order. */
const inAnyOrder = (text: string): string => text.split("\n").sort().join("\n");

/** Times, of which no two are the same. */
const withoutTimes = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\d+\.\d+s of processor time( \(on average [\d.]+%\))?/, "USED")
    .replace(/\b(\d+[dhm])*\d+[hms]( {2,}|\b)/g, "AGE ")
    .replace(/[\d.]+ [KM]iB resident/, "RESIDENT")
    .replace(/[\d.]+ (B|[KM]iB) read/, "READ");

const ended = "00000000-0000-4000-8000-000000000001";
const binary = "00000000-0000-4000-8000-000000000002";

async function populate(pm: Pm): Promise<void> {
  const script = 'echo out; sleep 0.1; echo "\u001b[31merr" >&2; exit 7';
  await pm.ok(["start", "--id", ended, "-n", "ended", "-l", "app=old", "-e", "A=ö\n", "--", "sh", "-c", script]);
  await pm.ok(["start", "--id", binary, "--", "head", "-c", "300000", join(dirname(realpathSync(pmPath)), "pm")]);
  await pm.ok(["start", "-n", "living", "-l", "app=web", "--", "sleep", "3600"]);
  await pm.ok(["start", "-n", "stubborn", "--", "sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 1; done']);
  await pm(["wait", ended]);
  await pm.ok(["wait", "--for", "output", binary]);
  await vi.waitFor(async () => expect(await pm.ok(["logs", "stubborn"])).toBe("ready"), { timeout: limitMs });
}

describe.concurrent("the same bytes and exit codes, hosted or not:", { timeout: manyCommandsMs }, () => {
  test("everything that reads, in every format", async ({ hosted: pm }) => {
    await populate(pm);
    const exact: readonly (readonly string[])[] = [
      ["status", ended],
      ["status", "-o", "json", ended],
      ["status", "-o", "jsonl", "ended"],
      ["status", "-o", "name", "0000000000000000", "--color", "always"],
      ["status", "-o", "name", ended],
      ["status", "-o", "table", ended],
      ["status", "-o", "wide", ended],
      ["status", "--env", "-o", "json", ended],
      ["status", "-o", "json", "living"],
      ["status", "-o", "name", "-l", "app=old", "end*"],
      ["inspect", ended],
      ["inspect", "--env", "-o", "yaml", ended],
      ["inspect", "--format", "run.exit.code", ended],
      ["inspect", "--format", "nothing", ended],
      ["events", ended],
      ["events", "-o", "jsonl", "-n", "3", ended],
      ["stats", "--no-stream", "unknown"],
      ["logs", "-o", "jsonl", ended],
      ["logs", "--timestamps=relative", ended],
      ["logs", "--no-prefix", "-l", "app=old"],
      ["wait", "-o", "json", ended],
      ["kill", "-l"],
      ["stop", "-l", "app=none"],
      ["status", "unknown"],
      ["status", "0000"],
      ["status", ""],
      ["status"],
      ["ls", "-a", "-l", "app=old"],
      ["ls", "-a", "-l", "app=old", "--color", "always"],
      ["ls", "-a", "-o", "wide", "-l", "app=old"],
      ["ls", "-aq"],
      ["ls", "-a", "-o", "json"],
      ["ls", "-a", "-o", "jsonl"],
      ["ls", "-a", "-o", "name"],
      ["ls", "-q", "-o", "json"],
      ["ls", "-l", "not a selector"],
      ["ls", "--nonsense"],
      ["ls", "-o", "yaml"],
      ["ls", "--help"],
      ["ls", "--host", "unix:///no/such.sock"],
      ["logs", ended],
      ["logs", "-t", ended],
      ["logs", "-n", "1", ended],
      ["logs", "--stream", "stderr", ended],
      ["logs", "--since", "10m", ended],
      ["logs", "--run", "9", ended],
      ["logs", binary],
      ["logs", "-n", "0", "stubborn"],
      ["logs", "stubborn"],
      ["wait", ended],
      ["wait", binary],
      ["wait", "--for", "tree", ended],
      ["wait", "unknown"],
      ["wait", "-t", "0.05", "living"],
      ["help"],
      ["help", "start"],
      ["help", "daemon"],
      ["help", "nonsense"],
      ["completion", "bash"],
      ["completion", "nonsense"],
      ["__complete", "sta"],
      ["__complete", "ls", "-o", ""],
    ];
    for (const args of exact) {
      if (args[0] === "ls" && args.includes("--host")) {
        expect(await pm(args, { env: notHosted })).toEqual(await pm(args));
      } else {
        await inBothWays(pm, args, {}, withoutAges);
      }
    }
    await inBothWays(pm, ["logs", ended, "stubborn", "unknown"], {}, inAnyOrder);
    const moving: readonly (readonly string[])[] = [
      ["status", "living"],
      ["ls"],
      ["ls", "-a"],
      ["ls", "--color", "always"],
      ["__complete", "stop", ""],
    ];
    for (const args of moving) {
      await inBothWays(pm, args, {}, withoutTimes);
    }
  });

  test("everything that acts", async ({ hosted: pm }) => {
    await populate(pm);
    const same = (text: string): string => text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID");
    for (const args of [
      ["start", "--", "true"],
      ["start", "-n", "two", "-o", "name", "--", "true"],
      ["start", "--", "/no/such"],
      ["start", "--", "/etc/passwd"],
      ["start", "-C", "/no/such", "--", "true"],
      ["start", "-n", "living", "--", "true"],
      ["start", "-i", "-t", "--", "true"],
      ["start", "--ulimit", "nofile", "true"],
      ["start", "--id", "nonsense", "true"],
      ["start"],
      ["kill", "-s", "CONT", "living"],
      ["kill", "-CONT", "liv*"],
      ["kill", "-18", "-o", "name", "living"],
      ["update", "-l", "app=web", "living"],
      ["update", "-n", "stubborn", "living"],
      ["update", "living"],
      ["kill", "-s", "NONSENSE", "living"],
      ["kill", "-s", "HUP", ended],
      ["restart", binary],
      ["restart", "unknown"],
      ["stop", ended],
      ["stop", "unknown"],
      ["rm", "living"],
      ["rm", "unknown"],
      ["prune", "--dry-run", "--older-than", "1h"],
      ["prune", "--older-than", "x"],
    ]) {
      await inBothWays(pm, args, {}, same);
    }
    await inBothWays(pm, ["kill", "-s", "CONT", "living", "unknown", "stubborn"], {}, inAnyOrder);
    const survivors = (text: string): string =>
      text.replace(/^ {2}pid \d+ .*\n/gm, "  pid …\n").replace(/( {2}pid …\n)+/, "$1");
    expect((await inBothWays(pm, ["stop", "-t", "0.2", "stubborn"], {}, survivors)).code).toBe(6);
    // What can be done once is done to two of a kind.
    for (const [args, exit] of [
      [["stop"], " SIGTERM"],
      [["stop", "--force", "-t", "0"], / SIG(TERM|KILL)/.source],
      [["rm", "--force"], ""],
      [["kill"], " SIGKILL"],
      [["restart"], " SIGTERM"],
    ] as const) {
      const results = await eachWay(async (env) => {
        const id = await pm.ok(["start", "--", "sleep", "3600"]);
        const result = await pm([...args, id], { env });
        return { ...result, out: result.out.replace(id, "ID") };
      });
      for (const result of results) {
        expect(result).toMatchObject({ code: 0, out: expect.stringMatching(`^ID${exit}\n$`), err: "" });
      }
    }
  });

  test("colors, and a standard output or error that is a pipe, a file, full, closed or gone", async ({
    hosted: pm,
  }) => {
    await populate(pm);
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }, { FORCE_COLOR: "1" }, { TZ: "Asia/Kolkata" }]) {
      await inBothWays(pm, ["ls", "-a", "-l", "app=old"], { env });
      await inBothWays(pm, ["logs", "-t", "--color", "always", ended, "stubborn"], { env }, inAnyOrder);
    }
    for (const script of [
      'pm ls -aq >"$FILE"; echo $?; cat "$FILE"',
      "pm ls -aq >/dev/full; echo $?",
      "pm wait ended >/dev/full; echo $?",
      "pm status unknown 2>/dev/full; echo $?",
      "pm ls -aq >&-; echo $?",
      "pm ls -aq <&- >&- 2>&-; echo $?",
      "pm status unknown 2>&-; echo $?",
      `(trap '' PIPE; pm logs ${binary}; echo $? >&2) | true`,
      `{ pm logs ${binary}; echo $? >&2; } | true`,
      `pm logs ${binary} | head -c 10`,
      `pm logs ${binary} | sha256sum`,
      `pm logs ${ended} 2>&1 >/dev/null`,
      "for i in 1 2 3; do pm start -- true >/dev/full; echo $?; done",
    ]) {
      const run = (env: Readonly<Record<string, string>>) =>
        pm.shell(script, { env: { ...env, FILE: join(pm.runtimeDir, "file") } });
      const [hosted, own] = (await eachWay(run)).map(({ code, out, err }) => ({
        code,
        out,
        // What was started each time.
        err: err.replace(/^(hint: not written: )[0-9a-f-]{36}$/gm, "$1ID"),
      }));
      expect(hosted, script).toEqual(own);
    }
  });

  test("terminals of several widths", async ({ hosted: pm }) => {
    await populate(pm);
    // Its last line comes when everything before it was read.
    const script = 'pm "$@"; echo "code $?"; echo END; read -r _';
    const onTerminal = async (
      args: readonly string[],
      columns: number,
      env: Readonly<Record<string, string>>,
    ): Promise<Result> => {
      const variables = Object.entries({ ...pm.env, ...env }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const terminal = new TestTerminal("/bin/sh", ["-c", script, "sh", ...args], {
        columns,
        rows: 30,
        env: Object.fromEntries(variables),
      });
      await vi.waitFor(() => expect(terminal.raw).toMatch(/^END\r$/m), { timeout: limitMs });
      await terminal.close();
      return { code: null, signal: null, stdout: Buffer.of(), out: terminal.raw, err: "" };
    };
    for (const columns of [1, 20, 61, 80, 200]) {
      for (const args of [
        ["ls", "-a", "-l", "app=old"],
        ["ls", "--help"],
        ["status", "--color", "auto", ended],
      ]) {
        const [hosted, own] = await eachWay((env) => onTerminal(args, columns, env));
        expect(withoutAges(hosted.out), `${args} on ${columns} columns`).toBe(withoutAges(own.out));
        expect(hosted.out).toMatch(/\S[\s\S]*\r\ncode 0\r\nEND/);
      }
    }
  });
});

/** "Ended … (3s ago)". */
const withoutAges = (text: string): string => text.replace(/\(\w+ ago\)/, "(AGE ago)");

describe.concurrent("the caller's", () => {
  test("C2: variables that are no shell identifiers, and functions, reach the process", async ({ hosted: pm }) => {
    const script = "env a.b=1 'BASH_FUNC_f%%=() { echo; }' 'with space=x' __proto__=p";
    for (const { out } of await eachWay((env) => pm.shell(`${script} pm start -- env`, { env }))) {
      const id = out.trim();
      await pm.ok(["wait", "--for", "output", id]);
      const variables = (await pm.ok(["logs", id])).split("\n");
      expect(variables).toEqual(
        expect.arrayContaining(["a.b=1", "BASH_FUNC_f%%=() { echo; }", "with space=x", "__proto__=p"]),
      );
    }
    expect((await pm.shell("env a.b=1 pm run -- env")).out.split("\n")).toContain("a.b=1");
  });

  test("environment, directory and terminal size are the process's", async ({ hosted: pm }) => {
    const directory = join(pm.runtimeDir, "ä b");
    mkdirSync(directory);
    const start = ["start", "--", "sh", "-c", 'pwd; echo "$SEEN"'];
    for (const { out } of await eachWay((env) => pm(start, { env: { ...env, SEEN: "sëen" }, cwd: directory }))) {
      const id = out.trim();
      await pm.ok(["wait", "--for", "output", id]);
      expect(await pm.ok(["logs", id])).toBe(`${directory}\nsëen`);
    }
  });

  test("directory that no longer exists hurts only what needs it", async ({ hosted: pm }) => {
    const script = 'rmdir "$PWD"; pm ls -q; echo $?; pm start -- true; echo $?; pm start -C / -o name -n x -- true';
    const results = await eachWay((env) => {
      const gone = join(pm.runtimeDir, "gone");
      mkdirSync(gone);
      return pm.shell(script, { cwd: gone, env });
    });
    for (const result of results) {
      expect(result).toMatchObject({
        out: "0\n1\nx\n",
        err: "pm: the current directory no longer exists\nhint: change to another one, or give absolute paths\n",
      });
    }
  });

  test("shell leaves nothing in a daemon that it starts", async ({ pm }) => {
    await pm.ok(["daemon", "start"], { env: { SECRET_OF_THIS_SHELL: "hush", LC_TIME: "C", TZ: "UTC" } });
    const environment = readFileSync(`/proc/${await pm.daemonPid()}/environ`, "utf8")
      .split("\0")
      .sort();
    expect(environment).not.toContain("SECRET_OF_THIS_SHELL=hush");
    expect(environment).toEqual(expect.arrayContaining(["LC_TIME=C", "TZ=UTC", `PM_RUNTIME_DIR=${pm.runtimeDir}`]));
    const id = await pm.ok(["start", "--clean-env", "--", "env"]);
    await pm.ok(["wait", "--for", "output", id]);
    const names = (await pm.ok(["logs", id])).split("\n").map((line) => line.split("=")[0]);
    const allowed =
      /^(HOME|USER|LOGNAME|SHELL|PATH|LANG|TZ|LC_\w+|XDG_(RUNTIME_DIR|CONFIG_HOME|STATE_HOME)|PWD|OLDPWD|SHLVL|_)$/;
    expect(names.filter((name) => !allowed.test(name ?? ""))).toEqual([]);
  });
});

describe.concurrent("a host that", () => {
  /** In place of the host, somebody else listens. */
  const pretender = async (pm: Pm, onConnection: Parameters<typeof createServer>[1]): Promise<Server> => {
    const path = join(pm.runtimeDir, "cli.sock");
    rmSync(path);
    const server = createServer(onConnection);
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, 0o600);
    return server;
  };
  const buildId = (): string => readFileSync(join(dirname(realpathSync(pmPath)), "build-id"), "latin1");

  test("says nothing, hangs up, is of another build or speaks otherwise costs only time, and is told nothing", async ({
    hosted: pm,
  }) => {
    for (const greeting of [
      undefined,
      "",
      `pm-host1${"0".repeat(40)}`,
      `pm-host2${buildId()}`,
      "HTTP/1.1 200 OK\r\n\r\n",
    ]) {
      let received = 0;
      const server = await pretender(pm, (socket) => {
        socket.on("error", () => {});
        socket.on("data", (data) => {
          received += data.length;
        });
        if (greeting === "") {
          socket.destroy();
        } else if (greeting !== undefined) {
          socket.write(greeting);
        }
      });
      expect(await pm(["ls", "-q"])).toMatchObject({ code: 0, out: "", err: "" });
      expect(received).toBe(0);
      await new Promise((resolve) => {
        server.close(resolve);
        writeFileSync(join(pm.runtimeDir, "cli.sock"), "");
      });
    }
  });

  test("breaks off is asked again only where that is safe", async ({ hosted: pm }) => {
    let output = "";
    /** Of the output that is written, before the last frame, which announces more than comes. */
    let whole: readonly number[] = [];
    let missing = 0;
    const server = await pretender(pm, (socket) => {
      socket.on("error", () => {});
      socket.write(`pm-host1${buildId()}`);
      socket.once("data", () => {
        const frames: Buffer[] = [];
        for (let rest = output; rest !== ""; ) {
          const part = rest.slice(0, whole[frames.length]);
          rest = rest.slice(part.length);
          const frame = Buffer.from(`o\0\0\0\0${part}`);
          frame.writeUInt32LE(part.length + (rest === "" ? missing : 0), 1);
          frames.push(frame);
        }
        socket.end(Buffer.concat(frames));
      });
    });
    const id = await pm.ok(["start", "-n", "one", "--", "sleep", "3600"]);
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    const lost = { code: 4, out: "", err: "pm: the connection to the daemon was lost\n" };
    expect(await byHost((env) => pm(["prune"], { env }))).toMatchObject(lost);
    // The daemon knows their requests again.
    expect(await pm(["kill", "-CONT", "one"])).toMatchObject({ code: 0, out: "one\n" });
    expect(await pm(["restart", "one"])).toMatchObject({ code: 0, out: "one SIGTERM\n" });
    expect(JSON.parse(await pm.ok(["status", "-o", "json", "one"]))).toMatchObject({ state: "PROCESS_STATE_RUNNING" });
    expect(await pm(["update", "-l", "tier=back", "-e", "A=1", "one"])).toMatchObject({ code: 0, out: "one\n" });
    // What was done before the host broke off is not done again, nor looked for by its old name.
    const requestId = randomUUID();
    const renaming = ["update", "--request-id", requestId, "-n", "renamed", "one"];
    await pm.ok(renaming, { env: notHosted });
    await pm.ok(["update", "-l", "tier=front", "renamed"], { env: notHosted });
    expect(await pm(renaming)).toMatchObject({ code: 0, out: "one\n" });
    expect(await pm(["update", "-n", "renamed", "one"])).toMatchObject({ code: 3, out: "" });
    expect(JSON.parse(await pm.ok(["status", "-o", "json", "renamed"]))).toMatchObject({ labels: { tier: "front" } });
    await pm.ok(["update", "-n", "one", "renamed"], { env: notHosted });
    // What was written is not written again, unless the command would now say something else.
    output = id.slice(0, 12);
    expect(await pm(["ls", "-q"])).toMatchObject({ code: 0, out: `${id}\n`, err: "" });
    output = `${id}\n`;
    expect(await pm(["ls", "-q"])).toMatchObject({ code: 0, out: `${id}\n`, err: "" });
    for (output of ["half", `${id}\nmore`]) {
      expect(await pm(["ls", "-q"])).toMatchObject({ ...lost, out: output });
    }
    output = "";
    const lines = await pm.ok(["start", "-e", "LINES=30000", "--", "sh", "-c", "seq $LINES"]);
    await pm.ok(["wait", "--for", "output", lines], { env: notHosted });
    const { out } = await pm(["logs", lines], { env: notHosted });
    output = out.slice(0, 100_000);
    expect(await pm(["logs", lines])).toMatchObject({ code: 0, out, err: "" });
    // To a pipe output is moved, not copied; what pm() gives a command is a socket.
    for ([whole, missing] of [
      [[], 0],
      [[], 50_000],
      [[40_000, 50_000], 0],
      [[60_000, 33_000], 1],
    ] as const) {
      expect(await pm.shell(`pm logs ${lines} | cat`)).toMatchObject({ code: 0, out, err: "" });
    }
    [whole, missing] = [[], 0];
    // Results of what is not done twice may come in another order, or not again.
    output = "";
    for (const name of ["two", "three"]) {
      await pm.ok(["start", "-n", name, "--", "sleep", "3600"]);
    }
    await pm.ok(["stop", "three"], { env: notHosted });
    output = "three SIGTERM\n";
    const stopped = await pm(["stop", "-l", "!none"]);
    expect(stopped).toMatchObject({ code: 0, err: "" });
    expect(stopped.out.split("\n").sort()).toEqual(["", "one SIGTERM", "three SIGTERM", "two SIGTERM"]);
    // Nor does the process that a repeated start begins see any of it.
    const seen = randomUUID();
    output = seen.slice(0, 12);
    expect(await pm(["start", "--id", seen, "--", "env"])).toMatchObject({ code: 0, out: `${seen}\n`, err: "" });
    await pm.ok(["wait", "--for", "output", seen], { env: notHosted });
    expect((await pm(["logs", seen], { env: notHosted })).out).not.toContain("PM_WRITTEN");
    await new Promise((resolve) => {
      server.close(resolve);
      writeFileSync(join(pm.runtimeDir, "cli.sock"), "");
    });
  });

  /** A command whose host breaks off when `cut` is called; nothing comes from it after what `seen` looks for. */
  async function toBeCut(pm: Pm, args: readonly string[], seen: string) {
    const path = join(pm.runtimeDir, "cli.sock");
    const real = join(pm.runtimeDir, "real.sock");
    renameSync(path, real);
    let outcome = Promise.withResolvers<Socket | undefined>();
    const server = createServer((launcher) => {
      const host = connect(real);
      let frames = "";
      host.on("error", () => {}).on("close", () => launcher.destroy());
      launcher
        .on("error", () => {})
        .on("close", () => {
          host.destroy();
          outcome.resolve(undefined);
        });
      launcher.pipe(host);
      host.on("data", (data: Buffer) => {
        const before = frames.length;
        frames += data.toString("latin1");
        const at = frames.indexOf(seen);
        launcher.write(at < 0 ? data : data.subarray(0, at + seen.length - before));
        if (at >= 0) {
          host.pause();
          outcome.resolve(launcher);
        }
      });
    });
    await once(server.listen(path), "listening");
    chmodSync(path, 0o600);
    for (;;) {
      const command = pm.spawn(args);
      const launcher = await outcome.promise;
      if (launcher !== undefined) {
        const cut = async () => {
          launcher.destroy();
          await new Promise((closed) => server.close(closed));
          renameSync(real, path);
          return await command.ended;
        };
        return { cut };
      }
      // The greeting came too late for it.
      outcome = Promise.withResolvers();
      command.child.kill("SIGKILL");
      await command.ended;
    }
  }

  test("breaks off while it waits leaves a wait for the run that there was", async ({ hosted: pm }) => {
    const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const id = await pm.ok(["start", "-n", "svc", "--", "sh", "-c", script]);
    await pm.spawn(["logs", "-f", "svc"]).saw("ready");
    const { cut } = await toBeCut(pm, ["wait", "svc"], `${id} 1`);
    await pm.ok(["restart", "svc"], { env: notHosted });
    expect(await cut()).toMatchObject({ code: 7, out: "", err: "" });
  });

  test("breaks off while it shows the end of an output goes on there, whatever came since", async ({ hosted: pm }) => {
    const script =
      'seq 1 9; while [ ! -e "$PM_RUNTIME_DIR/go" ]; do sleep 0.05; done; seq 10 20; echo last; trap "exit 0" TERM; while :; do sleep 0.05; done';
    await pm.ok(["start", "-n", "svc", "--", "sh", "-c", script]);
    await pm.spawn(["logs", "-f", "svc"]).saw("9");
    const { cut } = await toBeCut(pm, ["logs", "-n", "2", "svc"], "8\n9\n");
    writeFileSync(join(pm.runtimeDir, "go"), "");
    await pm.spawn(["logs", "-f", "svc"]).saw("last");
    await pm.ok(["restart", "svc"], { env: notHosted });
    const { code, out, err } = await cut();
    expect({ code, err, out }).toEqual({ code: 0, err: "", out: expect.stringMatching(/^8\n9\n10\n[\s\S]*\nlast\n/) });
  });

  test("dies with the daemon leaves a wait that goes on", async ({ hosted: pm }) => {
    spawnSync("mkfifo", [join(pm.runtimeDir, "fifo")]);
    const id = await pm.ok(["start", "--", "sh", "-c", "read -r line < fifo; exit 9"], {
      cwd: pm.runtimeDir,
    });
    const pid = await pm.daemonPid();
    const waiting = await hostedWait(pm, id);
    process.kill(pid, "SIGKILL");
    await waiting.saw("started the daemon", "err");
    writeFileSync(join(pm.runtimeDir, "fifo"), "x\n");
    expect(await waiting.ended).toMatchObject({ code: 9, out: "" });
  });

  test("dies with the daemon, again and again, starts everything once", async ({ hosted: pm }) => {
    const count = 48;
    const ids: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const label = String(next++);
        ids.push(await pm.ok(["start", "-l", `n=${label}`, "--", "true"]));
        if (ids.length % 12 === 0) {
          // Between the question and the kill another of these may have been faster.
          await pm
            .daemonPid()
            .then(
              (pid) => process.kill(pid, "SIGKILL"),
              () => {},
            )
            .catch(() => {});
          await pm.ok(["daemon", "start"]);
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect(new Set(ids).size).toBe(count);
    const { processes } = JSON.parse(await pm.ok(["ls", "-a", "-o", "json"])) as {
      processes: { id: string; labels: { n: string } }[];
    };
    expect(processes.map(({ id }) => id).sort()).toEqual(ids.sort());
    const numbers = processes.map(({ labels }) => Number(labels.n)).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test("is no longer needed when its launcher is killed: the command ends", async ({ hosted: pm }) => {
    await pm.ok(["start", "-n", "living", "--", "sleep", "3600"]);
    const waiting = await hostedWait(pm, "living");
    waiting.child.kill("SIGINT");
    expect(await waiting.ended).toMatchObject({ code: null, signal: "SIGINT", out: "", err: "" });
    await vi.waitFor(() => expect(connections(pm)).toBe(0), { timeout: limitMs });
    expect(await byHost((env) => pm(["ls", "-o", "name"], { env }))).toMatchObject({ code: 0, out: "living\n" });
  });
});

/** A `pm wait` that the host runs: its launcher's connection is there, and the host's own to the daemon. */
async function hostedWait(pm: Pm, ref: string): Promise<Running> {
  for (;;) {
    const waiting = pm.spawn(["wait", ref]);
    const isHosted = await vi.waitFor(
      () => {
        if (readFileSync(`/proc/${waiting.child.pid}/comm`, "utf8") !== "pm\n") {
          // The greeting came too late for it: it has become Node.js.
          return false;
        }
        expect(connections(pm)).toBeGreaterThanOrEqual(2);
        return true;
      },
      { timeout: limitMs },
    );
    if (isHosted) {
      return waiting;
    }
    waiting.child.kill("SIGKILL");
    await waiting.ended;
  }
}

/** Connections that a daemon has accepted, as the kernel lists them: its sockets were bound under temporary names. */
function connections({ runtimeDir }: Pm): number {
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .filter((line) => / 03 +\d+ /.test(line) && line.includes(`${runtimeDir}/.`)).length;
}

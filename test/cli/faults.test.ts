import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { isAlive, limitMs, test } from "./support/pm.ts";

describe.concurrent("references to processes", () => {
  test("unknown, ambiguous and malformed ones", async ({ pm }) => {
    await pm.ok(["start", "-n", "server", "--id", "aaaabbbb-0000-4000-8000-000000000001", "sleep", "3600"]);
    await pm.ok(["start", "--id", "aaaabbbb-0000-4000-8000-000000000002", "sleep", "3600"]);
    expect(await pm(["status", "aaaab"])).toMatchObject({ code: 5, out: "" });
    expect((await pm(["status", "aaaab"])).err).toContain("aaaabbbb-0000-4000-8000-000000000002");
    const unknown = await pm(["status", "servr"]);
    expect(unknown).toMatchObject({ code: 3, out: "" });
    expect(unknown.err).toContain('did you mean "server"?');
    expect(await pm(["status", "a b"])).toMatchObject({ code: 2, out: "" });
    expect(await pm(["stop", "ffffffff-0000-4000-8000-000000000000"])).toMatchObject({ code: 3, out: "" });
    expect(JSON.parse(await pm.ok(["status", "-o", "json", "server"]))).toMatchObject({ name: "server" });
    expect(await pm.ok(["status", "-o", "name", "aaaabbbb-0000-4000-8000-000000000001"])).toBe("server");
  });

  test("several at once: each failure is told, the others are acted on", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "sleep", "3600"]);
    await pm.ok(["start", "-n", "two", "sleep", "3600"]);
    const result = await pm(["stop", "-f", "one", "none", "two"]);
    expect(result.code).toBe(3);
    expect(result.out.split("\n").sort()).toEqual(["", "one SIGTERM", "two SIGTERM"]);
    expect(result.err).toMatch(/^pm: .*none/);
    expect(await pm(["wait", "one", "two"])).toMatchObject({ code: 143 });
    expect(await pm(["rm", "one", "two"])).toMatchObject({ code: 0, out: expect.stringContaining("one\n") });
    expect(await pm.ok(["ls", "-aq"])).toBe("");
  });
});

describe.concurrent("stopping", () => {
  test("a process that ignores SIGTERM: survivors are named; with force the tree is gone", async ({ pm }) => {
    const id = await pm.ok(["start", "-n", "deaf", "--", "sh", "-c", 'trap "" TERM; echo ready; sleep 60; sleep 60']);
    await pm.spawn(["logs", "-f", id]).saw("ready");
    const refused = await pm(["stop", "-t", "0.2", "deaf"]);
    expect(refused).toMatchObject({ code: 6, out: "" });
    expect(refused.err).toMatch(/"deaf" did not stop within 200 ms;/);
    const pids = [...refused.err.matchAll(/pid (\d+) {2}\S.* {2}(\S.*)/g)];
    expect(pids.length).toBeGreaterThan(0);
    expect(refused.err).toContain("pm stop --force deaf");
    expect(JSON.parse(await pm.ok(["status", "-o", "json", id]))).toMatchObject({ state: "PROCESS_STATE_RUNNING" });
    expect(await pm(["stop", "-t", "0.2", "--force", "deaf"])).toMatchObject({ code: 0, out: "deaf SIGKILL\n" });
    for (const [, pid] of pids) {
      expect(isAlive(Number(pid))).toBe(false);
    }
    expect(await pm(["wait", id])).toMatchObject({ code: 137 });
  });

  test("a leader that exits while its children live, and a daemon that forked twice", async ({ pm }) => {
    const script = 'setsid sh -c \'(sleep 60 & echo $! > "$0"/pid; echo forked)\' "$PM_RUNTIME_DIR" & wait; exit 3';
    const id = await pm.ok(["start", "--", "sh", "-c", script]);
    expect(await pm(["wait", id])).toMatchObject({ code: 3 });
    const orphan = Number(readFileSync(join(pm.runtimeDir, "pid"), "utf8"));
    expect(isAlive(orphan)).toBe(true);
    expect(JSON.parse(await pm.ok(["status", "-o", "json", id]))).toMatchObject({
      run: { treeAlive: true, exit: { code: 3 } },
    });
    expect(await pm.ok(["ls", "-a"])).toContain("exited+children");
    expect(await pm(["rm", id])).toMatchObject({ code: 5 });
    expect(await pm(["stop", id])).toMatchObject({ code: 0 });
    expect(isAlive(orphan)).toBe(false);
  });

  test("kill sends a signal and stops nothing else; of an ended process it is a conflict", async ({ pm }) => {
    const id = await pm.ok([
      "start",
      "--",
      "sh",
      "-c",
      'trap "echo hup" HUP; echo ready; while :; do sleep 0.05; done',
    ]);
    const logs = pm.spawn(["logs", "-f", id]);
    await logs.saw("ready");
    expect(await pm.ok(["kill", "-s", "HUP", id])).toBe(id);
    await logs.saw("hup");
    await pm.ok(["kill", id]);
    expect(await pm(["wait", id])).toMatchObject({ code: 137 });
    expect(await logs.ended).toMatchObject({ code: 0 });
    expect(await pm(["kill", id])).toMatchObject({ code: 5, out: "" });
    expect(await pm(["kill", "-s", "NONE", id])).toMatchObject({ code: 2, out: "" });
  });
});

describe.concurrent("the daemon", () => {
  test("two started at once are one", async ({ pm }) => {
    const results = await Promise.all(Array.from({ length: 4 }, () => pm(["start", "sleep", "3600"])));
    for (const result of results) {
      expect(result).toMatchObject({ code: 0 });
    }
    expect(results.filter(({ err }) => err.includes("started the daemon")).length).toBe(1);
    expect((await pm.ok(["ls", "-q"])).split("\n").sort()).toEqual(results.map(({ out }) => out.trim()).sort());
  });

  test("is not started with an explicit host, nor when that is turned off", async ({ pm }) => {
    const socket = join(pm.runtimeDir, "pm.sock");
    for (const [args, env] of [
      [["ls"], { PM_NO_AUTOSTART: "1" }],
      [["ls"], { PM_HOST: `unix://${socket}` }],
      [["--host", `unix://${socket}`, "ls"], {}],
      [["ls", "--host", `unix://${socket}`], {}],
      [["daemon", "status"], {}],
    ] as const) {
      const result = await pm(args, { env });
      expect(result).toMatchObject({ code: 4, out: "" });
      expect(result.err).toMatch(/^pm: cannot reach the daemon at unix:\/\/.*pm\.sock.*\nhint: /);
    }
    expect(existsSync(socket)).toBe(false);
    expect(await pm(["daemon", "stop"])).toMatchObject({ code: 0, err: "pm: no daemon is running\n" });
    expect((await pm(["version"])).out).toMatch(/^pm \d+\.\d+\.\d+ \(Node\.js 26\.[\d.]+\)\n$/);
  });

  test("replaces a stale socket", async ({ pm, expect }) => {
    await pm.ok(["daemon", "start"]);
    const pid = await pm.daemonPid();
    process.kill(pid, "SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: limitMs }).toBe(false);
    expect(existsSync(join(pm.runtimeDir, "pm.sock"))).toBe(true);
    expect(await pm(["ls", "-q"])).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringContaining("started the daemon"),
    });
  });

  test("says why it cannot start: a path too long, a file in the way, another listener", async ({
    makePm,
    onTestFinished,
  }) => {
    const deep = makePm();
    const tooLong = await deep(["ls"], { env: { PM_RUNTIME_DIR: join(deep.runtimeDir, "x".repeat(110)) } });
    expect(tooLong).toMatchObject({ code: 4, out: "" });
    expect(tooLong.err).toMatch(/too long/);

    const file = makePm();
    const inTheWay = join(file.runtimeDir, "file");
    writeFileSync(inTheWay, "");
    const notDirectory = await file(["ls"], { env: { PM_RUNTIME_DIR: inTheWay } });
    expect(notDirectory).toMatchObject({ code: 4, out: "" });
    expect(notDirectory.err).toMatch(/runtime directory/);

    const taken = makePm();
    chmodSync(taken.runtimeDir, 0o700);
    const server = createServer((socket) => socket.end("hello\n")).listen(join(taken.runtimeDir, "pm.sock"));
    onTestFinished(() => void server.close());
    const foreign = await taken(["ls"]);
    expect(foreign.code).not.toBe(0);
    expect(foreign.out).toBe("");
  });

  test.runIf(process.getuid?.() === 0)("refuses a runtime directory of somebody else", async ({ pm }) => {
    const foreign = join(pm.runtimeDir, "foreign");
    mkdirSync(foreign, { mode: 0o700 });
    const { chownSync } = await import("node:fs");
    chownSync(foreign, 65534, 65534);
    const result = await pm(["ls"], { env: { PM_RUNTIME_DIR: foreign } });
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toMatch(/belongs to user 65534/);
    expect(existsSync(join(foreign, "daemon.log"))).toBe(false);
  });

  test.runIf(process.getuid?.() === 0)("says that it may not write to the runtime directory", async ({ pm }) => {
    chmodSync(pm.runtimeDir, 0o755);
    const inside = join(pm.runtimeDir, "readonly");
    mkdirSync(inside, { mode: 0o555 });
    const child = spawn(join(import.meta.dirname, "../../bin/pm"), ["ls"], {
      env: { ...pm.env, PM_RUNTIME_DIR: join(inside, "pm"), HOME: "/dev/null/none" },
      uid: 65534,
      gid: 65534,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code, err).toBe(4);
    expect(err).toMatch(/EACCES/);
  });

  test("stop leaves processes alone; the next daemon finds them", async ({ pm }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "echo before; sleep 3600"]);
    await pm.spawn(["logs", "-f", id]).saw("before");
    const first = await pm.daemonPid();
    expect((await pm(["daemon", "stop"])).err).toContain("1 process still running");
    expect(isAlive(first)).toBe(false);
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect(await pm.ok(["logs", id])).toBe("before");
  });

  test("run serves in the foreground under the same pid, and ends by SIGTERM", async ({ pm }) => {
    const daemon = pm.spawn(["daemon", "run"]);
    await daemon.saw("ready", "err");
    expect(await pm.daemonPid()).toBe(daemon.child.pid);
    expect(await pm(["daemon", "start"])).toMatchObject({
      code: 0,
      err: expect.stringContaining("is already running"),
    });
    daemon.child.kill("SIGTERM");
    expect(await daemon.ended).toMatchObject({ code: 0 });
  });

  test("its log is private and bounded when it starts", async ({ pm }) => {
    const log = join(pm.runtimeDir, "daemon.log");
    writeFileSync(log, Buffer.alloc(2 * 1024 * 1024, "x"));
    await pm.ok(["daemon", "start"]);
    expect(readFileSync(`${log}.old`).length).toBe(2 * 1024 * 1024);
    expect(await pm.ok(["daemon", "logs", "--path"])).toBe(log);
    expect(await pm.ok(["daemon", "logs"])).toContain("ready");
    const { statSync } = await import("node:fs");
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });
});

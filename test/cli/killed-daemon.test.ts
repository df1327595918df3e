/** What commands do while a daemon is killed, ends, or loses its socket: F9 to F11 and F14, F17 of the faults once found. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { isAlive, limitMs, type Pm, test } from "./support/pm.ts";

/** Several commands and daemons are started one after the other, on a machine that may be busy. */
vi.setConfig({ testTimeout: 240_000 });

async function killDaemon(pm: Pm): Promise<void> {
  const pid = await pm.daemonPid();
  process.kill(pid, "SIGKILL");
  await untilGone(pid);
}

/** It is no child of ours: nobody tells of its end. */
async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
    await sleep(10);
  }
}

describe.concurrent("F9 commands in flight when the daemon is killed go on by themselves", () => {
  test("wait, logs -f and ls --watch", async ({ pm }) => {
    const script = 'echo before; while [ ! -e "$PM_RUNTIME_DIR/go" ]; do sleep 0.05; done; echo after; exit 3';
    const id = await pm.ok(["start", "-n", "web", "--", "sh", "-c", script]);
    const waiting = pm.spawn(["wait", id]);
    const logs = pm.spawn(["logs", "-f", id]);
    const watching = pm.spawn(["ls", "-a", "-w", "-o", "jsonl"]);
    await logs.saw("before");
    await watching.saw(id);
    await killDaemon(pm);
    // No other command starts a daemon for them.
    writeFileSync(join(pm.runtimeDir, "go"), "");
    expect(await waiting.ended).toMatchObject({ code: 3 });
    expect(await logs.ended).toMatchObject({ code: 0, out: "before\nafter\n" });
    await watching.saw("PROCESS_STATE_EXITED");
    watching.child.kill("SIGINT");
    await watching.ended;
  });

  test("run passes a signal on, and exits as the process does", async ({ pm }) => {
    const running = pm.spawn(["run", "--", "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"]);
    await running.saw("ready");
    await killDaemon(pm);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 7 });
  });

  test("what is passed on as input arrives once, by run -i, attach and send", async ({ pm }) => {
    const script = 'head -c 1000; echo read >&2; while [ ! -e "$PM_RUNTIME_DIR/go" ]; do sleep 0.05; done; cat; exit 3';
    const lines = (name: string) => Array.from({ length: 60_000 }, (_, at) => `${name} ${at}\n`).join("");
    const command = ["-i", "--output-limit", "4MiB", "--", "sh", "-c", script];
    for (const name of ["attached", "sent"]) await pm.ok(["start", "-n", name, ...command]);
    const run = pm.spawn(["run", "-n", "run", ...command], { input: lines("run") });
    const attached = pm.spawn(["attach", "attached"], { input: lines("attached") });
    const sent = pm.spawn(["send", "--close", "sent"], { input: lines("sent") });
    // Each has begun, and waits for its process to read on.
    for (const name of ["run", "attached", "sent"]) {
      await pm.spawn(["logs", "-f", "--stream", "stderr", name]).saw("read");
    }
    await killDaemon(pm);
    writeFileSync(join(pm.runtimeDir, "go"), "");
    expect(await sent.ended).toMatchObject({ code: 0 });
    expect((await pm(["logs", "--stream", "stdout", "sent"])).out).toBe(lines("sent"));
    const { code, out } = await run.ended;
    expect({ code, out: out.replace("read\n", "") }).toEqual({ code: 3, out: lines("run") });
    await attached.saw(`attached ${59_999}\n`);
    // Its input stays open when that of the command ends.
    await pm.ok(["send", "--close", "attached"], { input: "" });
    const end = await attached.ended;
    expect({ code: end.code, out: end.out.replace("read\n", "") }).toEqual({ code: 3, out: lines("attached") });
  });

  test("run passes all of its input on, and its end", async ({ pm }) => {
    // More than is between it and a process that does not read yet: a write waits there when the daemon dies.
    const input = randomBytes(8_000_000);
    const script = 'echo ready; while [ ! -e "$PM_RUNTIME_DIR/go" ]; do sleep 0.05; done; cat; exit 4';
    const running = pm.spawn(["run", "-i", "--", "sh", "-c", script], { input });
    await running.saw("ready");
    for (let kills = 0; kills < 2; kills++) {
      await killDaemon(pm);
      await pm.ok(["ls", "-q"]);
    }
    writeFileSync(join(pm.runtimeDir, "go"), "");
    const { code, stdout } = await running.ended;
    expect(code).toBe(4);
    expect(stdout.subarray("ready\n".length).equals(input)).toBe(true);
  });

  test("stop and restart are carried out once", async ({ pm }) => {
    const script = "trap 'sleep 1; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => pm.ok(["start", "-n", name, "--", "sh", "-c", script])),
    );
    for (const id of [one, two]) await pm.spawn(["logs", "-f", id ?? ""]).saw("ready");
    const events = pm.spawn(["ls", "-a", "-w", "-o", "jsonl"]);
    await events.saw(two ?? "");
    const stopping = pm.spawn(["stop", "-t", "20", "one"]);
    const restarting = pm.spawn(["restart", "-t", "20", "two"]);
    await events.saw("PROCESS_STATE_STOPPING");
    await killDaemon(pm);
    expect(await stopping.ended).toMatchObject({ code: 0 });
    expect(await restarting.ended).toMatchObject({ code: 0 });
    await pm.spawn(["logs", "-f", "two"]).saw("ready");
    expect(await pm(["wait", "one"])).toMatchObject({ code: 5 });
    const found = JSON.parse(await pm.ok(["status", "-o", "json", "two"]));
    expect(found).toMatchObject({ state: "PROCESS_STATE_RUNNING", run: { number: 2 } });
    events.child.kill("SIGKILL");
  });
});

describe.concurrent("F10 a command that meets a daemon that is stopping starts the next one", () => {
  test("while a client that does not read holds it", async ({ pm }) => {
    await pm.ok(["start", "--", "sh", "-c", "yes | head -c 900000"]);
    const idle = connect(join(pm.runtimeDir, "pm.sock"));
    await once(idle, "connect");
    idle.pause();
    idle.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const stopping = pm.spawn(["daemon", "stop"]);
    expect(await pm(["ls", "-q"])).toMatchObject({ code: 0 });
    await stopping.ended;
    idle.destroy();
    expect(await pm(["ls", "-q"])).toMatchObject({ code: 0 });
  });

  test("while it waits for its processes to end", async ({ pm }) => {
    const script = "trap 'sleep 2; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    const id = await pm.ok(["start", "--", "sh", "-c", script]);
    await pm.spawn(["logs", "-f", id]).saw("ready");
    const watching = pm.spawn(["ls", "-a", "-w", "-o", "jsonl"]);
    await watching.saw(id);
    const stopping = pm.spawn(["daemon", "stop", "--stop-processes"]);
    await watching.saw("PROCESS_STATE_STOPPING");
    expect(await pm(["start", "--", "true"])).toMatchObject({ code: 0 });
    expect(await stopping.ended).toMatchObject({ code: 0 });
    watching.child.kill("SIGKILL");
  });
});

describe.concurrent("F11 what goes away under a live daemon", () => {
  test("a deleted socket is made again, by the same daemon", async ({ pm }) => {
    const id = await pm.ok(["start", "sleep", "60"]);
    const pid = await pm.daemonPid();
    rmSync(join(pm.runtimeDir, "pm.sock"));
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect(await pm.daemonPid()).toBe(pid);
    expect(await pm(["daemon", "stop"])).toMatchObject({
      code: 0,
      err: expect.stringContaining("1 process still running"),
    });
  });

  test("without its directory a daemon ends, and the next one finds what lives", async ({ pm }) => {
    const id = await pm.ok(["start", "-n", "web", "sleep", "60"]);
    const pid = await pm.daemonPid();
    // Its daemon may be making a file just then.
    rmSync(pm.runtimeDir, { recursive: true, force: true, maxRetries: 20 });
    await untilGone(pid);
    expect(existsSync(pm.runtimeDir)).toBe(false);
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect(readFileSync(join(pm.runtimeDir, "daemon.log"), "utf8")).toContain("adopted a living shim");
    expect(await pm(["stop", "-f", id])).toMatchObject({ code: 0 });
  });
});

/** The daemon of this directory, ready or not. */
function daemonsOf({ runtimeDir }: Pm): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isDaemon = readFileSync(`/proc/${name}/cmdline`, "utf8").includes("/daemon.mjs\0");
      const isOurs = readFileSync(`/proc/${name}/environ`, "utf8").includes(`PM_RUNTIME_DIR=${runtimeDir}\0`);
      return isDaemon && isOurs ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

test("F9 a daemon that is killed while it starts is replaced by the command that started it, however often", async ({
  pm,
}) => {
  const starting = pm.spawn(["start", "-n", "web", "sleep", "60"]);
  let ended = false;
  void starting.ended.then(() => {
    ended = true;
  });
  const killed = new Set<number>();
  while (killed.size < 6 && !ended) {
    for (const pid of daemonsOf(pm).filter((one) => !killed.has(one))) {
      process.kill(pid, "SIGKILL");
      killed.add(pid);
    }
    await sleep(1);
  }
  expect(await starting.ended).toMatchObject({ code: 0 });
  expect(await pm.ok(["ls", "-o", "name"])).toBe("web");
});

describe.concurrent("F9 a daemon that is killed while a command of the daemon asks it", () => {
  /** In place of one that is killed: the question has arrived, and then the socket closes for ever. */
  async function dying({ runtimeDir }: Pm): Promise<void> {
    const server = createServer((connection) => {
      server.close();
      connection.on("error", () => {}).once("data", () => connection.destroy());
    });
    await once(server.listen(join(runtimeDir, "pm.sock")), "listening");
  }

  test.for(["start", "restart"])("is replaced by 'pm daemon %s'", async (command, { pm }) => {
    await dying(pm);
    const { code, out, err } = await pm(["daemon", command, "-o", "json"]);
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining("pm: started the daemon") });
    expect(JSON.parse(out)).toMatchObject({ pid: await pm.daemonPid() });
  });

  test("is not waited for by 'pm daemon stop'", async ({ pm }) => {
    await dying(pm);
    expect(await pm(["daemon", "stop"])).toMatchObject({ code: 0, err: "pm: no daemon is running\n" });
  });
});

test("F17 a size means the same to a command and to the daemon", async ({ pm }) => {
  const daemon = pm.spawn(["daemon", "run", "--default-output-limit", "1MB"]);
  await daemon.saw("ready", "err");
  await pm.ok(["start", "-n", "usual", "true"]);
  await pm.ok(["start", "-n", "asked", "--output-limit", "1MB", "true"]);
  const limits = await Promise.all(
    ["usual", "asked"].map(async (name) => {
      const { run } = JSON.parse(await pm.ok(["status", "-o", "json", name]));
      return run.effective.outputLimitBytes;
    }),
  );
  expect(limits[0]).toBe(limits[1]);
  const refused = await pm(["daemon", "check", "--default-output-limit", "100"]);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("at least 4096 bytes");
  daemon.child.kill("SIGTERM");
  await daemon.ended;
});

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Cause } from "../../src/server/engine/api/cause.ts";
import { everything } from "../../src/server/engine/api/list.ts";
import type { SupervisionPolicy } from "../../src/server/engine/api/policy.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import {
  type NotifyMessage,
  nothingKept,
  type Supervision,
  type SupervisionChange,
  type SupervisionHook,
} from "../../src/server/engine/api/supervision.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import { readRecord, writeRecord } from "../../src/server/engine/process/record.ts";
import {
  alive,
  type Bench,
  limit,
  open,
  reasonOf,
  refused,
  runtimeDirectory,
  shell,
  somebody,
  spec,
  start,
  stopDefaults,
  text,
  untilOutput,
  type Wanted,
} from "./harness.ts";

const policyCause: Cause = { kind: "restartPolicy", principal: "", requestId: "", detail: "attempt 1" };

const waiting: Supervision = {
  ...nothingKept,
  waiting: { reason: "restart", until: 5_000, for: [], why: "", cause: policyCause, since: 1 },
};

function wait(supervision: Supervision = waiting): SupervisionChange {
  const detail = { attempt: 1, until: 5_000, schedule: "", queue: "", project: "" };
  return { supervision, state: "waiting", event: { type: "waiting", detail }, cause: policyCause };
}

/** Says what becomes of every process, and remembers what it was asked. */
class Hook implements SupervisionHook {
  readonly asked: ProcessInfo[] = [];
  readonly notices: NotifyMessage[] = [];
  answer: SupervisionChange | null = wait();

  runEnded(process: ProcessInfo): SupervisionChange | null {
    this.asked.push(process);
    return this.answer;
  }

  mayRemove(): boolean {
    return true;
  }

  notified(message: NotifyMessage): void {
    this.notices.push(message);
  }
}

async function create(bench: Bench, { name, labels, ...wanted }: Wanted): Promise<ProcessInfo> {
  return (await bench.engine.create({ id: randomUUID(), name, labels, spec: wanted }, wait(), somebody)).process;
}

describe("a process that waits for its first run", () => {
  test("is listed, keeps its name, and is there for the next daemon", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const made = await create(engine, shell("echo one; exec sleep 1000", { name: "web" }));
    expect(made).toMatchObject({ state: "waiting", desiredState: "running", run: { number: 0 }, supervision: waiting });
    expect(await reasonOf(start(engine, spec("true", [], { name: "web" })))).toBe("NAME_IN_USE");
    expect(engine.engine.runs({ id: made.id }).runs).toEqual([]);
    await engine.close();
    const next = await open({ runtimeDir });
    expect(next.engine.get({ name: "web" })).toEqual(made);
    next.engine.supervise(new Hook());
    const started = await next.engine.startRun(made.id, () => nothingKept, policyCause);
    expect(started).toMatchObject({ run: { number: 1, cause: policyCause }, supervision: nothingKept });
    await untilOutput(next, made.id, "one\n");
    expect(next.engine.runs({ id: made.id }).runs.map(({ number }) => number)).toEqual([1]);
  });

  test("is waited for until that has ended, or is not to come", async () => {
    const engine = await open();
    const { id } = await create(engine, shell("exit 3"));
    const ended = engine.engine.wait({ id }, "exited", null, limit());
    await engine.engine.startRun(id, () => nothingKept, policyCause);
    expect(await ended).toMatchObject({ run: { number: 1, exit: { code: 3 } } });
    const { id: other } = await create(engine, shell("exit 3"));
    expect(await refused(text(engine, other))).toMatchObject({ message: `process ${other} has not run` });
    const never = refused(engine.engine.wait({ id: other }, "exited", null, limit()));
    const stopped = { supervision: nothingKept, state: null, desiredState: "stopped", event: null } as const;
    engine.engine.setSupervision(other, 0, { ...stopped, cause: policyCause });
    expect(await never).toMatchObject({
      reason: "RUN_NOT_FOUND",
      message: `process ${other} has not run, and no run is to come`,
    });
    expect(await reasonOf(engine.engine.wait({ id: other }, "exited", 1, limit()))).toBe("RUN_NOT_FOUND");
  });

  test("can be removed, and cannot be begun twice", async () => {
    const engine = await open();
    const { id } = await create(engine, spec("sleep", ["1000"]));
    const both = await Promise.allSettled([
      engine.engine.startRun(id, () => nothingKept, policyCause),
      engine.engine.startRun(id, () => nothingKept, policyCause),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(engine.get(id)).toMatchObject({ run: 1, state: "running" });
    const { id: other } = await create(engine, spec("true"));
    expect(await engine.remove(other, false)).toBe(other);
    expect(await reasonOf(() => engine.get(other))).toBe("PROCESS_NOT_FOUND");
  });
});

test("what becomes of a process is published with the end of its run", async () => {
  const engine = await open();
  const hook = new Hook();
  engine.engine.supervise(hook);
  const { id, pid } = await start(engine, spec("sleep", ["1000"]));
  const heard: WatchEvent[] = [];
  const watching = (async () => {
    const { resourceVersion } = engine.get(id);
    for await (const event of engine.watch({ resourceVersion, filter: everything, bookmarkMs: 60_000 }, limit())) {
      heard.push(event);
      if (event.type === "modified" && !event.process.run.treeAlive && event.process.run.output.complete) return;
    }
  })();
  process.kill(pid, "SIGKILL");
  await watching;
  const states = heard.flatMap((event) => (event.type === "modified" ? [event.process.state] : []));
  expect(new Set(states)).toEqual(new Set(["waiting"]));
  expect(hook.asked).toMatchObject([{ id, run: { number: 1, state: "exited", exit: { signal: 9 } } }]);
  expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", desiredState: "running", supervision: waiting });
  // It is not retention's, for it is to run again.
  expect((await engine.prune(everything, 0, true)).ids).toEqual([]);
  hook.answer = null;
  await engine.engine.startRun(id, () => nothingKept, policyCause);
  await engine.stop(id, stopDefaults);
  expect(engine.engine.get({ id })).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 2 } });
});

test("a run that cannot be begun has failed, and is asked about", async () => {
  const engine = await open();
  const hook = new Hook();
  engine.engine.supervise(hook);
  const { id } = await create(engine, spec("/no/such"));
  const error = await refused(engine.engine.startRun(id, () => nothingKept, policyCause));
  expect(error).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOENT" } });
  expect(hook.asked).toMatchObject([{ run: { number: 1, state: "failed", failure: { errno: 2 } } }]);
  expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", run: { number: 1, state: "failed" } });
});

test.each([
  ["with something on record of supervision", true],
  ["with nothing on record", false],
])("a run that ended while nobody watched, %s, is asked about once, by the next daemon", async (_, onRecord) => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  engine.engine.supervise(new Hook());
  const { id, pid } = await start(engine, spec("sleep", ["1000"]));
  if (onRecord) engine.engine.setSupervision(id, 1, { supervision: nothingKept, event: null, cause: policyCause });
  await engine.close();
  process.kill(pid, "SIGKILL");
  while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
  const next = await open({ runtimeDir });
  const hook = new Hook();
  next.engine.supervise(hook);
  await next.wait(id, "treeGone", 0, limit());
  expect(hook.asked).toMatchObject([{ id, run: { state: "exited", exit: { signal: 9 } } }]);
  expect(next.engine.get({ id })).toMatchObject({ state: "waiting", desiredState: "running" });
  await next.close();
  const last = await open({ runtimeDir });
  const again = new Hook();
  last.engine.supervise(again);
  expect(again.asked).toEqual([]);
  expect(last.engine.get({ id })).toMatchObject({ state: "waiting", supervision: waiting });
});

/** As a daemon leaves it that put a process's first run on record after its waiting, and died before it launched it. */
async function diedBeforeLaunch(executable: string): Promise<{ runtimeDir: string; id: string }> {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  engine.engine.supervise(new Hook());
  const { id } = await create(engine, spec(executable, ["1000"], { name: "web" }));
  await engine.close();
  const directory = join(runtimeDir, "p", id);
  const file = readRecord(directory);
  if (file.kind !== "readable") throw new Error(`its record is ${file.kind}`);
  const runs = file.record.runs.map((run) => ({ ...run, number: 1, failure: null, past: null }));
  writeRecord(directory, { ...file.record, standing: null, supervision: nothingKept, runs });
  return { runtimeDir, id };
}

test("a run whose time had come when the daemon died is begun by the next one", async () => {
  const { runtimeDir, id } = await diedBeforeLaunch("sleep");
  const engine = await open({ runtimeDir });
  engine.engine.supervise(new Hook());
  await expect
    .poll(() => engine.engine.get({ id }), { timeout: 60_000 })
    .toMatchObject({ name: "web", state: "running", run: { number: 1 } });
});

test("a run that the next daemon cannot begin is asked about, and its process stays", async () => {
  const { runtimeDir, id } = await diedBeforeLaunch("/no/such");
  const engine = await open({ runtimeDir });
  const hook = new Hook();
  engine.engine.supervise(hook);
  await expect.poll(() => hook.asked, { timeout: 60_000 }).toMatchObject([{ id, run: { number: 1, state: "failed" } }]);
  expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", desiredState: "running" });
});

test("a stop that finds everything ended means that nothing is to begin", async () => {
  const engine = await open();
  engine.engine.supervise(new Hook());
  const { id } = await start(engine, spec("false"));
  await engine.wait(id, "treeGone", 0, limit());
  expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", desiredState: "running" });
  expect((await engine.stop(id, stopDefaults)).receipt.outcome).toBe("alreadyStopped");
  expect(engine.engine.get({ id })).toMatchObject({ desiredState: "stopped" });
  const error = await refused(engine.engine.startRun(id, () => nothingKept, policyCause));
  expect(error).toMatchObject({ reason: "CONDITION_FAILED", metadata: { field: "desired_state" } });
});

test("a change is refused once another run has begun", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("sleep", ["1000"]));
  await engine.restart(id, stopDefaults);
  const late = () => engine.engine.setSupervision(id, 1, wait());
  expect(await refused(late)).toMatchObject({ reason: "CONDITION_FAILED", metadata: { expected: "1", actual: "2" } });
  expect(engine.get(id)).toMatchObject({ state: "running" });
});

test("commands run in the place of a process, with its environment, and are killed in time", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("sleep", ["1000"], { cwd: "/usr", env: { A: "1", B: "under" } }));
  const options = { env: { B: "over" }, timeoutMs: 20_000, maxOutputBytes: 4096 };
  const { signal } = new AbortController();
  const command = { executable: "sh", args: ["-c", 'printf "%s %s %s" "$A" "$B" "$(pwd)"; exit 3'] };
  const done = await engine.engine.runCommand(id, command, options, signal);
  expect({ ...done, output: Buffer.from(done.output).toString() }).toEqual({
    code: 3,
    timedOut: false,
    output: "1 over /usr",
    problem: "",
  });
  const slow = { executable: "sleep", args: ["1000"] };
  expect(await engine.engine.runCommand(id, slow, { ...options, timeoutMs: 50 }, signal)).toMatchObject({
    code: null,
    timedOut: true,
  });
  const missing = await engine.engine.runCommand(id, { executable: "/no/such", args: [] }, options, signal);
  expect(missing).toMatchObject({ code: null, problem: "No such file or directory" });
  const memory = engine.engine.residentMemory([id, randomUUID()]);
  expect([...memory.keys()]).toEqual([id]);
  expect(memory.get(id)).toBeGreaterThan(0);
});

test("what a process says of itself is passed on, where a probe listens", async () => {
  const engine = await open();
  const hook = new Hook();
  engine.engine.supervise(hook);
  const policy: SupervisionPolicy = {
    restart: null,
    readiness: {
      check: { kind: "notify", watchdogMs: null },
      startPeriodMs: null,
      intervalMs: null,
      timeoutMs: null,
      successThreshold: null,
      failureThreshold: null,
    },
    liveness: null,
    dependsOn: [],
    queue: "",
    maxRunMs: null,
    stopCommand: null,
    hooks: [],
    successCodes: [],
  };
  const script =
    'import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.sendto(b"READY=1\\nSTATUS=warm",os.environ["NOTIFY_SOCKET"])\ntime.sleep(1000)';
  const { id } = await start(engine, spec("python3", ["-c", script], { policy }));
  while (hook.notices.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    engine.get(id);
  }
  expect(hook.notices[0]).toEqual({ id, run: 1, ready: true, stopping: false, watchdog: null, status: "warm" });
});

test("a program that ends before its start is answered is asked about too", async () => {
  const engine = await open();
  const hook = new Hook();
  engine.engine.supervise(hook);
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await start(engine, spec("false"))).id));
  for (const id of ids) await engine.wait(id, "treeGone", 0, limit());
  expect(hook.asked.map(({ id }) => id).sort()).toEqual([...ids].sort());
  for (const id of ids) expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", desiredState: "running" });
  expect(await reasonOf(start(engine, spec("/no/such")))).toBe("START_FAILED");
  expect(hook.asked).toHaveLength(ids.length);
});

describe("a restart that fails after it has ended what was there", () => {
  /** Ignores what the main process is stopped with. */
  const left = `sh -c 'trap "" TERM; echo ready; exec sleep 1000' &`;

  /** Its name, changed meanwhile, is another's. */
  async function fail(engine: Bench, id: string): Promise<void> {
    await start(engine, spec("sleep", ["1000"], { name: "taken" }));
    const restarted = reasonOf(engine.restart(id, { ...stopDefaults, graceMs: 600_000 }));
    await expect.poll(() => engine.get(id).stop?.outcome, { timeout: 60_000 }).toBe("pending");
    await engine.wait(id, "exited", 1, limit());
    await engine.engine.update({ id }, () => ({ name: "taken" }), somebody);
    await engine.signal(id, "SIGKILL", "tree");
    expect(await restarted).toBe("NAME_IN_USE");
  }

  test("has asked what becomes of it, once", async () => {
    const engine = await open();
    const hook = new Hook();
    engine.engine.supervise(hook);
    const { id } = await start(engine, shell(`${left} exec sleep 1000`));
    await untilOutput(engine, id, "ready\n");
    await fail(engine, id);
    expect(hook.asked).toMatchObject([{ id, desiredState: "running", run: { number: 1, state: "exited" } }]);
    expect(engine.engine.get({ id })).toMatchObject({
      state: "waiting",
      desiredState: "running",
      supervision: waiting,
    });
  });

  test("leaves what was decided before", async () => {
    const engine = await open();
    const hook = new Hook();
    hook.answer = null;
    engine.engine.supervise(hook);
    const { id } = await start(engine, shell(`${left} exit 0`));
    await untilOutput(engine, id, "ready\n");
    await engine.wait(id, "exited", 1, limit());
    expect(engine.engine.get({ id })).toMatchObject({ state: "exited", desiredState: "stopped" });
    await fail(engine, id);
    expect(hook.asked).toMatchObject([{ id, run: { number: 1 } }]);
    expect(engine.engine.get({ id })).toMatchObject({ state: "exited", desiredState: "stopped" });
  });
});

test("a process waits no longer once a restart has begun its run", async () => {
  const engine = await open();
  engine.engine.supervise(new Hook());
  const { id } = await start(
    engine,
    shell("test -e started && exec sleep 1000; touch started", { cwd: runtimeDirectory() }),
  );
  await engine.wait(id, "treeGone", 1, limit());
  expect(engine.engine.get({ id })).toMatchObject({ state: "waiting", supervision: waiting });
  const restarted = await engine.engine.restart({ id }, stopDefaults, null, somebody);
  expect(restarted).toMatchObject({ state: "running", run: { number: 2 }, supervision: nothingKept });
});

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Control, EventKind, RunState } from "../../src/server/engine/shim/layout.ts";
import type { ShimSpec } from "../../src/server/engine/shim/spec.ts";
import { requires } from "../support/requires.ts";
import { buildProgram } from "./compile.ts";
import { alive, Bench, type Run, shimPath, until } from "./run.ts";

const queueLimit = "/proc/sys/net/unix/max_dgram_qlen";
const setQueueLimit = `echo 512 > ${queueLimit}`;
/** systemd lets a socket queue 512 messages, the kernel 10. */
const longQueues = Number(readFileSync(queueLimit, "latin1")) >= 512;
const queuesAsWanted =
  longQueues || requires("unshare -Urn", spawnSync("unshare", ["-Urn", "sh", "-c", setQueueLimit]).status === 0);

let bench: Bench;
let program: string;
beforeAll(async () => {
  bench = await Bench.open();
  program = buildProgram("notify");
});
afterAll(() => bench.close());

/** Starts something that has the name of its socket in its environment. */
function start(args: readonly string[], options: Partial<ShimSpec> & { on?: Bench } = {}): Promise<Run> {
  const { on = bench, ...rest } = options;
  const uuid = on.prepareWith((paths) => ({
    ...on.spec(args, rest),
    notify: true,
    env: [`PATH=${process.env["PATH"]}`, `NOTIFY_SOCKET=${paths.notify}`, `N=${program}`],
  }));
  return on.launch(uuid);
}

function notifications(run: Run): number {
  return bench.kinds.filter((e) => e.uuid === run.uuid && (e.kinds & EventKind.notify) !== 0).length;
}

test("READY, STATUS, WATCHDOG and STOPPING are in the ring, and announced", async () => {
  const run = await start([program, "READY=1\\nSTATUS=serving 7 clients", "-wait", "WATCHDOG=1", "STOPPING=1"], {
    stdin: "pipe",
  });
  const ready = await run.header("READY", (h) => h.notifyReady);
  expect(ready).toMatchObject({ status: "serving 7 clients", notifyStopping: false, watchdogBoot: 0n });
  await bench.when("the event", () => notifications(run) > 0);
  expect(statSync(run.paths.notify).mode & 0o777).toBe(0o600);
  await run.control(Control.closeStdin);
  const header = await run.done();
  expect(header).toMatchObject({ notifyReady: true, notifyStopping: true, status: "serving 7 clients" });
  expect(header.watchdogBoot).toBeGreaterThanOrEqual(header.startedBoot);
  expect(header.watchdogBoot).toBeLessThanOrEqual(header.exitedBoot);
  await bench.gone(run);
  expect(readdirSync(run.paths.run)).not.toContain("notify");
});

test("a descendant may speak for its process; what is not known is ignored", async () => {
  const script =
    'sleep 1000 | setsid "$N" "MAINPID=1\\nERRNO=2\\nFDSTORE=1\\nREADY=1\\nSTATUS=of a child" -wait & wait';
  const run = await start(["sh", "-c", `${script}; exec sleep 1000`]);
  expect(await run.header("READY", (h) => h.notifyReady)).toMatchObject({ status: "of a child" });
  await run.control(Control.killTree);
  await run.done();
});

test("nobody else is believed", async () => {
  const run = await start(["sleep", "1000"]);
  await run.running();
  const stranger = await bench.start([program, "STATUS=I am not of it", "READY=1"], {
    env: [`NOTIFY_SOCKET=${run.paths.notify}`],
  });
  await stranger.done();
  expect(stranger.text()).toBe("said\n");
  // What came before it has been read when a control message is answered.
  await run.control(Control.signal, 0, 2);
  await run.control(Control.signal, 0, 2);
  expect(run.ring().header()).toMatchObject({ notifyReady: false, status: "" });
  await run.control(Control.killTree);
  await run.done();
});

test("descriptors that come along are closed", async () => {
  const run = await start([program, "-fd", "FDSTORE=1", "FDSTORE=1\\nSTATUS=last", "-wait"], { stdin: "pipe" });
  await run.header("the last message", (h) => h.status === "last");
  const { length } = readdirSync(`/proc/${run.shimPid}/fd`);
  const plain = await start([program, "STATUS=last", "-wait"], { stdin: "pipe" });
  await plain.header("the last message", (h) => h.status === "last");
  expect(readdirSync(`/proc/${plain.shimPid}/fd`)).toHaveLength(length);
  await run.control(Control.closeStdin);
  await plain.control(Control.closeStdin);
  await Promise.all([run.done(), plain.done()]);
});

test("a long status is cut between characters, an empty one clears it", async () => {
  const long = "ä".repeat(100);
  const run = await start([program, `STATUS=${long}`, "-wait", "STATUS="], { stdin: "pipe" });
  expect((await run.header("the status", (h) => h.status !== "")).status).toBe("ä".repeat(63));
  await run.control(Control.closeStdin);
  expect((await run.done()).status).toBe("");
});

test("WATCHDOG_USEC is taken, nonsense is not", async () => {
  const run = await start([program, "WATCHDOG_USEC=250000", "WATCHDOG_USEC=-3", "WATCHDOG_USEC=x", "STATUS=said"]);
  expect(await run.done()).toMatchObject({ watchdogMicros: 250_000n, status: "said" });
});

test("what is too long for a message is dropped whole", async () => {
  const run = await start([program, `STATUS=${"x".repeat(5000)}\\nREADY=1`, "STOPPING=1"]);
  expect(await run.done()).toMatchObject({ status: "", notifyReady: false, notifyStopping: true });
});

test("a flood of messages starves nothing, and floods no events", async () => {
  const flood = '"$N" -flood 20000 STATUS=a STATUS=b STATUS=end';
  // Its sender stays until what it said was read.
  const run = await start(["sh", "-c", `sleep 1000 | ${flood} -wait & seq 1 20000; exit 3`]);
  const header = await run.header("the end of the flood", (h) => h.status === "end" && h.state === RunState.exited);
  expect(header).toMatchObject({ waitStatus: 3 << 8, treeGone: false });
  expect(run.text()).toContain("\n20000\n");
  await run.control(Control.killTree);
  await run.done();
  const quiet = await start([program, "-flood", "20000", "STATUS=a", "STATUS=b", "STATUS=end"]);
  await bench.gone(quiet);
  const { startedBoot, finishedBoot, status } = quiet.ring().header();
  expect(status).toBe("end");
  // One in 20 ms, and with the events of start and end.
  expect(notifications(quiet)).toBeLessThanOrEqual(Number(finishedBoot - startedBoot) / 20e6 + 3);
});

test.skipIf(!queuesAsWanted)(
  "nothing is lost that was said before the end, however much has not been read",
  async () => {
    const shim = longQueues ? shimPath : join(bench.dir, "pm-shim-with-long-queues");
    if (!longQueues) {
      const script = `unshare -Urn sh -c '${setQueueLimit} && exec "$0" "$@"' ${shimPath} "$@"`;
      writeFileSync(shim, `#!/bin/sh\nexec ${script}\n`, { mode: 0o700 });
    }
    const other = await Bench.open({ shim });
    onTestFinished(() => other.close());
    const run = await start(["sh", "-c", 'read go; exec "$N" -flood 200 STATUS=a STATUS=b STATUS=end READY=1'], {
      on: other,
      stdin: "pipe",
    });
    const { childPid } = await run.running();
    // Its death and all its messages are there when the shim looks again.
    process.kill(run.shimPid, "SIGSTOP");
    try {
      writeFileSync(`/proc/${childPid}/fd/0`, "\n");
      await until("its end", () => !alive(childPid));
    } finally {
      process.kill(run.shimPid, "SIGCONT");
    }
    expect(await run.done()).toMatchObject({ status: "end", notifyReady: true, waitStatus: 0 });
  },
);

test("without being asked for there is no socket", async () => {
  const run = await bench.sh("exec sleep 1000");
  await run.running();
  expect(readdirSync(run.paths.run).sort()).toEqual(["control", "ring", "spec"]);
  await run.control(Control.killTree);
  await run.done();
});

test("a socket that cannot be made fails the start", async () => {
  const uuid = bench.prepareWith(() => ({ ...bench.spec(["true"]), notify: true }));
  mkdirSync(join(bench.dir, "p", uuid, "1", "notify"));
  const run = await bench.launch(uuid);
  expect(await run.done()).toMatchObject({ failStep: 1, failErrno: 98 }); // PREPARE, EADDRINUSE
});

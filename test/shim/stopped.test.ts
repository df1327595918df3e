import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendControl } from "../../src/server/engine/shim/control.ts";
import { Control, EventKind, RunState, Target } from "../../src/server/engine/shim/layout.ts";
import { buildProgram, buildShim } from "./compile.ts";
import { Bench, until } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const SIGSTOP = 19;
const SIGCONT = 18;
const SIGUSR1 = 10;
const SIGUSR2 = 12;
const ETIMEDOUT = 110;

describe("a main process that is stopped", () => {
  // SIGTSTP stops nothing here: a session's leader without a parent in it is an orphaned group.
  test("is shown as that, until it is continued", async () => {
    const run = await bench.start(["sleep", "1000"]);
    await run.running();
    const seen = bench.kinds.length;
    expect(await run.control(Control.signal, SIGSTOP, Target.main)).toBe(0);
    expect(await run.header("the stop", (h) => h.stopped)).toMatchObject({ state: RunState.running, exited: 0n });
    await bench.when("a state event", () =>
      bench.kinds.slice(seen).some((e) => e.uuid === run.uuid && (e.kinds & EventKind.state) !== 0),
    );
    expect(await run.control(Control.signal, SIGCONT, Target.main)).toBe(0);
    await run.header("going on", (h) => !h.stopped);
    await run.control(Control.signal, SIGSTOP, Target.main);
    await run.header("the stop", (h) => h.stopped);
    await run.control(Control.killTree);
    expect(await run.done()).toMatchObject({ waitStatus: 9, stopped: false });
  });

  test("is told apart from a descendant that is", async () => {
    const run = await bench.sh("sh -c 'kill -STOP $$' & echo started; wait");
    await run.says(/started/);
    await run.control(Control.signal, 0, Target.main);
    expect(run.ring().header().stopped).toBe(false);
    await run.control(Control.killTree);
    await run.done();
  });

  test("F7: by ptrace(2), is no exit", async () => {
    const run = await bench.start([buildProgram("traced")]);
    const header = await run.header("the stop", (h) => h.stopped || h.state > RunState.running);
    expect(header).toMatchObject({ state: RunState.running, stopped: true, treeGone: false, exited: 0n });
    await run.control(Control.killTree);
    expect(await run.done()).toMatchObject({ state: RunState.exited, waitStatus: 9 });
  });
});

describe("a shim that is stopped for a while", () => {
  test("carries out what was sent meanwhile, in order, each message once", async () => {
    const run = await bench.sh(
      "trap 'echo got' USR1; trap 'echo end; exit' USR2; echo ready; while :; do sleep 0.01; done",
    );
    await run.says(/ready/);
    process.kill(run.shimPid, "SIGSTOP");
    const signal = { type: Control.signal, seq: 77, a: SIGUSR1, b: Target.main };
    // Its sender did not see an answer, and sends it again.
    sendControl(run.paths.control, signal);
    sendControl(run.paths.control, signal);
    sendControl(run.paths.control, signal);
    process.kill(run.shimPid, "SIGCONT");
    await run.header("the answer", (h) => h.controlSeq === 77);
    await run.says(/got/);
    sendControl(run.paths.control, signal);
    // The shell takes pending signals by their numbers: USR1 would come first.
    expect(await run.control(Control.signal, SIGUSR2, Target.main)).toBe(0);
    await run.done();
    expect(run.text()).toBe("ready\ngot\nend\n");
  });

  test("does not carry out what has expired meanwhile, and says so", async () => {
    const run = await bench.start(["sleep", "1000"]);
    await run.running();
    process.kill(run.shimPid, "SIGSTOP");
    sendControl(run.paths.control, { type: Control.signal, seq: 5, a: 15, b: Target.main, expiresMs: 1 });
    const end = process.hrtime.bigint() + 1_000_000n;
    await until("its time to be up", () => process.hrtime.bigint() > end);
    process.kill(run.shimPid, "SIGCONT");
    expect(await run.header("the answer", (h) => h.controlSeq === 5)).toMatchObject({ controlErrno: ETIMEDOUT });
    sendControl(run.paths.control, { type: Control.signal, seq: 6, a: 15, b: Target.main, expiresMs: 60_000 });
    expect(await run.done()).toMatchObject({ waitStatus: 15 });
  });

  test("messages sent together are answered in their order", async () => {
    const run = await bench.sh(
      "trap 'printf 1' USR1; trap 'printf 2; exit' USR2; echo ready; while :; do sleep 0.01; done",
    );
    await run.says(/ready/);
    process.kill(run.shimPid, "SIGSTOP");
    // The second kind of message takes several rounds: the third waits for it.
    sendControl(run.paths.control, { type: Control.signal, seq: 1, a: 99, b: Target.main });
    sendControl(run.paths.control, { type: Control.signal, seq: 2, a: SIGUSR1, b: Target.tree });
    sendControl(run.paths.control, { type: Control.resize, seq: 3, a: 1, b: 1 });
    process.kill(run.shimPid, "SIGCONT");
    expect(await run.header("the last answer", (h) => h.controlSeq === 3)).toMatchObject({ controlErrno: 25 });
    await run.says(/1/);
    await run.control(Control.killTree);
    await run.done();
  });
});

describe("clocks", () => {
  test("durations do not step with the wall clock", async () => {
    // What the fault campaign uses: the shim is static, a faked libc does not reach it.
    const shim = buildShim("-DPM_FAULTS", "-O1", "-static");
    const offset = (nanoseconds: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(nanoseconds);
      return bytes;
    };
    const faulty = await Bench.open({ shim, prepare: (dir) => writeFileSync(join(dir, "clock-offset"), offset(0n)) });
    try {
      const run = await faulty.sh("echo before; read x; echo after", { stdin: "pipe" });
      await run.says(/before/);
      const hour = 3_600_000_000_000n;
      writeFileSync(join(faulty.dir, "clock-offset"), offset(-hour), { flag: "r+" });
      await run.control(Control.closeStdin);
      const header = await run.done();
      expect(header.exited).toBeLessThan(header.started);
      expect(header.exitedBoot).toBeGreaterThan(header.startedBoot);
      expect(header.finishedBoot).toBeGreaterThanOrEqual(header.exitedBoot);
      expect(header.exitedBoot - header.startedBoot).toBeLessThan(hour);
    } finally {
      await faulty.close();
    }
  });

  test("the boot clock is that of the machine", async () => {
    const run = await bench.sh("exit 0");
    const { startedBoot, finishedBoot } = await run.done();
    const up = BigInt(Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000)) * 1_000_000n;
    expect(startedBoot).toBeGreaterThan(0n);
    expect(finishedBoot).toBeLessThanOrEqual(up + 20_000_000n);
    expect(finishedBoot).toBeGreaterThanOrEqual(startedBoot);
  });
});

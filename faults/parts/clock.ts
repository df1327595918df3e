/**
 * The clock steps by up to hours, for daemon and shims alike (a shim built with
 * PM_FAULTS reads an offset from a file; the engine has a clock of its own).
 * Order, ages, grace periods and exit codes do not care.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { everything } from "../../src/server/engine/api/list.ts";
import { type Clock, systemClock } from "../../src/server/engine/clock.ts";
import type { ProcessEngine } from "../../src/server/engine/engine.ts";
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import type { PartContext } from "../support/part.ts";
import { memoryDirectory } from "../support/scope.ts";
import { shellSpec } from "../support/shell-spec.ts";

const hour = 3_600_000;
const context = { principal: "local", requestId: "", precondition: null };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Steps the daemon's clock and that of its shims together. */
class SteppedClock implements Clock {
  readonly #fd: number;
  #stepMs = 0;

  constructor(runtimeDir: string) {
    this.#fd = openSync(join(runtimeDir, "clock-offset"), "w");
    this.step(0);
  }

  step(ms: number): void {
    this.#stepMs = ms;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms) * 1_000_000n);
    writeSync(this.#fd, bytes, 0, 8, 0);
  }

  wall(): bigint {
    return systemClock.wall() + BigInt(this.#stepMs) * 1_000_000n;
  }

  boot(): number {
    return systemClock.boot();
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export async function clock({ random, report, programs, rounds }: PartContext): Promise<void> {
  const shimPath = programs.shim("pm-shim-clock", ["-O2", "-static", "-DPM_FAULTS"]);
  const base = mkdtempSync(join(memoryDirectory(), "pmk-"));
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  const stepped = new SteppedClock(runtimeDir);
  // Nothing gets so old within the campaign; a step forward must not make it so.
  const retention = { ageMs: hour / 2, count: 100_000 };
  const open = () => openEngine({ runtimeDir, shimPath, cgroupRoot: null, logger: silent, clock: stepped, retention });
  let engine = await open();
  const started: string[] = [];
  try {
    for (let round = rounds(60); round > 0; round--) {
      stepped.step(random.between(-2 * hour, 2 * hour));
      report.count("steps of the clock");
      report.round();
      const { process } = await engine.start(
        {
          id: "",
          name: "",
          labels: {},
          spec: shellSpec("trap 'exit 9' TERM; echo began; while :; do sleep 0.02; done"),
        },
        context,
      );
      started.push(process.id);
      await untilBegan(engine, process.id);
      stepped.step(random.between(-2 * hour, 2 * hour));
      // A grace period that the step had ended would end in SIGKILL.
      const options = { signal: "", graceMs: 60_000, force: true, wait: true };
      const { receipt } = await engine.stop({ id: process.id }, options, context);
      report.same("a stop over a clock step", [receipt.outcome, receipt.killTime], ["stopped", null]);
      const { run } = engine.get({ id: process.id });
      report.same("exit code over a clock step", run.exit?.code, 9);
      if ((run.exitTime ?? 0n) < (run.startTime ?? 0n))
        report.fail(`a run ends (${run.exitTime}) before ${run.startTime}`);
      if (random.chance(0.2)) {
        await engine.close();
        engine = await open();
        report.count("restarts of the daemon");
      }
      const { processes } = await engine.list(everything, { order: "created", size: 10_000, token: "" });
      report.same(
        "the order of the list",
        processes.map(({ id }) => started.indexOf(id)),
        started.map((_, index) => index),
      );
    }
  } finally {
    await engine.stopAll(0, context);
    await engine.close();
    stepped.close();
    rmSync(base, { recursive: true, force: true });
  }
}

async function untilBegan(engine: ProcessEngine, id: string): Promise<void> {
  const start = { position: { kind: "offset", offset: 0 }, since: null } as const;
  const options = { run: null, start, until: null, streams: [], follow: true, heartbeatMs: 60_000, hold: null };
  for await (const frame of engine.streamOutput({ id }, options, AbortSignal.timeout(60_000))) {
    if (frame.kind === "chunk") return;
  }
}

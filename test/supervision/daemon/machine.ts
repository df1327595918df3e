/** The real engine with supervision above it, in this process: with a clock, a boot and a disk of the test's own. */
import { onTestFinished, vi } from "vitest";
import type { StartRequest } from "../../../src/server/engine/api/control.ts";
import { everything } from "../../../src/server/engine/api/list.ts";
import type { RestartPolicy, SupervisionPolicy } from "../../../src/server/engine/api/policy.ts";
import type { ProcessInfo } from "../../../src/server/engine/api/process.ts";
import type { SupervisedEngine } from "../../../src/server/engine/api/supervision.ts";
import type { ProcessEngine } from "../../../src/server/engine/engine.ts";
import { openEngine } from "../../../src/server/engine/lifecycle/open.ts";
import type { EngineOptions } from "../../../src/server/engine/options.ts";
import { openSupervision, type Supervision } from "../../../src/server/supervision/open.ts";
import { runtimeDirectory, shimPath, somebody } from "../../engine/harness.ts";
import { recordingLog } from "../../listen/serve.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { policyOf, specOf } from "../processes.ts";

vi.setConfig({ testTimeout: 300_000 });

/** A limit that only a hang reaches. */
const limitMs = 60_000;

export class RealMachine {
  readonly stateDirectory = temporaryDirectory();
  runtimeDir = runtimeDirectory();
  bootId = "boot-1";
  /** Milliseconds that the wall clock is ahead of the true one. */
  aheadMs = 0;
  readonly options: Partial<EngineOptions>;
  /** What stands between the engine and supervision of the next daemon. */
  between: (engine: ProcessEngine) => SupervisedEngine = (engine) => engine;
  readonly #log = recordingLog();
  #engine: ProcessEngine | undefined;
  #supervision: Supervision | undefined;

  /** Closed with the test. */
  static async start(options: Partial<EngineOptions> = {}): Promise<RealMachine> {
    const machine = new RealMachine(options);
    onTestFinished(() => machine.stop());
    await machine.start();
    return machine;
  }

  private constructor(options: Partial<EngineOptions>) {
    this.options = options;
    this.runtimeDir = options.runtimeDir ?? this.runtimeDir;
  }

  /** What supervision stands on. */
  get bare(): ProcessEngine {
    return given(this.#engine);
  }

  get supervision(): Supervision {
    return given(this.#supervision);
  }

  /** What clients are served with. */
  get engine(): Supervision["engine"] {
    return this.supervision.engine;
  }

  now(): number {
    return Date.now() + this.aheadMs;
  }

  /** A new daemon. */
  async start(): Promise<void> {
    await this.stop();
    this.#engine = await openEngine({
      shimPath,
      cgroupRoot: null,
      environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/" },
      ...this.options,
      runtimeDir: this.runtimeDir,
    });
    this.#supervision = await openSupervision({
      engine: this.between(this.#engine),
      stateDirectory: this.stateDirectory,
      bootId: this.bootId,
      log: this.#log.log,
      now: () => this.now(),
    });
  }

  /** Its daemon ends, and its processes run on. */
  async stop(): Promise<void> {
    await this.#supervision?.close();
    await this.#engine?.close();
    this.#supervision = undefined;
    this.#engine = undefined;
  }

  /** The machine comes up again: its processes and the runtime directory are gone, the disk is there. */
  async reboot(): Promise<void> {
    await this.stop();
    this.runtimeDir = runtimeDirectory();
    // Before the new directory is cleaned: what is registered last is done first.
    onTestFinished(() => this.stop());
    this.bootId = `${this.bootId}+`;
    await this.start();
  }

  async sh(
    name: string,
    script: string,
    policy: Partial<SupervisionPolicy> = {},
    change: Partial<StartRequest> = {},
  ): Promise<ProcessInfo> {
    const spec = { ...specOf("sh", { policy: policyOf(policy) }), args: ["-c", script] };
    const { process } = await this.engine.start({ id: "", name, labels: {}, spec, ...change }, somebody);
    return process;
  }

  get(name: string): ProcessInfo {
    return this.bare.get({ name });
  }

  /** Resolves with the process once it fits. */
  async until(name: string, fits: (process: ProcessInfo) => boolean, timeoutMs = limitMs): Promise<ProcessInfo> {
    const { id } = this.get(name);
    const options = { resourceVersion: "", filter: { ...everything, ids: [id] }, bookmarkMs: 3_600_000 };
    for await (const event of this.bare.watch(options, AbortSignal.timeout(timeoutMs))) {
      if ((event.type === "added" || event.type === "modified") && fits(event.process)) {
        return event.process;
      }
    }
    throw new Error("unreachable: a watch does not end by itself");
  }

  names(): readonly string[] {
    return this.bare.select(everything).map((id) => this.bare.get({ id }).name);
  }
}

export const stopOptions = { signal: "", graceMs: null, force: true, wait: true } as const;

/** Restarts after each end, `ms` later. */
export function every(ms: number, change: Partial<RestartPolicy> = {}): RestartPolicy {
  return {
    mode: "always",
    maxAttempts: null,
    windowMs: null,
    backoff: { initialMs: ms, maxMs: ms, multiplier: 1, jitter: 0 },
    stableMs: null,
    memoryBytes: null,
    ...change,
  };
}

function given<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error("there is no daemon");
  }
  return value;
}

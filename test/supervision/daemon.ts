/** Supervision on a machine of the test's own: its clock, its boots, its disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import type { StartRequest } from "../../src/server/engine/api/control.ts";
import type { SupervisionPolicy } from "../../src/server/engine/api/policy.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import { openSupervision, type Supervision } from "../../src/server/supervision/open.ts";
import { recordingLog } from "../listen/serve.ts";
import { context, FakeEngine } from "./fake-engine.ts";
import { policyOf, specOf } from "./processes.ts";

export class Machine {
  readonly stateDirectory = mkdtempSync(join(tmpdir(), "pm-supervision-"));
  engine = new FakeEngine();
  bootId = "boot-1";
  #daemon: Supervision | undefined;
  readonly #log = recordingLog();

  get daemon(): Supervision {
    if (this.#daemon === undefined) {
      throw new Error("no daemon");
    }
    return this.#daemon;
  }

  get logged(): string {
    return this.#log.logged();
  }

  /** A new daemon; the one before was closed in order. */
  async start(): Promise<void> {
    await this.stop();
    await this.#open();
  }

  async stop(): Promise<void> {
    const before = this.#daemon;
    this.#daemon = undefined;
    await before?.close();
  }

  /** As `kill -9`: nothing of it goes on. */
  async killed(): Promise<void> {
    const before = this.#daemon;
    this.#daemon = undefined;
    vi.clearAllTimers();
    // Here it is not dead enough: what it had given to the disk arrives there, and must do so before the next one looks.
    for (let i = 0; i < 3; i++) {
      await settle();
      await before?.flush();
    }
    vi.clearAllTimers();
  }

  /** The machine goes down and comes up: processes and the runtime directory are gone, the disk is there. */
  async reboot(): Promise<void> {
    await this.stop();
    this.engine = new FakeEngine();
    this.bootId = `boot-${Number(this.bootId.slice(5)) + 1}`;
    await this.#open();
  }

  async #open(): Promise<void> {
    this.#daemon = await openSupervision({
      engine: this.engine.api,
      stateDirectory: this.stateDirectory,
      bootId: this.bootId,
      log: this.#log.log,
    });
    await settle();
  }

  async run(
    name: string,
    policy: Partial<SupervisionPolicy>,
    change: Partial<StartRequest> = {},
  ): Promise<ProcessInfo> {
    const spec = specOf(`/bin/${name}`, { policy: policyOf(policy) });
    const { process } = await this.daemon.engine.start({ id: "", name, labels: {}, spec, ...change }, context);
    await settle();
    return this.engine.get({ id: process.id });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.stateDirectory, { recursive: true });
  }
}

/** Time goes on by itself only where a test says so; what is on its way arrives. */
export function useMachine(): { readonly machine: Machine } {
  const holder: { machine: Machine } = { machine: undefined as unknown as Machine };
  beforeEach(async () => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "Date", "performance"],
      now: Date.UTC(2026, 10, 26, 12),
    });
    holder.machine = new Machine();
    await holder.machine.start();
  });
  afterEach(async () => {
    await holder.machine.remove();
    vi.useRealTimers();
  });
  return holder;
}

/** Lets everything that does not wait for time come to rest, the disk too. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

export async function pass(millis: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(millis);
  await settle();
}

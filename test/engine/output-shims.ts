import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ExitStatus } from "../../src/server/engine/api/run.ts";
import type { OutputProcess, OutputRun, RunDirectory } from "../../src/server/engine/output/directory.ts";
import { Outputs } from "../../src/server/engine/output/outputs.ts";
import { RingSource } from "../../src/server/engine/output/ring-source.ts";
import type { OutputSource } from "../../src/server/engine/output/source.ts";
import { Control, RunState } from "../../src/server/engine/shim/layout.ts";
import { Ring } from "../../src/server/engine/shim/ring.ts";
import type { ShimSpec } from "../../src/server/engine/shim/spec.ts";
import { Bench, type Run } from "../shim/run.ts";

/** A run of a real shim, without an engine. */
export class ShimRun implements OutputRun, OutputProcess {
  readonly id: string;
  readonly processId: string;
  readonly name = "";
  readonly number = 1;
  readonly sequence: number;
  readonly limitBytes = 1 << 30;
  readonly allowsHold = true;
  readonly holdFile: string;
  readonly over = null;
  readonly nextRun = null;
  readonly removed = false;
  readonly runs: readonly ShimRun[] = [this];
  readonly run: Run;
  /** Shortens deadlines, so that a test need not wait for them. */
  longestHoldMs = 3_600_000;
  #queue: Promise<void> = Promise.resolve();

  constructor(run: Run, sequence: number) {
    this.run = run;
    this.id = run.uuid;
    this.processId = run.uuid;
    this.sequence = sequence;
    this.holdFile = join(run.paths.run, "hold");
  }

  get running(): boolean {
    return this.run.ring().header().state < RunState.exited;
  }

  get exit(): ExitStatus | null {
    return null;
  }

  openSource(): OutputSource | null {
    return RingSource.of(Ring.open(this.run.paths.ring), { processId: this.id, run: 1 });
  }

  /** One after the other, since a ring holds the last acknowledgement only. */
  sendHold(offset: number, milliseconds: number): Promise<void> {
    const sent = this.#queue.then(() => this.#send(offset, milliseconds));
    this.#queue = sent.catch(() => {});
    return sent;
  }

  async #send(offset: number, milliseconds: number): Promise<void> {
    const errno = await this.run.control(Control.hold, Math.min(milliseconds, this.longestHoldMs), 0, offset);
    if (errno !== 0) throw new Error(`errno ${errno}`);
  }
}

/** Outputs over real shims. */
export class Shims implements RunDirectory {
  readonly bench: Bench;
  readonly processes: ShimRun[] = [];
  outputs: Outputs;

  private constructor(bench: Bench) {
    this.bench = bench;
    this.outputs = this.#open();
    const wake = bench.wake.bind(bench);
    bench.wake = () => {
      wake();
      for (const process of this.processes) this.outputs.notify(process);
    };
  }

  static async open(): Promise<Shims> {
    const bench = await Bench.open();
    onTestFinished(() => bench.close());
    return new Shims(bench);
  }

  #open(): Outputs {
    return new Outputs(this, () => {});
  }

  /** The next daemon knows nothing but what lies in files. */
  nextDaemon(): void {
    this.outputs = this.#open();
  }

  get lastSequence(): number {
    return this.processes.length;
  }

  find(id: string): ShimRun | undefined {
    return this.processes.find((process) => process.id === id);
  }

  compile(): () => boolean {
    return () => true;
  }

  listen(): () => void {
    return () => {};
  }

  async sh(script: string, options: Partial<ShimSpec> = {}): Promise<ShimRun> {
    const run = await this.bench.sh(script, options);
    await run.running();
    const process = new ShimRun(run, this.processes.length + 1);
    this.processes.push(process);
    return process;
  }
}

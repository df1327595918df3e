import { setImmediate } from "node:timers/promises";
import type { SignalTarget, StopOptions, StopResult, WaitCondition } from "./api/control.ts";
import type { Engine, EngineInfo } from "./api/engine.ts";
import type { PageRequest, ProcessFilter, ProcessPage } from "./api/list.ts";
import type { OutputFrame, OutputRead, ReadOutputOptions, StreamOutputOptions } from "./api/output.ts";
import type { ProcessInfo, ProcessState } from "./api/process.ts";
import type { ProcessSpec, TerminalSize } from "./api/spec.ts";
import type { StatsOptions, UsageSample } from "./api/usage.ts";
import type { WatchEvent } from "./api/watch.ts";
import type { Core } from "./core.ts";
import { prune } from "./lifecycle/retention.ts";
import { resizeTerminal, writeInput } from "./operations/input.ts";
import { list } from "./operations/list.ts";
import { remove } from "./operations/remove.ts";
import { restart } from "./operations/restart.ts";
import { signal } from "./operations/signal.ts";
import { start } from "./operations/start.ts";
import { stop } from "./operations/stop.ts";
import { wait } from "./operations/wait.ts";
import { watch } from "./operations/watch.ts";
import { readOutput } from "./output/read.ts";
import { streamOutput } from "./output/stream.ts";
import { stats } from "./usage/stats.ts";

/** Begun in one go, before others get their turn. */
const stopsAtOnce = 50;

/** The engine's face: finds the process that a reference means and hands it to the operation. */
export class ProcessEngine implements Engine {
  readonly #core: Core;
  readonly #release: () => void;

  /** @param release Lets go of what the engine was opened with. */
  constructor(core: Core, release: () => void) {
    this.#core = core;
    this.#release = release;
  }

  info(): EngineInfo {
    const { defaultOutputLimitBytes, maxOutputLimitBytes, maxProcesses } = this.#core.options;
    const counts: Record<ProcessState, number> = {
      starting: 0,
      running: 0,
      stopping: 0,
      exited: 0,
      failed: 0,
      lost: 0,
    };
    for (const process of this.#core.table.ordered) counts[process.state]++;
    return {
      defaultOutputLimitBytes,
      maxOutputLimitBytes,
      maxProcesses,
      cgroupLimits: this.#core.cgroups.available,
      counts,
    };
  }

  async start(request: { id: string; spec: ProcessSpec }): Promise<{ process: ProcessInfo; existing: boolean }> {
    return await start(this.#core, request);
  }

  async stop(ref: string, options: StopOptions, abort?: AbortSignal): Promise<StopResult> {
    return await stop(this.#core, this.#core.resolve(ref), options, abort);
  }

  async signal(ref: string, signalName: string, target: SignalTarget): Promise<ProcessInfo> {
    return await signal(this.#core, this.#core.resolve(ref), signalName, target);
  }

  async restart(ref: string, options: StopOptions, abort?: AbortSignal): Promise<ProcessInfo> {
    return await restart(this.#core, this.#core.resolve(ref), options, abort);
  }

  get(ref: string): ProcessInfo {
    const process = this.#core.resolve(ref);
    this.#core.refresh(process);
    return this.#core.table.info(process);
  }

  async list(filter: ProcessFilter, page: PageRequest): Promise<ProcessPage> {
    return await list(this.#core, filter, page);
  }

  watch(
    options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
    abort: AbortSignal,
  ): AsyncIterable<WatchEvent> {
    return watch(this.#core, options, abort);
  }

  stats(options: StatsOptions, abort: AbortSignal): AsyncIterable<UsageSample> {
    return stats(this.#core, options, abort);
  }

  async wait(ref: string, condition: WaitCondition, run: number, abort: AbortSignal): Promise<ProcessInfo> {
    return await wait(this.#core, this.#core.resolve(ref), condition, run, abort);
  }

  async readOutput(ref: string, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead> {
    return await readOutput(this.#core, this.#core.resolve(ref), options);
  }

  async *streamOutput(
    ref: string,
    options: StreamOutputOptions,
    abort: AbortSignal,
  ): AsyncGenerator<OutputFrame, void, undefined> {
    yield* streamOutput(this.#core, this.#core.resolve(ref), options, abort);
  }

  async writeInput(ref: string, data: Uint8Array, close: boolean, abort: AbortSignal): Promise<void> {
    await writeInput(this.#core, this.#core.resolve(ref), data, close, abort);
  }

  async resizeTerminal(ref: string, size: TerminalSize): Promise<void> {
    await resizeTerminal(this.#core, this.#core.resolve(ref), size);
  }

  async remove(ref: string, force: boolean): Promise<string> {
    return await remove(this.#core, this.#core.resolve(ref), force);
  }

  async prune(
    filter: ProcessFilter,
    olderThanMs: number,
    dryRun: boolean,
  ): Promise<{ ids: string[]; freedBytes: number }> {
    return await prune(this.#core, filter, olderThanMs, dryRun);
  }

  async stopAll(graceMs: number | null): Promise<void> {
    this.#core.refuseStarts();
    const options = { signal: "", graceMs, force: true };
    const stops: Promise<unknown>[] = [];
    for (const [index, process] of [...this.#core.table.ordered].entries()) {
      if (index % stopsAtOnce === stopsAtOnce - 1) await setImmediate();
      stops.push(stop(this.#core, process, options).catch(() => {}));
    }
    await Promise.all(stops);
  }

  async close(): Promise<void> {
    if (this.#core.closed) return;
    this.#core.close();
    this.#release();
  }
}

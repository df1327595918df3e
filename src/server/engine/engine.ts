import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { abortable } from "../../common/abortable.ts";
import type { Cause } from "./api/cause.ts";
import type {
  ProcessUpdate,
  RequestContext,
  SignalTarget,
  StartRequest,
  StopOptions,
  StopResult,
  WaitCondition,
} from "./api/control.ts";
import type { EngineInfo } from "./api/engine.ts";
import type { EventsFrame, StreamEventsOptions } from "./api/event.ts";
import type { PageRequest, ProcessFilter, ProcessPage } from "./api/list.ts";
import type {
  OutputAcknowledgement,
  OutputFrame,
  OutputRead,
  OutputsFrame,
  ReadOutputOptions,
  StreamOutputOptions,
  StreamOutputsOptions,
} from "./api/output.ts";
import type { Command } from "./api/policy.ts";
import type { ProcessInfo, ProcessRef, ProcessState } from "./api/process.ts";
import type { RunInfo } from "./api/run.ts";
import type { ProcessSpec, TerminalSize } from "./api/spec.ts";
import type {
  CommandResult,
  SupervisedEngine,
  Supervision,
  SupervisionChange,
  SupervisionEventDetail,
  SupervisionEventType,
  SupervisionHook,
} from "./api/supervision.ts";
import type { StatsOptions, UsageSample } from "./api/usage.ts";
import type { WatchEvent } from "./api/watch.ts";
import type { Core } from "./core.ts";
import { removeAgain, restartAgain, stopAgain } from "./operations/again.ts";
import { reportUnseen, setSupervision } from "./operations/decide-end.ts";
import { events } from "./operations/events.ts";
import { writeInput } from "./operations/input.ts";
import { list } from "./operations/list.ts";
import { prune } from "./operations/prune.ts";
import { remove } from "./operations/remove.ts";
import { Requests } from "./operations/requests.ts";
import { resizeTerminal } from "./operations/resize.ts";
import { restart } from "./operations/restart.ts";
import { Selections } from "./operations/selections.ts";
import { signal, wasSignaledBefore } from "./operations/signal.ts";
import { create, start } from "./operations/start.ts";
import { causeOf, stop, stopRun } from "./operations/stop.ts";
import { residentMemory, runCommand, startRun } from "./operations/supervise.ts";
import { update } from "./operations/update.ts";
import { wait } from "./operations/wait.ts";
import { watch } from "./operations/watch.ts";
import { selected } from "./process/filter.ts";
import type { ManagedProcess } from "./process/process.ts";
import { normalizeSpec } from "./process/spec.ts";
import { runtimePaths } from "./shim/paths.ts";
import { stats } from "./usage/stats.ts";

/** Begun in one go, before others get their turn. */
const stopsAtOnce = 50;

/** The engine's face: finds the process that a reference means and hands it to the operation. */
export class ProcessEngine implements SupervisedEngine {
  readonly #core: Core;
  readonly #requests: Requests;
  readonly #selections: Selections;
  readonly #bootId: string;
  readonly #close: () => void;
  /** Those whose run has ended while nobody watched. */
  #unseen: readonly ManagedProcess[];

  /** @param close Closes what the engine was opened with. */
  constructor(core: Core, unseen: readonly ManagedProcess[], close: () => void) {
    this.#core = core;
    this.#requests = new Requests(core);
    const { clock, logger, runtimeDir } = core.options;
    this.#selections = new Selections(runtimePaths(runtimeDir).selections, clock, logger);
    this.#unseen = unseen;
    this.#bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    this.#close = close;
  }

  info(): EngineInfo {
    const { options, journal, quarantine, cgroups, table } = this.#core;
    const { defaultOutputLimitBytes, maxOutputLimitBytes, maxProcesses, keptRuns, retention } = options;
    const counts: Record<ProcessState, number> = {
      starting: 0,
      running: 0,
      stopping: 0,
      exited: 0,
      failed: 0,
      lost: 0,
      waiting: 0,
      givenUp: 0,
    };
    for (const process of table.ordered) counts[process.state]++;
    return {
      defaultOutputLimitBytes,
      maxOutputLimitBytes,
      maxProcesses,
      cgroupLimits: cgroups.available,
      counts,
      keptRuns,
      retention,
      bootId: this.#bootId,
      journal: {
        id: journal.identity,
        firstSequence: journal.firstSequence,
        lastSequence: journal.sequence,
        bytes: journal.bytes,
        maxBytes: options.journal.bytes,
      },
      setAside: quarantine.files,
      setAsideCount: quarantine.count,
    };
  }

  supervise(hook: SupervisionHook): void {
    this.#core.supervision = hook;
    reportUnseen(this.#core, this.#unseen);
    this.#unseen = [];
  }

  async create(
    request: StartRequest,
    change: SupervisionChange,
    context: RequestContext,
  ): Promise<{ process: ProcessInfo; existing: boolean }> {
    return await create(this.#core, request, change, context);
  }

  async startRun(id: string, change: (process: ProcessInfo) => Supervision, cause: Cause): Promise<ProcessInfo> {
    return await startRun(this.#core, this.#core.resolve({ id }), change, cause);
  }

  setSupervision(id: string, run: number, change: SupervisionChange): ProcessInfo {
    return setSupervision(this.#core, this.#core.resolve({ id }), run, change);
  }

  record(type: SupervisionEventType, detail: SupervisionEventDetail, cause: Cause): void {
    const about = { processId: "", processName: "", run: 0, from: "", to: "", exit: null } as const;
    this.#core.journal.append({ ...about, type, cause, supervision: detail });
    this.#core.journal.flush();
  }

  wasRecorded(
    type: SupervisionEventType,
    project: string,
    { principal, requestId }: Pick<Cause, "principal" | "requestId">,
  ): boolean {
    if (requestId === "") return false;
    for (const entry of this.#core.journal.all()) {
      const isOf = entry.cause.requestId === requestId && entry.cause.principal === principal;
      if (isOf && entry.type === type && entry.supervision?.project === project) return true;
    }
    return false;
  }

  async runCommand(
    id: string,
    command: Command,
    options: {
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
      readonly maxOutputBytes: number;
    },
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const process = this.#core.table.byId(id);
    if (process !== undefined) return await runCommand(this.#core, process, command, options, signal);
    return { code: null, timedOut: false, output: new Uint8Array(), problem: `there is no process ${id}` };
  }

  normalized(spec: ProcessSpec): ProcessSpec {
    return normalizeSpec(spec, this.#core.options);
  }

  residentMemory(ids: readonly string[]): ReadonlyMap<string, number> {
    return residentMemory(this.#core, ids);
  }

  async start(request: StartRequest, context: RequestContext): Promise<{ process: ProcessInfo; existing: boolean }> {
    return await start(this.#core, request, context);
  }

  async stop(
    ref: ProcessRef,
    options: StopOptions & { readonly wait: boolean },
    context: RequestContext,
    abort?: AbortSignal,
  ): Promise<StopResult> {
    return await this.#once(
      context,
      ["stop", ref, options],
      () => stop(this.#core, this.#core.resolve(ref), options, context),
      () => stopAgain(this.#core, ref, options.wait, context),
      abort,
    );
  }

  async signal(ref: ProcessRef, name: string, target: SignalTarget, context: RequestContext): Promise<ProcessInfo> {
    const work = () => signal(this.#core, this.#core.resolve(ref), name, target, context);
    if (await wasSignaledBefore(this.#core.resolve(ref), context)) return this.get(ref);
    return await this.#once(context, ["signal", ref, name, target], work, async () => this.get(ref));
  }

  async restart(
    ref: ProcessRef,
    options: StopOptions,
    spec: ProcessSpec | null,
    context: RequestContext,
    abort?: AbortSignal,
  ): Promise<ProcessInfo> {
    const work = () => restart(this.#core, this.#core.resolve(ref), options, spec, context);
    return await this.#once(
      context,
      ["restart", ref, options, spec],
      work,
      () => restartAgain(this.#core, ref, context),
      abort,
    );
  }

  async update(
    ref: ProcessRef,
    change: (process: ProcessInfo) => ProcessUpdate,
    context: RequestContext,
  ): Promise<ProcessInfo> {
    const work = () => update(this.#core, this.#core.resolve(ref), change, context);
    return await this.#once(context, ["update", ref], work, async () => this.get(ref));
  }

  get(ref: ProcessRef): ProcessInfo {
    const process = this.#core.resolve(ref);
    this.#core.refresh(process);
    return this.#core.table.info(process);
  }

  runs(ref: ProcessRef): { readonly processId: string; readonly runs: readonly RunInfo[] } {
    const process = this.#core.resolve(ref);
    this.#core.refresh(process);
    return { processId: process.id, runs: process.runs.map((run) => run.info()) };
  }

  select(filter: ProcessFilter): readonly string[] {
    this.#core.checkOpen();
    const processes = selected(this.#core.table, filter);
    return processes.filter(({ announcedAt }) => announcedAt > 0).map(({ id }) => id);
  }

  selectOnce(context: RequestContext, fingerprint: string, select: () => readonly string[]): readonly string[] {
    return this.#selections.select(context, fingerprint, select);
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

  events(options: StreamEventsOptions, abort: AbortSignal): AsyncIterable<EventsFrame> {
    return events(this.#core, options, abort);
  }

  stats(options: StatsOptions, abort: AbortSignal): AsyncIterable<UsageSample> {
    return stats(this.#core, options, abort);
  }

  async wait(
    ref: ProcessRef,
    condition: WaitCondition,
    run: number | null,
    abort: AbortSignal,
  ): Promise<{ process: ProcessInfo; run: RunInfo | null }> {
    return await wait(this.#core, this.#core.resolve(ref), condition, run, abort);
  }

  async readOutput(ref: ProcessRef, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead> {
    return await this.#core.outputs.read(this.#core.resolve(ref), options);
  }

  streamOutput(ref: ProcessRef, options: StreamOutputOptions, abort: AbortSignal): AsyncIterable<OutputFrame> {
    return this.#core.outputs.stream(this.#core.resolve(ref), options, abort);
  }

  async acknowledgeOutput(acknowledgement: OutputAcknowledgement): Promise<void> {
    const process = this.#core.resolve({ id: acknowledgement.processId });
    await this.#core.outputs.acknowledge(process, acknowledgement);
  }

  streamOutputs(options: StreamOutputsOptions, abort: AbortSignal): AsyncIterable<OutputsFrame> {
    return this.#core.outputs.streamMany(options, abort);
  }

  async writeInput(
    ref: ProcessRef,
    input: { readonly data: Uint8Array; readonly close: boolean; readonly inputOffset: number | null },
    context: RequestContext,
    abort: AbortSignal,
  ): Promise<number> {
    return await writeInput(this.#core, this.#core.resolve(ref), input, context, abort);
  }

  async resizeTerminal(ref: ProcessRef, size: TerminalSize, context: RequestContext): Promise<void> {
    await resizeTerminal(this.#core, this.#core.resolve(ref), size, context);
  }

  async remove(ref: ProcessRef, force: boolean, context: RequestContext): Promise<string> {
    return await this.#once(
      context,
      ["remove", ref, force],
      () => remove(this.#core, this.#core.resolve(ref), force, context),
      () => removeAgain(this.#core, ref, context),
    );
  }

  async prune(
    filter: ProcessFilter,
    olderThanMs: number,
    dryRun: boolean,
    context: RequestContext,
  ): Promise<{ ids: string[]; freedBytes: number }> {
    return await prune(this.#core, filter, olderThanMs, dryRun, context);
  }

  async stopAll(graceMs: number | null, context: RequestContext): Promise<void> {
    this.#core.refuseStarts();
    const options = { signal: "", graceMs, force: true };
    const stops: Promise<unknown>[] = [];
    for (const [index, process] of [...this.#core.table.ordered].entries()) {
      if (index % stopsAtOnce === stopsAtOnce - 1) await setImmediate();
      const cause = causeOf(context, "the daemon shuts down");
      stops.push(stopRun(this.#core, process, options, cause, { kind: "stop", keepsDesired: true }).catch(() => {}));
    }
    await Promise.all(stops);
  }

  async close(): Promise<void> {
    if (this.#core.closed) return;
    this.#core.close();
    this.#close();
  }

  /** Whoever stops waiting does not stop what was asked for. */
  async #once<T>(
    context: RequestContext,
    what: readonly unknown[],
    work: () => Promise<T>,
    again: () => Promise<T>,
    abort?: AbortSignal,
  ): Promise<T> {
    const response = this.#requests.once(context, what, work, again);
    return await abortable(response, abort);
  }
}

import type { ProcessFilter } from "../api/list.ts";
import type {
  OutputAcknowledgement,
  OutputFrame,
  OutputRead,
  OutputsFrame,
  ReadOutputOptions,
  StreamOutputOptions,
  StreamOutputsOptions,
} from "../api/output.ts";
import type { ExitStatus } from "../api/run.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { compileFilter } from "../process/filter.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";
import { control } from "../run/shim-control.ts";
import { Control } from "../shim/layout.ts";
import type { Ring } from "../shim/ring.ts";
import { hasCode } from "../shim/system-error.ts";
import type { OutputProcess, OutputRun, RunDirectory } from "./directory.ts";
import { Outputs } from "./outputs.ts";
import { RingSource } from "./ring-source.ts";
import type { OutputSource } from "./source.ts";

/** The engine's processes and runs as those who read output see them. */
export class EngineOutputs {
  readonly #directory: EngineDirectory;
  readonly #outputs: Outputs;

  constructor(core: Core) {
    this.#directory = new EngineDirectory(core);
    this.#outputs = new Outputs(this.#directory, () => core.checkOpen());
  }

  /** Something about a run has changed, or its shim sent an event. */
  notify(run: Run): void {
    const known = this.#directory.known(run);
    if (known !== undefined) this.#outputs.notify(known);
  }

  /** Something about all runs of a process has changed: it was removed, or a restart was decided. */
  notifyAll(process: ManagedProcess): void {
    for (const run of process.runs) this.notify(run);
  }

  /** The engine closes. */
  wakeAll(): void {
    this.#outputs.wakeAll();
  }

  read(process: ManagedProcess, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead> {
    return this.#outputs.read(this.#directory.of(process), options);
  }

  stream(
    process: ManagedProcess,
    options: StreamOutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputFrame, void> {
    return this.#outputs.stream(this.#directory.of(process), options, signal);
  }

  streamMany(options: StreamOutputsOptions, signal: AbortSignal): AsyncGenerator<OutputsFrame, void> {
    return this.#outputs.streamMany(options, signal);
  }

  acknowledge(process: ManagedProcess, acknowledgement: OutputAcknowledgement): Promise<void> {
    return this.#outputs.acknowledge(this.#directory.of(process), acknowledgement);
  }
}

/** Made as they are asked for: most runs are never read. */
class EngineDirectory implements RunDirectory {
  readonly #core: Core;
  readonly #processes = new WeakMap<ManagedProcess, EngineProcess>();
  readonly #runs = new WeakMap<Run, EngineRun>();

  constructor(core: Core) {
    this.#core = core;
  }

  get processes(): Iterable<EngineProcess> {
    return this.#core.table.ordered.map((process) => this.of(process));
  }

  get lastSequence(): number {
    return this.#core.table.sequence;
  }

  find(id: string): EngineProcess | undefined {
    const process = this.#core.table.byId(id);
    return process === undefined ? undefined : this.of(process);
  }

  compile(filter: ProcessFilter): (process: OutputProcess) => boolean {
    const fits = compileFilter(this.#core.table, filter);
    return (process) => {
      const managed = this.#core.table.byId(process.id);
      // Nobody has heard yet of a process whose program was not executed.
      return managed !== undefined && managed.announcedAt > 0 && fits(managed);
    };
  }

  listen(listener: (process: OutputProcess) => void): () => void {
    return this.#core.table.listen((process) => listener(this.of(process)));
  }

  of(process: ManagedProcess): EngineProcess {
    let known = this.#processes.get(process);
    if (known === undefined) {
      known = new EngineProcess(process, (run) => this.#ofRun(process, run));
      this.#processes.set(process, known);
    }
    return known;
  }

  known(run: Run): EngineRun | undefined {
    return this.#runs.get(run);
  }

  #ofRun(process: ManagedProcess, run: Run): EngineRun {
    let known = this.#runs.get(run);
    if (known === undefined) {
      known = new EngineRun(this.#core, process, run);
      this.#runs.set(run, known);
    }
    return known;
  }
}

class EngineProcess implements OutputProcess {
  readonly #process: ManagedProcess;
  readonly #of: (run: Run) => EngineRun;

  constructor(process: ManagedProcess, of: (run: Run) => EngineRun) {
    this.#process = process;
    this.#of = of;
  }

  get id(): string {
    return this.#process.id;
  }

  get name(): string {
    return this.#process.name;
  }

  /** When others heard of it. */
  get sequence(): number {
    return this.#process.announcedAt;
  }

  get removed(): boolean {
    return this.#process.removed;
  }

  get runs(): readonly EngineRun[] {
    return this.#process.runs.filter((run) => !isDropped(run)).map((run) => this.#of(run));
  }
}

class EngineRun implements OutputRun {
  readonly #core: Core;
  readonly #process: ManagedProcess;
  readonly #run: Run;

  constructor(core: Core, process: ManagedProcess, run: Run) {
    this.#core = core;
    this.#process = process;
    this.#run = run;
  }

  get processId(): string {
    return this.#process.id;
  }

  get number(): number {
    return this.#run.number;
  }

  get limitBytes(): number {
    return this.#run.effective.outputLimitBytes;
  }

  get allowsHold(): boolean {
    return this.#process.spec.output.whenFull === "allowHold";
  }

  get holdFile(): string {
    return this.#core.paths(this.#process, this.number).hold;
  }

  get over(): "failed" | "lost" | null {
    if (!this.#run.isOver) return null;
    return this.#run.state === "failed" ? "failed" : "lost";
  }

  get running(): boolean {
    return this.#run.running;
  }

  get exit(): ExitStatus | null {
    return this.#run.exit;
  }

  get nextRun(): number | "undecided" | null {
    const { current, restarting } = this.#process;
    if (current !== this.#run) return this.number + 1;
    return restarting === null || this.#process.removed ? null : "undecided";
  }

  get removed(): boolean {
    return this.#process.removed || isDropped(this.#run) || !this.#process.runs.includes(this.#run);
  }

  openSource(): OutputSource | null {
    if (this.removed) return null;
    if (this.#run.unreadable) {
      throw new EngineError(
        "OUTPUT_UNREADABLE",
        `the output of run ${this.number} of process ${this.processId} was damaged and set aside`,
        { id: this.processId, run: String(this.number) },
      );
    }
    let ring: Ring;
    try {
      ring = this.#core.openRing(this.#process, this.#run);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      return null;
    }
    return RingSource.of(ring, { processId: this.processId, run: this.number });
  }

  async sendHold(offset: number, milliseconds: number): Promise<void> {
    const errno = await control(this.#core, this.#process, this.#run, Control.hold, milliseconds, 0, offset);
    if (errno === 0) return;
    throw new EngineError("HOLD_REFUSED", `the shim of process ${this.processId} did not take the hold (${errno})`, {
      id: this.processId,
      run: String(this.number),
    });
  }
}

/** Its output went to make room; what else is known of it stays on record. */
function isDropped(run: Run): boolean {
  return run.outputDropped;
}

/** A handle for one process. */
import type { Processes } from "./namespaces/processes.ts";
import type { OutputStream } from "./stream/output-stream.ts";
import type {
  CallOptions,
  GetOptions,
  OutputRead,
  OutputReadOptions,
  ProcessInfo,
  RemoveOptions,
  ResizeOptions,
  RestartOptions,
  RunInfo,
  SignalOptions,
  StopOptions,
  StopResult,
  StreamOptions,
  TerminalSize,
  UpdateOptions,
  WaitOptions,
  WaitResult,
  WriteOptions,
  WriteResult,
} from "./types.ts";

/** One process by its UUID, with the methods of {@link Processes} that take a reference. */
export class Process {
  readonly #processes: Processes;
  #info: ProcessInfo;

  /** Use `pm.processes.start` or `pm.processes.handle`. */
  constructor(processes: Processes, info: ProcessInfo) {
    this.#processes = processes;
    this.#info = info;
  }

  /** Its UUID; never changes. */
  get id(): string {
    return this.#info.id;
  }

  /** What the last call of this handle learned. {@link get} asks again. */
  get info(): ProcessInfo {
    return this.#info;
  }

  /** {@link Processes.get} */
  async get(options: GetOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#processes.get(this.id, options));
  }

  /** {@link Processes.runs} */
  runs(options: CallOptions = {}): Promise<RunInfo[]> {
    return this.#processes.runs(this.id, options);
  }

  /** {@link Processes.stop} */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const result = await this.#processes.stop(this.id, options);
    this.#learn(result.process);
    return result;
  }

  /** {@link Processes.signal} */
  async signal(signal: string | number, options: SignalOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#processes.signal(this.id, signal, options));
  }

  /** {@link Processes.restart} */
  async restart(options: RestartOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#processes.restart(this.id, options));
  }

  /** {@link Processes.update} */
  async update(options: UpdateOptions): Promise<ProcessInfo> {
    return this.#learn(await this.#processes.update(this.id, options));
  }

  /** {@link Processes.wait}; waits for the run in {@link info} unless `run` says otherwise, or it may be any. */
  async wait(options: WaitOptions = {}): Promise<WaitResult> {
    const ofAnyRun = options.until === "ready" || options.until === "healthy";
    const run = ofAnyRun ? undefined : this.#info.run?.number;
    const result = await this.#processes.waitFor(
      { ref: this.id, label: this.#label },
      { ...(run !== undefined && { run }), ...options },
    );
    this.#learn(result.process);
    return result;
  }

  /** {@link Processes.output} */
  output(options: OutputReadOptions = {}): Promise<OutputRead> {
    return this.#processes.output(this.id, options);
  }

  /** {@link Processes.stream} */
  stream(options: StreamOptions = {}): OutputStream {
    return this.#processes.streamOf({ ref: this.id, label: this.#label }, options);
  }

  /** {@link Processes.write} */
  write(data: string | Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#processes.write(this.id, data, options);
  }

  /** {@link Processes.resizeTerminal} */
  resizeTerminal(size: TerminalSize, options: ResizeOptions = {}): Promise<void> {
    return this.#processes.resizeTerminal(this.id, size, options);
  }

  /** {@link Processes.remove} */
  async remove(options: RemoveOptions = {}): Promise<void> {
    await this.#processes.remove(this.id, options);
  }

  get #label(): string {
    return this.#info.name ?? this.#info.id;
  }

  #learn(info: ProcessInfo): ProcessInfo {
    this.#info = info;
    return info;
  }
}

/** A handle for one process. */
import type { ProcessManager } from "./manager.ts";
import type { OutputStream } from "./output-stream.ts";
import type {
  CallOptions,
  GetOptions,
  OutputRead,
  OutputReadOptions,
  ProcessInfo,
  RemoveOptions,
  SignalOptions,
  StopOptions,
  StopResult,
  StreamOptions,
  WaitOptions,
  WriteOptions,
} from "./types.ts";

/** One process by its UUID, with the methods of {@link ProcessManager} that take a reference. */
export class Process {
  readonly #manager: ProcessManager;
  #info: ProcessInfo;

  /** Use `ProcessManager.start` or `ProcessManager.process`. */
  constructor(manager: ProcessManager, info: ProcessInfo) {
    this.#manager = manager;
    this.#info = info;
  }

  /** Its UUID; never changes. */
  get id(): string {
    return this.#info.id;
  }

  /** What the last call of this handle learnt. {@link get} asks anew. */
  get info(): ProcessInfo {
    return this.#info;
  }

  /** {@link ProcessManager.get} */
  async get(options: GetOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#manager.get(this.id, options));
  }

  /** {@link ProcessManager.stop} */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    const result = await this.#manager.stop(this.id, options);
    this.#learn(result.process);
    return result;
  }

  /** {@link ProcessManager.signal} */
  async signal(name: string, options: SignalOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#manager.signal(this.id, name, options));
  }

  /** {@link ProcessManager.restart} */
  async restart(options: StopOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#manager.restart(this.id, options));
  }

  /** {@link ProcessManager.wait}; waits for the run in {@link info} unless `run` says otherwise. */
  async wait(options: WaitOptions = {}): Promise<ProcessInfo> {
    return this.#learn(await this.#manager.wait(this.id, { run: this.#info.run, ...options }));
  }

  /** {@link ProcessManager.output} */
  output(options: OutputReadOptions = {}): Promise<OutputRead> {
    return this.#manager.output(this.id, options);
  }

  /** {@link ProcessManager.stream} */
  stream(options: StreamOptions = {}): OutputStream {
    return this.#manager.stream(this.id, options);
  }

  /** {@link ProcessManager.write} */
  write(data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    return this.#manager.write(this.id, data, options);
  }

  /** {@link ProcessManager.resizeTerminal} */
  resizeTerminal(size: { readonly rows: number; readonly columns: number }, options: CallOptions = {}): Promise<void> {
    return this.#manager.resizeTerminal(this.id, size, options);
  }

  /** {@link ProcessManager.remove} */
  async remove(options: RemoveOptions = {}): Promise<void> {
    await this.#manager.remove(this.id, options);
  }

  #learn(info: ProcessInfo): ProcessInfo {
    this.#info = info;
    return info;
  }
}

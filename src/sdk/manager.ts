/** The SDK's entrance. */
import { type ConnectOptions, describeEndpoint, type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { daemonInfoFromJson, outputReadFromJson, pageFromJson, stopResultFromJson } from "./json/answers.ts";
import { processFromJson } from "./json/process.ts";
import { filterToJson, outputToJson, signalTargets, startToJson, stopToJson, viewToJson } from "./json/requests.ts";
import { durationToJson } from "./json/scalars.ts";
import { OutputStream } from "./output-stream.ts";
import { Process } from "./process.ts";
import { isConnectionLoss, isDisconnect, Retries } from "./retries.ts";
import { sampleUsage } from "./stats.ts";
import { openTransport } from "./transport/open.ts";
import type { Transport, UnaryMethod, UnaryMethods } from "./transport/transport.ts";
import type {
  CallOptions,
  DaemonInfo,
  GetOptions,
  ListOptions,
  ListPageOptions,
  OutputRead,
  OutputReadOptions,
  ProcessInfo,
  ProcessPage,
  PruneOptions,
  PruneResult,
  RemoveOptions,
  ShutdownOptions,
  SignalOptions,
  StartOptions,
  StatsOptions,
  StopOptions,
  StopResult,
  StreamOptions,
  UsageSample,
  WaitOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
import { waitForProcess } from "./wait.ts";
import { watchProcesses } from "./watch.ts";

/** Milliseconds; see `ConnectOptions.timeoutMs`. */
const defaultTimeoutMs = 30_000;

/**
 * A daemon and what it can do.
 *
 * Wherever a method takes a `ref` it means a process reference: a UUID, a name, or the first four or more characters of
 * a UUID. A full UUID wins over a name and a name over a prefix; a name means the process that has not ended, else the
 * one started last. Programs should use UUIDs. Every method with a `ref` may reject with `INVALID_ID`,
 * `PROCESS_NOT_FOUND` or `PROCESS_AMBIGUOUS`, and every method at all with the reasons of {@link ClientErrorReason}:
 * always a {@link PmError}.
 *
 * No method retries on its own unless it says so.
 *
 * @example
 * ```ts
 * await using pm = await ProcessManager.connect();
 * const process = await pm.start({ executable: "sh", args: ["-c", "echo hello"] });
 * for await (const bytes of process.stream({ follow: true }).bytes()) stdout.write(bytes);
 * ```
 */
export class ProcessManager {
  readonly #endpoint: Endpoint;
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  private constructor(endpoint: Endpoint, timeoutMs: number) {
    this.#endpoint = endpoint;
    this.#transport = openTransport(endpoint);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Finds out where the daemon is. Connects lazily: a daemon that is not there shows with the first call, as
   * `UNREACHABLE`.
   *
   * @throws PmError `INVALID_ARGUMENT` if options or environment name no usable place
   */
  static async connect(options: ConnectOptions = {}): Promise<ProcessManager> {
    return new ProcessManager(resolveEndpoint(options), options.timeoutMs ?? defaultTimeoutMs);
  }

  /** Where the daemon is, as `unix:///path` or `https://host:port`. */
  get address(): string {
    return describeEndpoint(this.#endpoint);
  }

  /**
   * Starts a process; resolves once its program was executed. If the connection is lost before the answer, it is tried
   * again under the same id, which is safe: the daemon starts an id once.
   *
   * @throws PmError `START_FAILED` (what the operating system said is in `metadata`: `step`, `errno`, `errno_name`,
   * `errno_text`, `path`), `INVALID_ARGUMENT`, `PROCESS_EXISTS`, `NAME_IN_USE`, `UNSUPPORTED_LIMIT`, `LIMIT_EXCEEDED`,
   * `SHUTTING_DOWN`
   */
  async start(options: StartOptions & CallOptions): Promise<Process> {
    // Loading node:crypto takes longer than the call: only where the caller brings no id.
    const id = options.id ?? (await import("node:crypto")).randomUUID();
    const request = startToJson(id, options);
    const retries = new Retries({ ...options, timeoutMs: options.timeoutMs ?? this.#timeoutMs });
    for (;;) {
      try {
        const answer = await this.#transport.unary("pm.v1.ProcessService/StartProcess", request, retries.callOptions());
        return new Process(this, processFromJson(answer.process));
      } catch (error) {
        // Not reached in the first place: nothing was asked, and the caller may want to start a daemon.
        if (!isConnectionLoss(error) || (retries.attempts === 0 && !isDisconnect(error))) {
          throw error;
        }
        await retries.pause(error);
      }
    }
  }

  /**
   * Sends a signal to the process group, waits for the whole tree to end, and with `force` kills what is left after the
   * grace period. Resolves when the tree is gone or the grace period is over: see `stopped` and `survivors`. Stopping an
   * ended process answers it as it is. If the call ends early, the stop goes on.
   *
   * @throws PmError `SUPERVISOR_LOST`
   */
  async stop(ref: string, options: StopOptions = {}): Promise<StopResult> {
    const answer = await this.#unary("pm.v1.ProcessService/StopProcess", stopToJson(ref, options), options, "waits");
    return stopResultFromJson(answer);
  }

  /**
   * Sends a signal by name, such as "SIGHUP", "HUP" or "SIGRTMIN+3", and resolves once it was sent.
   *
   * @throws PmError `INVALID_ARGUMENT`, `NOT_RUNNING`, `SUPERVISOR_LOST`
   */
  async signal(ref: string, name: string, options: SignalOptions = {}): Promise<ProcessInfo> {
    const { process } = await this.#unary(
      "pm.v1.ProcessService/SignalProcess",
      { id: ref, signal: name, ...(options.target && { target: signalTargets[options.target] }) },
      options,
    );
    return processFromJson(process);
  }

  /**
   * Stops the process as {@link stop} does, unless it has ended, and starts a new run of it under the same id. Output
   * of the previous run stays readable until the next restart.
   *
   * @throws PmError `STILL_RUNNING` if it did not stop (the survivors are in `metadata.pids`), `START_FAILED`,
   * `SUPERVISOR_LOST`
   */
  async restart(ref: string, options: StopOptions = {}): Promise<ProcessInfo> {
    const request = stopToJson(ref, options);
    const { process } = await this.#unary("pm.v1.ProcessService/RestartProcess", request, options, "waits");
    return processFromJson(process);
  }

  /** Reads one process. */
  async get(ref: string, options: GetOptions = {}): Promise<ProcessInfo> {
    const request = { id: ref, ...viewToJson(options) };
    const { process } = await this.#unary("pm.v1.ProcessService/GetProcess", request, options);
    return processFromJson(process);
  }

  /**
   * Reads processes in order of creation, page after page; `timeoutMs` is for each page.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  async *list(options: ListOptions = {}): AsyncGenerator<ProcessInfo, void, void> {
    let token: string | undefined;
    do {
      const page: ProcessPage = await this.listPage({ ...options, ...(token !== undefined && { pageToken: token }) });
      yield* page.processes;
      token = page.nextPageToken;
    } while (token !== undefined);
  }

  /** {@link list} as an array. */
  async listAll(options: ListOptions = {}): Promise<ProcessInfo[]> {
    const processes: ProcessInfo[] = [];
    for await (const process of this.list(options)) {
      processes.push(process);
    }
    return processes;
  }

  /**
   * Reads one page of processes.
   *
   * @throws PmError `INVALID_ARGUMENT`, `PAGE_TOKEN_INVALID`
   */
  async listPage(options: ListPageOptions = {}): Promise<ProcessPage> {
    const { filter, pageSize, pageToken } = options;
    const request = {
      ...filterToJson(filter),
      ...(pageSize !== undefined && { pageSize }),
      ...(pageToken !== undefined && { pageToken }),
      ...viewToJson(options),
    };
    return pageFromJson(await this.#unary("pm.v1.ProcessService/ListProcesses", request, options));
  }

  /**
   * Streams changes in order; several changes of one process may arrive as the last of them. Without a
   * `resourceVersion` it begins with `reset`, an `added` for each process there is, and a `bookmark`. After a lost
   * connection it resumes where it was; if that is no longer possible, for example because another daemon took over,
   * `reset` comes again, and everything anew. Never ends by itself; leave the loop or abort to end it.
   *
   * @throws PmError `INVALID_ARGUMENT`; `RESOURCE_VERSION_EXPIRED` does not surface but as `reset`
   */
  watch(options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    return watchProcesses(this.#transport, options);
  }

  /**
   * Samples what processes and their trees use: once at once, then after each interval. Nothing is sampled that nobody
   * asks for. Goes on after a lost connection, where percentages begin anew. Never ends by itself; leave the loop or
   * abort to end it.
   *
   * @throws PmError `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`
   */
  stats(options: StatsOptions = {}): AsyncIterable<UsageSample> {
    return sampleUsage(this.#transport, options);
  }

  /**
   * Resolves once the process meets a condition, at once if it already does. Waits on through restarts of the daemon.
   * There is no time limit but `timeoutMs`.
   *
   * @throws PmError `RUN_NOT_FOUND`; `PROCESS_NOT_FOUND` also if the process is removed meanwhile
   */
  wait(ref: string, options: WaitOptions = {}): Promise<ProcessInfo> {
    return waitForProcess(this.#transport, ref, options);
  }

  /**
   * Reads a range of a run's output in one consistent piece.
   *
   * @throws PmError `RUN_NOT_FOUND`, `OFFSET_OUT_OF_RANGE`, `INVALID_ARGUMENT`
   */
  async output(ref: string, options: OutputReadOptions = {}): Promise<OutputRead> {
    const { maxBytes } = options;
    const request = { ...outputToJson(ref, options), ...(maxBytes !== undefined && { maxBytes }) };
    return outputReadFromJson(await this.#unary("pm.v1.ProcessService/GetOutput", request, options));
  }

  /**
   * Streams a run's output from a place on, and with `follow` goes on until it is complete. Nothing happens before it is
   * iterated. Errors surface there.
   */
  stream(ref: string, options: StreamOptions = {}): OutputStream {
    return new OutputStream(this.#transport, ref, options);
  }

  /**
   * Writes to standard input or the terminal, in whole and in order with other writes; resolves when all of it is in
   * the pipe, which takes as long as the process takes to read. At most 1 MiB. When the call ends early, part of the
   * data may have been written.
   *
   * @param data text is written as UTF-8
   * @throws PmError `NOT_RUNNING`, `INPUT_CLOSED`, `SUPERVISOR_LOST`
   */
  async write(ref: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const request = { id: ref, data: bytes.toString("base64"), ...(options.close && { close: true }) };
    await this.#unary("pm.v1.ProcessService/WriteInput", request, options, "waits");
  }

  /**
   * Changes the size of the process's terminal, in character cells; its foreground process group gets SIGWINCH.
   *
   * @throws PmError `NOT_RUNNING`, `INVALID_ARGUMENT` if it has no terminal
   */
  async resizeTerminal(
    ref: string,
    size: { readonly rows: number; readonly columns: number },
    options: CallOptions = {},
  ): Promise<void> {
    const request = { id: ref, size: { rows: size.rows, columns: size.columns } };
    await this.#unary("pm.v1.ProcessService/ResizeTerminal", request, options);
  }

  /**
   * Forgets an ended process and frees its output.
   *
   * @returns the UUID of what was removed
   * @throws PmError `STILL_RUNNING`, unless `force` is set
   */
  async remove(ref: string, options: RemoveOptions = {}): Promise<string> {
    const request = { id: ref, ...(options.force && { force: true }) };
    const { id } = await this.#unary("pm.v1.ProcessService/RemoveProcess", request, options);
    return id ?? ref;
  }

  /**
   * Removes ended processes; those of whose tree something lives on are left.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  async prune(options: PruneOptions = {}): Promise<PruneResult> {
    const { filter, olderThanMs, dryRun } = options;
    const request = {
      ...filterToJson(filter),
      ...(olderThanMs !== undefined && { olderThan: durationToJson(olderThanMs) }),
      ...(dryRun && { dryRun }),
    };
    const { ids, freedBytes } = await this.#unary("pm.v1.ProcessService/PruneProcesses", request, options);
    return { ids: ids ?? [], freedBytes: Number(freedBytes ?? 0) };
  }

  /** What the daemon is and what it allows. */
  async info(options: CallOptions = {}): Promise<DaemonInfo> {
    return daemonInfoFromJson(await this.#unary("pm.v1.DaemonService/GetInfo", {}, options));
  }

  /**
   * Ends the daemon after its answer. Processes run on, and the next daemon finds them, unless `stopProcesses` is set.
   *
   * @returns how many processes run on
   */
  async shutdown(options: ShutdownOptions = {}): Promise<number> {
    const { stopProcesses, graceMs } = options;
    const request = {
      ...(stopProcesses && { stopProcesses }),
      ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs) }),
    };
    const waits = stopProcesses ? "waits" : undefined;
    const { running } = await this.#unary("pm.v1.DaemonService/Shutdown", request, options, waits);
    return running ?? 0;
  }

  /**
   * A handle for a process that exists.
   *
   * @param ref is resolved once, so that the handle stays with this process
   */
  async process(ref: string, options: CallOptions = {}): Promise<Process> {
    return new Process(this, await this.get(ref, options));
  }

  /** Cancels the streams that are under way and lets go of connections. Calls after it reject with `ABORTED`. */
  close(): void {
    this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #unary<M extends UnaryMethod>(
    method: M,
    request: UnaryMethods[M][0],
    { signal, timeoutMs }: CallOptions,
    waits?: "waits",
  ): Promise<UnaryMethods[M][1]> {
    return this.#transport.unary(method, request, {
      signal,
      timeoutMs: timeoutMs ?? (waits ? undefined : this.#timeoutMs),
    });
  }
}

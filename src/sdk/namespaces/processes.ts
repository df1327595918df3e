/** `pm.processes`: starting, finding, changing and reading processes. */
import type { ProcessJson, ProcessViewJson } from "../../../gen/ts/pm/v1/process_pb.ts";
import { isUuid } from "../../common/contract-rules.ts";
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { newRequestId } from "../call/request-id.ts";
import { identityFromJson, processFromJson, summaryFromJson } from "../json/process.ts";
import {
  filterToJson,
  listToJson,
  outputToJson,
  preconditionToJson,
  refToJson,
  selectionToJson,
  startToJson,
  stopOptionsToJson,
  updateToJson,
  viewToJson,
} from "../json/requests.ts";
import { outputReadFromJson, pageFromJson, stopResultFromJson, waitResultFromJson } from "../json/responses.ts";
import { receiptFromJson, runFromJson } from "../json/run.ts";
import { durationToJson, enumToJson, integerToJson } from "../json/scalars.ts";
import { specToJson } from "../json/spec.ts";
import { batchErrorFromJson } from "../json/streamed.ts";
import { signalTargets, waitConditions } from "../json/words.ts";
import { Process } from "../process.ts";
import { type Batch, batch } from "../stream/batch.ts";
import { followOutputs } from "../stream/follow-outputs.ts";
import { OutputStream } from "../stream/output-stream.ts";
import { sampleUsage } from "../stream/stats.ts";
import { watchProcesses } from "../stream/watch.ts";
import type {
  BatchOptions,
  BatchResult,
  CallOptions,
  GetOptions,
  ListOptions,
  ListPageOptions,
  OutputRead,
  OutputReadOptions,
  OutputsOptions,
  OutputsStream,
  ProcessFilter,
  ProcessIdentity,
  ProcessInfo,
  ProcessPage,
  ProcessSummary,
  PruneOptions,
  PruneResult,
  RemoveAllOptions,
  RemoveAllResult,
  RemoveOptions,
  ResizeOptions,
  RestartAllOptions,
  RestartOptions,
  RunInfo,
  Selection,
  SignalAllOptions,
  SignalOptions,
  StartOptions,
  StatsOptions,
  StopAllOptions,
  StopAllResult,
  StopOptions,
  StopResult,
  StreamOptions,
  SummaryOptions,
  TerminalSize,
  UpdateOptions,
  UsageSample,
  WaitCondition,
  WaitOptions,
  WaitResult,
  WatchEvent,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from "../types.ts";
import { resolveReferences } from "./resolve.ts";

/** As many as the contract allows: pages are bounded by their bytes, too. */
const largestPage = 10_000;

/** What a wait waits for, in its errors. */
const waitWords: Readonly<Record<WaitCondition, string>> = {
  exited: "to exit",
  outputComplete: "to exit and close its output",
  treeGone: "and its descendants to exit",
  ready: "to be ready",
  healthy: "to be healthy",
};

/**
 * Use `ProcessManager.processes`.
 *
 * Wherever a method takes a `ref` it means one process: a UUID, or a name. A name means the process that has not ended,
 * else the one started last. Prefixes of UUIDs are for people: {@link resolve} turns them into references. Programs
 * should use UUIDs. Every method with a `ref` may reject with `INVALID_ID` or `PROCESS_NOT_FOUND`, every method that
 * takes a precondition with `CONDITION_FAILED`, and every method at all with the reasons of `ClientErrorReason`: always a
 * `PmError`.
 *
 * Every call is made again where its connection is lost and that is safe: with the next daemon too, see
 * `ConnectOptions`.
 */
export class Processes {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Starts a process; resolves once its program was executed.
   *
   * @throws PmError `START_FAILED` (what the operating system said is in `metadata`: `step`, `errno`, `errno_name`,
   * `errno_text`, `path`), `INVALID_ARGUMENT`, `PROCESS_EXISTS`, `NAME_IN_USE`, `UNSUPPORTED_LIMIT`, `LIMIT_EXCEEDED`
   */
  async start(options: StartOptions & CallOptions): Promise<Process> {
    refuseUnknown(options, known.start);
    const { signal: _, timeoutMs: __, ...start } = options;
    // Loading node:crypto takes longer than the call: only where the caller brings no id.
    const id = options.id ?? (await import("node:crypto")).randomUUID();
    const kind = { what: `starting ${options.name ?? id}` };
    const { process } = await this.#client.unary(
      "pm.v1.ProcessService/StartProcess",
      startToJson(id, start),
      options,
      kind,
    );
    return new Process(this, processFromJson(process));
  }

  /**
   * What people type, as references for the other methods: besides UUIDs and names the first four or more characters of
   * a UUID. A name wins over a prefix. One call where the text can be a prefix, else none.
   *
   * @throws PmError `PROCESS_AMBIGUOUS` (metadata: `candidates`), `PROCESS_NOT_FOUND` for a text that can be a prefix
   */
  async resolve(text: string, options: CallOptions = {}): Promise<string> {
    const [ref = text] = await this.resolveAll([text], options);
    return ref;
  }

  /** {@link resolve} for several texts, with one call for all of them. In their order. */
  async resolveAll(texts: readonly string[], options: CallOptions = {}): Promise<string[]> {
    refuseUnknown(options, known.call);
    return resolveReferences(this.#client, texts, options);
  }

  /** A handle for a process that exists. The reference is looked up once, so that the handle stays with this process. */
  async handle(ref: string, options: GetOptions = {}): Promise<Process> {
    return new Process(this, await this.get(ref, options));
  }

  /** Reads one process. */
  async get(ref: string, options: GetOptions = {}): Promise<ProcessInfo> {
    refuseUnknown(options, known.get);
    const request = { process: refToJson(ref), ...viewToJson(options) };
    const kind = { what: `reading ${ref}` };
    const { process } = await this.#client.unary("pm.v1.ProcessService/GetProcess", request, options, kind);
    return processFromJson(process);
  }

  /**
   * Reads processes page after page; `timeoutMs` is for each page.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  list(options: ListOptions = {}): AsyncGenerator<ProcessInfo, void, void> {
    refuseUnknown(options, known.list);
    return this.#list(options);
  }

  /** {@link list} as an array. */
  async listAll(options: ListOptions = {}): Promise<ProcessInfo[]> {
    return Array.fromAsync(this.list(options));
  }

  /**
   * What tables show of processes, in the order of {@link list}: all of them at once, at a fraction of its cost.
   * `timeoutMs` is for each page.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  async listSummaries(options: SummaryOptions = {}): Promise<ProcessSummary[]> {
    return await this.#listAs("PROCESS_VIEW_SUMMARY", summaryFromJson, options);
  }

  /**
   * The ids and names of processes, in the order of {@link list}: all of them at once, at a fraction of the cost of
   * {@link listSummaries}. `timeoutMs` is for each page.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  async listIdentities(options: SummaryOptions = {}): Promise<ProcessIdentity[]> {
    return await this.#listAs("PROCESS_VIEW_IDENTITY", identityFromJson, options);
  }

  async #listAs<T>(view: ProcessViewJson, read: (process: ProcessJson) => T, options: SummaryOptions): Promise<T[]> {
    refuseUnknown(options, known.summaries);
    const all: T[] = [];
    for (let pageToken = ""; ; ) {
      const request = { ...listToJson({ pageSize: largestPage, ...options, pageToken }), view };
      const kind = { what: "listing processes" };
      const page = await this.#client.unary("pm.v1.ProcessService/ListProcesses", request, options, kind);
      for (const process of page.processes ?? []) {
        all.push(read(process));
      }
      pageToken = page.nextPageToken ?? "";
      if (pageToken === "") {
        return all;
      }
    }
  }

  /**
   * Reads one page of processes.
   *
   * @throws PmError `INVALID_ARGUMENT`, `PAGE_TOKEN_INVALID`
   */
  async listPage(options: ListPageOptions = {}): Promise<ProcessPage> {
    refuseUnknown(options, known.list);
    const request = { ...listToJson(options), ...viewToJson(options) };
    const kind = { what: "listing processes" };
    return pageFromJson(await this.#client.unary("pm.v1.ProcessService/ListProcesses", request, options, kind));
  }

  /** The runs of a process that are kept, the newest first. */
  async runs(ref: string, options: CallOptions = {}): Promise<RunInfo[]> {
    refuseUnknown(options, known.call);
    const kind = { what: `listing the runs of ${ref}` };
    const request = { process: refToJson(ref) };
    const { runs = [] } = await this.#client.unary("pm.v1.ProcessService/ListRuns", request, options, kind);
    return runs.map(runFromJson);
  }

  /**
   * Sends a signal to the process group, waits for the whole tree to end, and with `force` kills what is left after the
   * grace period. Resolves when the tree is gone or the grace period is over: see `receipt.outcome`. An ended process is
   * left as it is. What was asked for is on record first: if the call ends early, the stop goes on, and its receipt can be
   * read later in `RunInfo.stop`.
   */
  async stop(ref: string, options: StopOptions = {}): Promise<StopResult> {
    refuseUnknown(options, known.stop);
    const request = {
      process: refToJson(ref),
      ...stopOptionsToJson(options),
      ...this.#change(options),
      ...(options.wait === false && { noWait: true }),
    };
    const kind = { what: `stopping ${ref}`, waits: true };
    return stopResultFromJson(await this.#client.unary("pm.v1.ProcessService/StopProcess", request, options, kind));
  }

  /**
   * Stops every process that is selected, side by side: a result for each as it comes. The call is made when the results
   * are iterated; if the loop is left, the stops go on.
   *
   * @throws PmError `ALL_REQUIRED` if the filter is empty: `{ all: true }` selects every process
   */
  stopAll(selection: Selection, options: StopAllOptions = {}): AsyncIterable<StopAllResult> {
    refuseUnknown(options, known.stopAll);
    const how = stopOptionsToJson(options);
    return this.#batch(selection, options, "stopping processes", (request) => ({
      attempt: (callOptions) =>
        this.#client.stream("pm.v1.ProcessService/StopProcesses", { ...request, ...how }, callOptions),
      convert: ({ receipt, ...result }): StopAllResult => {
        const changed = changeResult(result);
        const exit = changed.process?.run?.exit;
        return {
          ...changed,
          ...(receipt !== undefined && { receipt: receiptFromJson(receipt) }),
          ...(exit !== undefined && { exit }),
        };
      },
    }));
  }

  /**
   * Sends a signal, by name ("SIGHUP", "HUP", "SIGRTMIN+3") or number, and resolves once it was sent.
   *
   * @throws PmError `INVALID_ARGUMENT`, `NOT_RUNNING`, `SUPERVISOR_LOST`, `SUPERVISOR_UNRESPONSIVE`
   */
  async signal(ref: string, signal: string | number, options: SignalOptions = {}): Promise<ProcessInfo> {
    refuseUnknown(options, known.signal);
    const { target } = options;
    const request = {
      process: refToJson(ref),
      signal: String(signal),
      ...(target !== undefined && { target: enumToJson(signalTargets, target, "target") }),
      ...this.#change(options),
    };
    const kind = { what: `sending a signal to ${ref}` };
    const { process } = await this.#client.unary("pm.v1.ProcessService/SignalProcess", request, options, kind);
    return processFromJson(process);
  }

  /**
   * Sends a signal to every process that is selected and has not ended. As {@link stopAll}.
   *
   * @throws PmError `INVALID_ARGUMENT`, `ALL_REQUIRED`
   */
  signalAll(selection: Selection, signal: string | number, options: SignalAllOptions = {}): AsyncIterable<BatchResult> {
    refuseUnknown(options, known.signalAll);
    const { target } = options;
    const how = {
      signal: String(signal),
      ...(target !== undefined && { target: enumToJson(signalTargets, target, "target") }),
    };
    return this.#batch(selection, options, "sending a signal to processes", (request) => ({
      attempt: (callOptions) =>
        this.#client.stream("pm.v1.ProcessService/SignalProcesses", { ...request, ...how }, callOptions),
      convert: changeResult,
    }));
  }

  /**
   * Stops the process as {@link stop} does, unless it has ended, and starts a new run of it under the same id. What the
   * new run needs is made first: if that fails, the old run is left alone. If the call ends early, the restart goes on.
   *
   * @throws PmError `STILL_RUNNING` if it did not stop (the survivors are in `metadata.pids`), `NAME_IN_USE`,
   * `START_FAILED`, `SUPERVISOR_LOST`
   */
  async restart(ref: string, options: RestartOptions = {}): Promise<ProcessInfo> {
    refuseUnknown(options, known.restart);
    const request = {
      process: refToJson(ref),
      ...stopOptionsToJson(options),
      ...(options.spec !== undefined && { spec: specToJson(options.spec) }),
      ...this.#change(options),
    };
    const kind = { what: `restarting ${ref}`, waits: true };
    const { process } = await this.#client.unary("pm.v1.ProcessService/RestartProcess", request, options, kind);
    return processFromJson(process);
  }

  /**
   * Restarts every process that is selected, ended ones included. As {@link stopAll}.
   *
   * @throws PmError `ALL_REQUIRED`
   */
  restartAll(selection: Selection, options: RestartAllOptions = {}): AsyncIterable<BatchResult> {
    refuseUnknown(options, known.restartAll);
    const how = stopOptionsToJson(options);
    return this.#batch(selection, options, "restarting processes", (request) => ({
      attempt: (callOptions) =>
        this.#client.stream("pm.v1.ProcessService/RestartProcesses", { ...request, ...how }, callOptions),
      convert: changeResult,
    }));
  }

  /**
   * Changes name, labels, or the spec that the next run is started with. The current run is not touched.
   *
   * @throws PmError `INVALID_ARGUMENT`, `NAME_IN_USE`, `UNSUPPORTED_LIMIT`, `LIMIT_EXCEEDED`
   */
  async update(ref: string, options: UpdateOptions): Promise<ProcessInfo> {
    refuseUnknown(options, known.update);
    const request = { process: refToJson(ref), ...updateToJson(options), ...this.#change(options) };
    const kind = { what: `updating ${ref}` };
    const { process } = await this.#client.unary("pm.v1.ProcessService/UpdateProcess", request, options, kind);
    return processFromJson(process);
  }

  /**
   * Removes an ended process and frees its output.
   *
   * @returns the UUID of what was removed
   * @throws PmError `STILL_RUNNING`, unless `force` is set
   */
  async remove(ref: string, options: RemoveOptions = {}): Promise<string> {
    refuseUnknown(options, known.remove);
    const request = { process: refToJson(ref), ...(options.force && { force: true }), ...this.#change(options) };
    const kind = { what: `removing ${ref}` };
    const { id } = await this.#client.unary("pm.v1.ProcessService/RemoveProcess", request, options, kind);
    return id ?? ref;
  }

  /**
   * Removes every process that is selected. As {@link stopAll}.
   *
   * @throws PmError `ALL_REQUIRED`
   */
  removeAll(selection: Selection, options: RemoveAllOptions = {}): AsyncIterable<RemoveAllResult> {
    refuseUnknown(options, known.removeAll);
    const how = options.force ? { force: true } : {};
    return this.#batch(selection, options, "removing processes", (request) => ({
      attempt: (callOptions) =>
        this.#client.stream("pm.v1.ProcessService/RemoveProcesses", { ...request, ...how }, callOptions),
      convert: ({ id = "", name, error }): RemoveAllResult => ({
        id,
        ...(name && { name }),
        ...(error !== undefined && { error: batchErrorFromJson(error) }),
      }),
    }));
  }

  /**
   * Removes ended processes in one call; those of whose tree something still lives are left. Not repeated after a lost
   * connection, unless it is a `dryRun`: the second response would not list what the first has removed.
   *
   * @throws PmError `INVALID_ARGUMENT`, `ALL_REQUIRED`
   */
  async prune(options: PruneOptions = {}): Promise<PruneResult> {
    refuseUnknown(options, known.prune);
    const { filter, all, olderThanMs, dryRun } = options;
    const request = {
      ...filterToJson(filter),
      ...(all && { all }),
      ...(olderThanMs !== undefined && { olderThan: durationToJson(olderThanMs, "olderThanMs") }),
      ...(dryRun && { dryRun }),
    };
    const { ids, freedBytes } = await this.#client.unary("pm.v1.ProcessService/PruneProcesses", request, options, {
      what: "pruning ended processes",
      repeatable: dryRun ? "always" : "unsent",
    });
    return { ids: ids ?? [], freedBytes: Number(freedBytes ?? 0) };
  }

  /**
   * Resolves once a run of the process meets a condition, at once if it already does. Waits on through restarts of the
   * daemon, for the same run of the same process. There is no time limit but `timeoutMs`.
   *
   * @throws PmError `RUN_NOT_FOUND`; `PROCESS_NOT_FOUND` also if the process is removed meanwhile
   */
  async wait(ref: string, options: WaitOptions = {}): Promise<WaitResult> {
    return this.waitFor({ ref, label: ref }, options);
  }

  /** @internal For {@link Process}, which knows a better label and the run. */
  async waitFor({ ref, label }: { ref: string; label: string }, options: WaitOptions): Promise<WaitResult> {
    refuseUnknown(options, known.wait);
    const { until, timeoutMs } = options;
    const what = `waiting for ${label} ${waitWords[until ?? "exited"] ?? ""}`.trim();
    const begun = performance.now();
    // A later attempt must wait for the same run of the same process, whatever the reference means by then.
    const ofAnyRun = until === "ready" || until === "healthy";
    const { id, run } =
      (options.run !== undefined || ofAnyRun) && isUuid(ref)
        ? { id: ref, run: options.run }
        : await this.#currentRun(ref, options, timeoutMs === undefined ? `reading ${label}` : what);
    const request = {
      process: refToJson(id),
      ...(run !== undefined && !(ofAnyRun && options.run === undefined) && { run }),
      ...(until !== undefined && { condition: enumToJson(waitConditions, until, "until") }),
    };
    const left = timeoutMs === undefined ? {} : { timeoutMs: Math.max(timeoutMs - (performance.now() - begun), 1) };
    return waitResultFromJson(
      await this.#client.unary(
        "pm.v1.ProcessService/WaitProcess",
        request,
        { ...options, ...left },
        { what, waits: true, ...(timeoutMs !== undefined && { limitMs: timeoutMs }) },
      ),
    );
  }

  /**
   * Streams changes in order; several changes of one process may arrive as the last of them. Without a
   * `resourceVersion` it begins with `reset`, an `added` for each process there is, and a `bookmark`. After a lost
   * connection it resumes where it was, with the next daemon too; if that is no longer possible, `reset` comes again, and
   * everything anew. Never ends by itself; leave the loop or abort to end it.
   *
   * @throws PmError `INVALID_ARGUMENT`; `RESOURCE_VERSION_EXPIRED` does not surface but as `reset`
   */
  watch(options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    refuseUnknown(options, known.watch);
    return watchProcesses(this.#client, options);
  }

  /**
   * Samples what processes and their trees use: once at once, then after each interval. Nothing is sampled that nobody
   * asks for. Goes on after a lost connection, where percentages begin anew. Never ends by itself; leave the loop or
   * abort to end it.
   *
   * @throws PmError `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`
   */
  stats(options: StatsOptions = {}): AsyncIterable<UsageSample> {
    refuseUnknown(options, known.stats);
    return sampleUsage(this.#client, options);
  }

  /**
   * Reads a range of a run's output in one consistent piece.
   *
   * @throws PmError `RUN_NOT_FOUND`, `OFFSET_OUT_OF_RANGE`, `INVALID_ARGUMENT`, `OUTPUT_UNREADABLE`
   */
  async output(ref: string, options: OutputReadOptions = {}): Promise<OutputRead> {
    refuseUnknown(options, known.read);
    const { maxBytes } = options;
    const request = { ...outputToJson(ref, options), ...(maxBytes !== undefined && { maxBytes }) };
    const kind = { what: `reading the output of ${ref}` };
    return outputReadFromJson(await this.#client.unary("pm.v1.ProcessService/GetOutput", request, options, kind));
  }

  /**
   * Streams a run's output from a place on, and with `follow` goes on until it is complete. Nothing happens before it is
   * iterated. Errors surface there.
   */
  stream(ref: string, options: StreamOptions = {}): OutputStream {
    return this.streamOf({ ref, label: ref }, options);
  }

  /** @internal For {@link Process}, which knows a better label. */
  streamOf({ ref, label }: { ref: string; label: string }, options: StreamOptions): OutputStream {
    refuseUnknown(options, known.stream);
    return new OutputStream(this.#client, ref, label, options);
  }

  /**
   * Streams the output of every process that a filter selects, merged by time; each run is a member with offsets of its
   * own. With `follow`, processes and runs that begin later join. After a lost connection every member resumes where it
   * was: no byte is lost or comes twice.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  outputs(filter?: ProcessFilter, options: OutputsOptions = {}): OutputsStream {
    refuseUnknown(filter ?? {}, known.filter, "filter");
    refuseUnknown(options, known.outputs);
    return followOutputs(this.#client, filter, options);
  }

  /**
   * Writes to standard input or the terminal, in whole and in order with other writes; resolves when all of it is in
   * the pipe, which takes as long as the process takes to read. At most 1 MiB. When the call ends early, part of the
   * data may have been written: with `inputOffset` it can be made again.
   *
   * @param data text is written as UTF-8
   * @throws PmError `NOT_RUNNING`, `INPUT_CLOSED`, `SUPERVISOR_LOST`, `SUPERVISOR_UNRESPONSIVE`, `LIMIT_EXCEEDED`,
   * `CONDITION_FAILED` where bytes before `inputOffset` are missing
   */
  async write(ref: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<WriteResult> {
    refuseUnknown(options, known.write);
    const { close, inputOffset, precondition } = options;
    const bytes = typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const request = {
      process: refToJson(ref),
      data: bytes.toString("base64"),
      ...(close && { close }),
      ...(inputOffset !== undefined && { inputOffset: integerToJson(inputOffset, "inputOffset") }),
      ...preconditionToJson(precondition),
    };
    const response = await this.#client.unary("pm.v1.ProcessService/WriteInput", request, options, {
      what: `writing to ${ref}`,
      repeatable: inputOffset === undefined ? "unsent" : "always",
      waits: true,
    });
    return { inputOffset: Number(response.inputOffset ?? 0) };
  }

  /**
   * Changes the size of the process's terminal, in character cells; its foreground process group gets SIGWINCH.
   *
   * @throws PmError `NOT_RUNNING`, `INVALID_ARGUMENT` if it has no terminal
   */
  async resizeTerminal(ref: string, size: TerminalSize, options: ResizeOptions = {}): Promise<void> {
    refuseUnknown(options, known.resize);
    refuseUnknown(size, known.size, "size");
    const { rows, columns } = size;
    const request = { process: refToJson(ref), size: { rows, columns }, ...preconditionToJson(options.precondition) };
    const kind = { what: `resizing the terminal of ${ref}` };
    await this.#client.unary("pm.v1.ProcessService/ResizeTerminal", request, options, kind);
  }

  async *#list(options: ListOptions): AsyncGenerator<ProcessInfo, void, void> {
    let token: string | undefined;
    do {
      const page: ProcessPage = await this.listPage({ ...options, ...(token !== undefined && { pageToken: token }) });
      yield* page.processes;
      token = page.nextPageToken;
    } while (token !== undefined);
  }

  async #currentRun(ref: string, options: WaitOptions, what: string): Promise<{ id: string; run: number | undefined }> {
    const request = { process: refToJson(ref) };
    const response = await this.#client.unary("pm.v1.ProcessService/GetProcess", request, options, { what });
    const { id, run } = processFromJson(response.process);
    return { id, run: options.run ?? run?.number };
  }

  #change({ precondition, requestId }: Pick<StopOptions, "precondition" | "requestId">): {
    precondition?: { run?: number; resourceVersion?: string };
    requestId: string;
  } {
    return { ...preconditionToJson(precondition), requestId: requestId ?? newRequestId() };
  }

  #batch<ResultJson, Result extends { readonly id: string }>(
    selection: Selection,
    options: BatchOptions,
    what: string,
    call: (
      request: ReturnType<typeof selectionToJson> & { requestId: string },
    ) => Omit<Batch<ResultJson, Result>, "what">,
  ): AsyncIterable<Result> {
    refuseUnknown(selection, known.selection, "filter");
    const selected = selectionToJson(selection);
    return batch(this.#client, options, () => ({
      what,
      ...call({ ...selected, requestId: options.requestId ?? newRequestId() }),
    }));
  }
}

function changeResult({
  process,
  error,
}: {
  process?: ProcessJson;
  error?: Parameters<typeof batchErrorFromJson>[0];
}): BatchResult {
  return {
    id: process?.id ?? "",
    // Every process has a state; of one that is gone the daemon may know the id alone.
    ...((process?.state !== undefined || error === undefined) && { process: processFromJson(process) }),
    ...(error !== undefined && { error: batchErrorFromJson(error) }),
  };
}

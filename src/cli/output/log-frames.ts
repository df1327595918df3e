/** The output that `pm logs` shows, of one process or of many, as one kind of frames. */
import type {
  OutputChunk,
  OutputStart,
  OutputStream,
  OutputStreamName,
  ProcessFilter,
  ProcessManager,
} from "../../sdk/index.ts";

export interface LogRequest {
  readonly follow: boolean;
  /** With `follow`, of many: end when all of them have ended. */
  readonly untilIdle?: boolean;
  readonly streams: readonly OutputStreamName[] | undefined;
  readonly lines: number | undefined;
  /** Whoever prints counts the lines. */
  readonly countLines: boolean;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly offset: number | undefined;
  readonly run: number | undefined;
}

/** One run of a process. The frames of a run share one object. */
export interface LogSource {
  readonly id: string;
  readonly name: string | undefined;
  readonly run: number;
}

type OneProcess = { readonly id: string; readonly name?: string | undefined };

export type LogFrame =
  | ({ readonly type: "chunk"; readonly source: LogSource } & OutputChunk)
  | { readonly type: "gap"; readonly source: LogSource; readonly from: number; readonly to: number }
  | { readonly type: "end"; readonly source: LogSource }
  /** What there was when it began has been shown. */
  | { readonly type: "caughtUp" };

/** @param info one process, or else `filter` those that are shown */
export async function* logFrames(
  manager: ProcessManager,
  info: OneProcess | undefined,
  filter: ProcessFilter | undefined,
  request: LogRequest,
): AsyncGenerator<LogFrame, void, void> {
  if (info !== undefined) {
    yield* framesOfOne(manager, info, request);
    return;
  }
  const { follow, untilIdle = false, streams, until } = request;
  const common = { ...(streams && { streams }), ...(until && { until }) };
  if (!follow || !request.countLines) {
    yield* framesOfMany(manager, filter, { ...common, ...startOf(request), ...(follow && { follow, untilIdle }) });
    return;
  }
  // First what there is, then what comes: between the two the lines that fit are counted.
  const first = manager.processes.outputs(filter, { ...common, ...startOf(request) });
  yield* converted(first);
  yield { type: "caughtUp" };
  yield* framesOfMany(manager, filter, { ...common, follow, untilIdle, cursors: first.cursors() });
}

/**
 * The output of one process as it is.
 *
 * @param ref its id or name
 * @param reuse see `StreamOptions`
 */
export function outputOfOne(
  manager: ProcessManager,
  ref: string,
  { reuse, ...request }: LogRequest & { readonly reuse: boolean },
): OutputStream {
  const { follow, streams, until, run } = request;
  return manager.processes.stream(ref, {
    reuse,
    ...startOf(request),
    ...(streams && { streams }),
    ...(until && { until }),
    ...(run !== undefined && { run }),
    ...(follow && { follow, followRestarts: run === undefined }),
  });
}

/** Of one process, every byte in its order. */
async function* framesOfOne(
  manager: ProcessManager,
  info: OneProcess,
  request: LogRequest,
): AsyncGenerator<LogFrame, void, void> {
  const { follow, streams, until, run } = request;
  const common = { ...(streams && { streams }), ...(until && { until }) };
  let start: OutputStart | undefined = startOf(request).start;
  let from = run;
  if (follow && request.countLines) {
    for await (const frame of manager.processes.stream(info.id, {
      ...common,
      ...(start && { start }),
      ...(from !== undefined && { run: from }),
    })) {
      if (frame.type === "opened") {
        from = frame.run;
      }
      if (frame.type === "end") {
        start = { offset: frame.finalOffset };
      } else {
        yield* ofOne(info, from ?? 1, frame);
      }
    }
    yield { type: "caughtUp" };
  }
  let current = from ?? 1;
  for await (const frame of manager.processes.stream(info.id, {
    ...common,
    ...(start && { start }),
    ...(from !== undefined && { run: from }),
    ...(follow && { follow, followRestarts: run === undefined }),
  })) {
    if (frame.type === "opened") {
      current = frame.run;
    }
    yield* ofOne(info, current, frame);
  }
}

type OneFrame = { readonly type: string } & Partial<OutputChunk> & { readonly from?: number; readonly to?: number };

function* ofOne({ id, name }: OneProcess, run: number, frame: OneFrame): Generator<LogFrame, void, void> {
  const source = { id, name, run };
  switch (frame.type) {
    case "chunk":
      yield { ...(frame as OutputChunk), type: "chunk", source };
      break;
    case "gap":
      yield { type: "gap", source, from: frame.from ?? 0, to: frame.to ?? 0 };
      break;
    case "end":
      yield { type: "end", source };
      break;
  }
}

function framesOfMany(
  manager: ProcessManager,
  filter: ProcessFilter | undefined,
  options: Parameters<ProcessManager["processes"]["outputs"]>[1],
): AsyncGenerator<LogFrame, void, void> {
  return converted(manager.processes.outputs(filter, options));
}

async function* converted(
  frames: ReturnType<ProcessManager["processes"]["outputs"]>,
): AsyncGenerator<LogFrame, void, void> {
  const sources = new WeakMap<object, LogSource>();
  const sourceOf = (member: { processId: string; processName?: string; run: number }): LogSource => {
    const known = sources.get(member) ?? { id: member.processId, name: member.processName, run: member.run };
    sources.set(member, known);
    return known;
  };
  for await (const frame of frames) {
    switch (frame.type) {
      case "chunk": {
        const { member, ...chunk } = frame;
        yield { ...chunk, source: sourceOf(member) };
        break;
      }
      case "gap":
        yield { type: "gap", source: sourceOf(frame.member), from: frame.from, to: frame.to };
        break;
      case "memberEnd":
        yield { type: "end", source: sourceOf(frame.member) };
        break;
    }
  }
}

function startOf({ lines, countLines, since, offset }: LogRequest): { readonly start?: OutputStart } {
  const start = {
    ...(lines !== undefined && !countLines && { tailLines: lines }),
    ...(offset !== undefined && { offset }),
    ...(since !== undefined && { since }),
  };
  return Object.keys(start).length === 0 ? {} : { start };
}

import type { OutputStart, OutputStreamName } from "../api/output.ts";
import type { ExitStatus, OutputInfo } from "../api/run.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { runNotFound } from "../operations/wait.ts";
import type { ManagedProcess } from "../process/process.ts";
import { exitStatus, outputInfo, type Run, type RunView } from "../run/run.ts";
import { RunState, Stream, type StreamNumber } from "../shim/layout.ts";
import type { Ring } from "../shim/ring.ts";
import { RingUnreadableError, RingVersionError } from "../shim/ring-errors.ts";

/** The run that a request for `number` means. */
export function chooseRun(process: ManagedProcess, number: number | null): Run {
  const run = number === null ? process.current : process.run(number);
  if (run === undefined) throw runNotFound(process, number ?? 0);
  return run;
}

export function describeOutput(run: Run, view: RunView | null): OutputInfo {
  return view === null ? run.output : outputInfo(view, run.isOver, run.effective.outputLimitBytes);
}

export function exitOf(run: Run, view: RunView | null): ExitStatus | null {
  if (view === null) return run.exit;
  return view.header.state === RunState.exited ? exitStatus(view.header, run.oomKilled) : null;
}

export function look(ring: Ring): RunView {
  const header = ring.header();
  return { header, firstOffset: ring.firstOffset(header) };
}

/** What a reader is told of a ring that makes no sense. */
export function unreadable(process: ManagedProcess, run: Run, error: unknown): unknown {
  if (!(error instanceof RingUnreadableError) && !(error instanceof RingVersionError)) return error;
  return new EngineError(
    "OUTPUT_UNREADABLE",
    `the output of run ${run.number} of process ${process.id} is damaged: ${error.message}`,
    { id: process.id, run: String(run.number) },
    error,
  );
}

export function streamNumbers(streams: readonly OutputStreamName[]): StreamNumber[] {
  return streams.map((name) => Stream[name]);
}

export function streamName(stream: StreamNumber): OutputStreamName {
  switch (stream) {
    case Stream.stdout:
      return "stdout";
    case Stream.stderr:
      return "stderr";
    default:
      return "tty";
  }
}

/** The offset at which a read begins: the later one of the position and the time. */
export async function startOffset(
  core: Core,
  ring: Ring | null,
  start: OutputStart,
  streams: readonly OutputStreamName[],
  signal?: AbortSignal,
): Promise<number> {
  const position = await positionOffset(core, ring, start.position, streams, signal);
  return start.since === null || ring === null ? position : Math.max(position, ring.offsetSince(start.since));
}

/** The offset before which a read ends. */
export function endOffset(ring: Ring | null, until: bigint | null): number {
  return until === null || ring === null ? Number.POSITIVE_INFINITY : ring.offsetSince(until);
}

async function positionOffset(
  core: Core,
  ring: Ring | null,
  position: OutputStart["position"],
  streams: readonly OutputStreamName[],
  signal?: AbortSignal,
): Promise<number> {
  if (position.kind === "offset") {
    const next = ring?.header().written ?? 0;
    const { offset } = position;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > next) {
      throw new EngineError("OFFSET_OUT_OF_RANGE", `offset ${offset} lies beyond the end of the output, ${next}`, {
        offset: String(offset),
        next_offset: String(next),
      });
    }
    return offset;
  }
  if (ring === null) return 0;
  if (position.kind === "tailBytes") {
    const { header, firstOffset } = look(ring);
    return Math.max(firstOffset, header.written - Math.max(0, position.bytes));
  }
  const offset = await ring.tailLines(position.lines, streamNumbers(streams), signal);
  core.checkOpen();
  return offset;
}

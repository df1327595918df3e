import type { OutputStart, OutputStreamName } from "../api/output.ts";
import type { ExitStatus, OutputInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { runNotFound } from "../operations/wait.ts";
import { exitStatus, type ManagedProcess, outputInfo, type RunView } from "../process/process.ts";
import { RunState, Stream, type StreamNumber } from "../shim/layout.ts";
import type { Ring } from "../shim/ring.ts";

/** The number of the run that a request for `run` means. */
export function chooseRun(process: ManagedProcess, run: number): number {
  const chosen = run === 0 ? process.run : run;
  if (chosen < 1 || chosen > process.run || chosen < process.run - 1) throw runNotFound(process, run);
  return chosen;
}

/** Whether nobody will write this run's output any more, whatever its ring says. */
export function isOver(process: ManagedProcess, run: number): boolean {
  if (run !== process.run) return process.lostRuns.has(run);
  return process.shimGone || process.failure !== null;
}

export function describeOutput(process: ManagedProcess, run: number, view: RunView | null): OutputInfo {
  return outputInfo(view, isOver(process, run), process.spec.outputLimitBytes);
}

export function exitOf(process: ManagedProcess, run: number, view: RunView | null): ExitStatus | null {
  if (view === null || view.header.state !== RunState.exited) return null;
  return exitStatus(view.header, run === process.run && process.oomKilled);
}

export function look(ring: Ring): RunView {
  const header = ring.header();
  return { header, firstOffset: ring.firstOffset(header) };
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

/** The offset at which a read begins. */
export async function startOffset(
  core: Core,
  ring: Ring | null,
  start: OutputStart,
  streams: readonly OutputStreamName[],
  signal?: AbortSignal,
): Promise<number> {
  if (start.kind === "offset") {
    const next = ring?.header().written ?? 0;
    if (!Number.isSafeInteger(start.offset) || start.offset < 0 || start.offset > next) {
      throw new EngineError(
        "OFFSET_OUT_OF_RANGE",
        `offset ${start.offset} lies beyond the end of the output, ${next}`,
        {
          offset: String(start.offset),
          next_offset: String(next),
        },
      );
    }
    return start.offset;
  }
  if (ring === null) return 0;
  switch (start.kind) {
    case "tailBytes": {
      const { header, firstOffset } = look(ring);
      return Math.max(firstOffset, header.written - Math.max(0, start.bytes));
    }
    case "tailLines": {
      const offset = await ring.tailLines(start.lines, streamNumbers(streams), signal);
      core.checkOpen();
      return offset;
    }
    case "since":
      return ring.offsetSince(start.time);
  }
}

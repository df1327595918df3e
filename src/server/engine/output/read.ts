import type { OutputChunk, OutputGap, OutputRead, ReadOutputOptions } from "../api/output.ts";
import type { Core } from "../core.ts";
import { runNotFound } from "../operations/wait.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";
import type { Ring } from "../shim/ring.ts";
import { hasCode } from "../shim/system-error.ts";
import {
  chooseRun,
  describeOutput,
  endOffset,
  look,
  startOffset,
  streamName,
  streamNumbers,
  unreadable,
} from "./run.ts";

const maxReadBytes = 3 * 1024 * 1024;

/** Reads a range of a run's output in one piece. */
export async function readOutput(
  core: Core,
  process: ManagedProcess,
  options: ReadOutputOptions & { maxBytes: number },
): Promise<OutputRead> {
  const run = chooseRun(process, options.run);
  let ring: Ring | null = null;
  try {
    ring = openRing(core, process, run);
    const start = await startOffset(core, ring, options.start, options.streams);
    if (ring === null) {
      const output = describeOutput(run, null);
      return { processId: process.id, run: run.number, chunks: [], gap: null, nextOffset: output.nextOffset, output };
    }
    const wanted = streamNumbers(options.streams);
    const end = Math.min(start + Math.min(options.maxBytes, maxReadBytes), endOffset(ring, options.until));
    const chunks: OutputChunk[] = [];
    let gap: OutputGap | null = null;
    let nextOffset = start;
    while (nextOffset < end) {
      const read = ring.read(nextOffset, end - nextOffset);
      if (read.gap !== null) {
        // Evicted since the last round: the next read reports it.
        if (nextOffset !== start) break;
        gap = read.gap;
      }
      for (const { stream, offset, timeMicros, data } of read.chunks) {
        if (wanted.length === 0 || wanted.includes(stream)) {
          chunks.push({ stream: streamName(stream), offset, timeMicros, data });
        }
      }
      if (read.nextOffset === nextOffset) break;
      nextOffset = read.nextOffset;
    }
    // A tail begins with what is kept, even if that moved on during the read.
    if (options.start.position.kind !== "offset") gap = null;
    return { processId: process.id, run: run.number, chunks, gap, nextOffset, output: describeOutput(run, look(ring)) };
  } catch (error) {
    throw unreadable(process, run, error);
  } finally {
    ring?.close();
  }
}

/** Null: the run has no ring (yet). */
function openRing(core: Core, process: ManagedProcess, run: Run): Ring | null {
  let ring: Ring;
  try {
    ring = core.openRing(process, run);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    if (run !== process.current) throw runNotFound(process, run.number);
    return null;
  }
  if (ring.header().published) return ring;
  ring.close();
  return null;
}

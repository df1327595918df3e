import type { OutputChunk, OutputGap, OutputRead, ReadOutputOptions } from "../api/output.ts";
import type { Core } from "../core.ts";
import { runNotFound } from "../operations/wait.ts";
import type { ManagedProcess } from "../process/process.ts";
import { Ring } from "../shim/ring.ts";
import { hasCode } from "../shim/system-error.ts";
import { chooseRun, describeOutput, look, startOffset, streamName, streamNumbers } from "./run.ts";

const maxReadBytes = 4 * 1024 * 1024;

/** Reads a range of a run's output in one piece. */
export async function readOutput(
  core: Core,
  process: ManagedProcess,
  options: ReadOutputOptions & { maxBytes: number },
): Promise<OutputRead> {
  const run = chooseRun(process, options.run);
  const ring = openRing(core, process, run);
  try {
    const start = await startOffset(core, ring, options.start, options.streams);
    if (ring === null) {
      return { run, chunks: [], gap: null, nextOffset: 0, output: describeOutput(process, run, null) };
    }
    const wanted = streamNumbers(options.streams);
    const end = start + Math.min(options.maxBytes, maxReadBytes);
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
    if (options.start.kind === "tailBytes" || options.start.kind === "tailLines") gap = null;
    return { run, chunks, gap, nextOffset, output: describeOutput(process, run, look(ring)) };
  } finally {
    ring?.close();
  }
}

/** Null: the run has no ring (yet). */
function openRing(core: Core, process: ManagedProcess, run: number): Ring | null {
  let ring: Ring;
  try {
    ring = Ring.open(core.paths(process, run).ring);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    if (run !== process.run) throw runNotFound(process, run);
    return null;
  }
  if (ring.header().published) return ring;
  ring.close();
  return null;
}

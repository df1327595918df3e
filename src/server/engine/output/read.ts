import type { OutputChunk, OutputGap, OutputRead, ReadOutputOptions } from "../api/output.ts";
import { chooseRun, describeOutput } from "./describe.ts";
import type { OutputProcess } from "./directory.ts";
import type { SourcePool } from "./pool.ts";
import { RunReader } from "./reader.ts";
import { startOffset } from "./start.ts";

/** As the contract allows. */
const maxReadBytes = 3 * 1024 * 1024;

/** Reads a range of a run's output in one piece. */
export async function readOutput(
  pool: SourcePool,
  process: OutputProcess,
  options: ReadOutputOptions & { maxBytes: number },
): Promise<OutputRead> {
  const run = chooseRun(process, options.run);
  const identity = { processId: process.id, run: run.number };
  const lease = pool.acquire(run);
  try {
    const source = lease?.source ?? null;
    const begin = await startOffset(source, options.start, options.streams);
    if (source === null) {
      return { ...identity, chunks: [], gap: null, nextOffset: 0, output: describeOutput(run, null) };
    }
    const limit = begin + Math.min(options.maxBytes, maxReadBytes);
    const reader = new RunReader(begin, limit, options);
    const chunks: OutputChunk[] = [];
    let gap: OutputGap | null = null;
    let nextOffset = begin;
    for (;;) {
      const read = await reader.read(source, limit - reader.position);
      if (read.gap !== null) {
        // Dropped since the round before: the next call reports it.
        if (nextOffset !== begin) break;
        gap = read.gap;
      }
      chunks.push(...read.chunks);
      nextOffset = reader.position;
      if (!read.moved || reader.done) break;
    }
    return { ...identity, chunks, gap, nextOffset, output: describeOutput(run, source) };
  } finally {
    lease?.release();
  }
}

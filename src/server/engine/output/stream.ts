import { setImmediate, setTimeout } from "node:timers/promises";
import type { OutputEnd, OutputFrame, StreamOutputOptions } from "../api/output.ts";
import { Notifier } from "../notifier.ts";
import { type Block, blockBytes } from "./blocks.ts";
import type { OutputContext } from "./context.ts";
import { chooseRun, describeOutput } from "./describe.ts";
import type { OutputProcess } from "./directory.ts";
import type { HoldLease } from "./hold/holds.ts";
import type { SourceLease } from "./pool.ts";
import { ReadAhead } from "./read-ahead.ts";
import { RunReader, untilPassedMs } from "./reader.ts";
import { startOffset } from "./start.ts";

/** Counts as taken where the stream ends with what there is: the reads are the largest. */
const snapshotTakenBytes = 1024 * 1024;
/** The source is looked at this often even if nobody tells. */
const recheckMs = 5_000;
/**
 * While small pieces come in one right after the other, several make one chunk.
 * Not the first ones: a few lines together, or one that came late, wait for nothing.
 */
const lingerMs = 3;
const lingerAfterPieces = 8;
const lingerBelowBytes = 16 * 1024;
const lingerWithinMs = 2;
/** End of output usually comes a moment before the end of the process. */
export const exitHoldMs = 200;

/** Streams a run's output, and follows it to its end if asked to. */
export async function* streamOutput(
  context: OutputContext,
  process: OutputProcess,
  options: StreamOutputOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, void, undefined> {
  const { pool, blocks, news, holds } = context;
  const run = chooseRun(process, options.run);
  const changed = new Notifier();
  const wake = () => changed.notify();
  news.subscribe(run, wake);
  let lease: SourceLease | null = null;
  let hold: HoldLease | null = null;
  /** Of the chunks that were yielded last. */
  let block: Block | null = null;
  const ahead = new ReadAhead();
  // Who wants what there is reads it at once; a follower may have come for good, and not read.
  let takenBytes = options.follow ? 0 : snapshotTakenBytes;
  try {
    lease = pool.acquire(run);
    const begin = await startOffset(lease?.source ?? null, options.start, options.streams, signal);
    context.checkOpen();
    const wasThere = lease !== null;
    if (options.hold !== null) {
      hold = holds.attach(run, options.hold.token, begin);
      if (wasThere) await hold.begin();
    }
    const output = describeOutput(run, lease?.source ?? null);
    const limit = options.follow ? Number.POSITIVE_INFINITY : output.nextOffset;
    const reader = new RunReader(begin, limit, options);
    const holdToken = hold?.token ?? "";
    const isSelective = options.streams.length > 0 || options.start.since !== null;
    const more = !options.follow && wasThere && !reader.done && !isSelective;
    yield { kind: "opened", processId: process.id, run: run.number, startOffset: begin, output, holdToken, more };
    let lastFrame = performance.now();
    let lastData = 0;
    /** Pieces that came right after the one before. */
    let quick = 0;

    const untilHeartbeat = () => Math.max(0, options.heartbeatMs - (performance.now() - lastFrame));
    const heartbeatDue = () => performance.now() - lastFrame >= options.heartbeatMs;
    const untilEnd = () => untilPassedMs(options.until);
    const end = (reason: OutputEnd["reason"]): OutputFrame => ({
      kind: "end",
      finalOffset: reader.position,
      reason,
      exit: run.exit,
      nextRun: run.nextRun === "undecided" ? null : run.nextRun,
    });

    while (lease === null) {
      signal.throwIfAborted();
      context.checkOpen();
      if (run.removed) return yield end("removed");
      if (!options.follow) return yield end("snapshot");
      if (run.over !== null && run.nextRun !== "undecided") {
        return yield end(run.over === "failed" ? "complete" : "lost");
      }
      if (untilEnd() <= 0) return yield end("snapshot");
      if (heartbeatDue()) {
        lastFrame = performance.now();
        yield { kind: "heartbeat", nextOffset: reader.position };
      }
      // Looked at right before the wait, so that nothing falls in between.
      lease = pool.acquire(run);
      if (lease === null) {
        await changed.wait(signal, Math.min(untilHeartbeat(), recheckMs, Math.max(1, untilEnd())));
      }
    }
    const { source } = lease;
    if (!wasThere) await hold?.begin();
    let completeSince = 0;
    /** Before it everything was read that has been, or will be, yielded; the read ahead is beyond. */
    let position = reader.position;

    for (;;) {
      signal.throwIfAborted();
      context.checkOpen();
      const from = position;
      const read = await (ahead.take() ?? reader.read(source, blocks.readBytes(takenBytes), blocks));
      block = read.block;
      position = reader.position;
      const ends = reader.untilReached || (!options.follow && reader.done);
      // One who takes much waits for no read while the socket has room.
      const sendsLong = position - from >= blockBytes / 2 && read.chunks.length > 0;
      if (sendsLong && !ends && blocks.readBytes(takenBytes) >= blockBytes) {
        ahead.begin(() => reader.read(source, blocks.readBytes(takenBytes), blocks));
      }
      if (read.gap !== null) {
        yield { kind: "gap", gap: read.gap };
        lastFrame = performance.now();
      }
      for (const chunk of read.chunks) {
        yield { kind: "chunk", chunk, more: ends || chunk !== read.chunks.at(-1) };
        lastFrame = performance.now();
      }
      takenBytes += position - (read.gap?.to ?? from);
      if (ends) yield end("snapshot");
      // Whoever comes back for the next frame is done with those before.
      block?.release();
      block = null;
      if (ends) return;
      if (read.moved) {
        lastData = performance.now();
        // Nothing of what was read may have been wanted.
        if (heartbeatDue()) {
          lastFrame = performance.now();
          yield { kind: "heartbeat", nextOffset: position };
        }
        // Reading is synchronous: one flood must not keep the others from their turn.
        if (!ahead.isMade) await setImmediate();
        continue;
      }
      if (!options.follow) return yield end("snapshot");
      if (run.removed) return yield end("removed");
      if (untilEnd() <= 0) return yield end("snapshot");

      // Asked first and looked at afterwards, so that no growth falls in between.
      source.follow();
      const view = source.look();
      if (view.nextOffset > reader.position) continue;
      let patienceMs = recheckMs;
      if (view.complete || run.over !== null) {
        const now = performance.now();
        if (completeSince === 0) completeSince = now;
        const exitMayCome = run.running && run.over === null;
        patienceMs = exitMayCome ? exitHoldMs - (now - completeSince) : 0;
        if (patienceMs <= 0 && run.nextRun !== "undecided") return yield end(view.complete ? "complete" : "lost");
        if (patienceMs <= 0) patienceMs = recheckMs;
      }
      if (heartbeatDue()) {
        lastFrame = performance.now();
        yield { kind: "heartbeat", nextOffset: reader.position };
        continue;
      }
      await changed.wait(signal, Math.min(untilHeartbeat(), patienceMs, Math.max(1, untilEnd())));
      quick = performance.now() - lastData < lingerWithinMs ? quick + 1 : 0;
      if (quick > lingerAfterPieces) await linger(source.look().nextOffset - reader.position);
    }
  } finally {
    // Whoever leaves in between may still be sending.
    block?.keep();
    block?.release();
    await ahead.drop();
    news.unsubscribe(run, wake);
    hold?.release();
    lease?.release();
  }
}

async function linger(pendingBytes: number): Promise<void> {
  if (pendingBytes > 0 && pendingBytes < lingerBelowBytes) await setTimeout(lingerMs);
}

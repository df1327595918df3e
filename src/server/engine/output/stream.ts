import { setImmediate, setTimeout } from "node:timers/promises";
import type { OutputFrame, StreamOutputOptions } from "../api/output.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { runNotFound } from "../operations/wait.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";
import { RunState } from "../shim/layout.ts";
import { hasCode } from "../shim/system-error.ts";
import type { Follower } from "./followers.ts";
import {
  chooseRun,
  describeOutput,
  endOffset,
  exitOf,
  look,
  startOffset,
  streamName,
  streamNumbers,
  unreadable,
} from "./run.ts";

/** Looked at in one go, before others get their turn. */
const batchBytes = 256 * 1024;
/** The ring is looked at this often even if no event comes. */
const recheckMs = 5_000;
/** While output trickles in, several small pieces make one chunk. */
const lingerMs = 3;
const lingerBelowBytes = 16 * 1024;
const lingerWithinMs = 5;
/** End of output usually comes a moment before the end of the process. */
const exitHoldMs = 200;

/** Streams a run's output, and follows it to its end if asked to. */
export async function* streamOutput(
  core: Core,
  process: ManagedProcess,
  options: StreamOutputOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, void, undefined> {
  const run = chooseRun(process, options.run);
  if (options.hold !== null) throw holdRefused(process, run);
  let follower: Follower | null = null;
  try {
    follower = open(core, process, run);
    let position = await startOffset(core, follower?.ring ?? null, options.start, options.streams, signal);
    const opening = follower === null ? null : look(follower.ring);
    const output = describeOutput(run, opening);
    const now = options.follow ? Number.POSITIVE_INFINITY : output.nextOffset;
    // What is read later than now is not there yet.
    const isPast = options.until !== null && options.until <= core.options.clock.wall();
    const limit = Math.min(now, endOffset(follower?.ring ?? null, isPast ? options.until : null));
    yield { kind: "opened", processId: process.id, run: run.number, startOffset: position, output, holdToken: "" };
    let lastFrame = performance.now();
    let lastData = 0;
    const wanted = streamNumbers(options.streams);

    const untilHeartbeat = () => Math.max(0, options.heartbeatMs - (performance.now() - lastFrame));
    const heartbeatDue = () => performance.now() - lastFrame >= options.heartbeatMs;
    const end = (reason: "complete" | "snapshot" | "lost" | "removed"): OutputFrame => ({
      kind: "end",
      finalOffset: position,
      reason,
      exit: exitOf(run, follower === null ? null : look(follower.ring)),
      nextRun: process.current.number > run.number ? run.number + 1 : null,
    });
    /** A restart under way decides whether there is a next run to follow. */
    const undecided = () => process.current === run && process.restarting !== null && !process.removed;

    while (follower === null) {
      signal.throwIfAborted();
      core.checkOpen();
      if (process.removed) return yield end("removed");
      if (!options.follow) return yield end("snapshot");
      if (process.current !== run || run.final) {
        if (!undecided()) return yield end(run.failure === null ? "lost" : "complete");
      }
      if (heartbeatDue()) {
        lastFrame = performance.now();
        yield { kind: "heartbeat", nextOffset: position };
      }
      await process.changed.wait(signal, Math.min(untilHeartbeat(), recheckMs));
      follower = open(core, process, run);
    }
    const { ring, news } = follower;
    let completeSince = 0;

    for (;;) {
      signal.throwIfAborted();
      core.checkOpen();
      const read = position < limit ? ring.read(position, Math.min(batchBytes, limit - position)) : null;
      if (read?.gap) {
        yield { kind: "gap", gap: { from: read.gap.from, to: Math.min(read.gap.to, limit) } };
        lastFrame = performance.now();
      }
      for (const { stream, offset, timeMicros, data } of read?.chunks ?? []) {
        if (wanted.length > 0 && !wanted.includes(stream)) continue;
        yield { kind: "chunk", chunk: { stream: streamName(stream), offset, timeMicros, data } };
        lastFrame = performance.now();
      }
      if (read !== null && read.nextOffset > position) {
        position = Math.min(read.nextOffset, limit);
        lastData = performance.now();
        // Nothing of what was read may have been wanted.
        if (heartbeatDue()) {
          lastFrame = performance.now();
          yield { kind: "heartbeat", nextOffset: position };
        }
        // Reading is synchronous: one flood must not keep the others from their turn.
        await setImmediate();
        continue;
      }
      if (!options.follow) return yield end("snapshot");
      if (process.removed) return yield end("removed");

      // Armed first and looked at afterwards, so that no growth falls in between.
      ring.arm();
      const { header } = look(ring);
      if (header.written > position) continue;
      let patienceMs = recheckMs;
      if (header.outputComplete || run.isOver) {
        const now = performance.now();
        if (completeSince === 0) completeSince = now;
        const exitMayCome = header.state === RunState.running && !run.isOver;
        patienceMs = exitMayCome ? exitHoldMs - (now - completeSince) : 0;
        if (patienceMs <= 0 && !undecided()) return yield end(header.outputComplete ? "complete" : "lost");
        if (patienceMs <= 0) patienceMs = recheckMs;
      }
      if (heartbeatDue()) {
        lastFrame = performance.now();
        yield { kind: "heartbeat", nextOffset: position };
        continue;
      }
      await news.wait(signal, Math.min(untilHeartbeat(), patienceMs));
      if (performance.now() - lastData < lingerWithinMs) await linger(ring.header().written - position);
    }
  } catch (error) {
    throw unreadable(process, run, error);
  } finally {
    follower?.release();
  }
}

function holdRefused(process: ManagedProcess, run: Run): EngineError {
  const metadata = { id: process.id, run: String(run.number) };
  return new EngineError("HOLD_REFUSED", `run ${run.number} of process ${process.id} cannot be held`, metadata);
}

async function linger(pendingBytes: number): Promise<void> {
  if (pendingBytes > 0 && pendingBytes < lingerBelowBytes) await setTimeout(lingerMs);
}

/** Null: the run has no ring (yet). */
function open(core: Core, process: ManagedProcess, run: Run): Follower | null {
  let follower: Follower;
  try {
    follower = core.followers.follow(process.id, run.number, core.ringPath(process, run));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    if (run !== process.current && !process.removed) throw runNotFound(process, run.number);
    return null;
  }
  if (follower.ring.header().published) return follower;
  follower.release();
  return null;
}

/** Following a process's output through lost connections, restarts of the daemon, and restarts of the process. */
import { PmError } from "./errors.ts";
import { outputToJson } from "./json/requests.ts";
import { durationToJson } from "./json/scalars.ts";
import { resuming } from "./resuming.ts";
import { Retries } from "./retries.ts";
import type { Transport } from "./transport/transport.ts";
import type { OutputFrame, OutputStart, StreamOptions } from "./types.ts";
import { watchProcesses } from "./watch.ts";

const defaultHeartbeatMs = 15_000;
/** Heartbeats that may fail to come before the connection is taken for dead. */
const missedHeartbeats = 2.5;

/** Where a follower stands: what its next request asks for. */
interface Cursor {
  readonly id: string;
  readonly run?: number;
  readonly start?: OutputStart;
}

/** See `OutputStream`. */
export async function* followOutput(
  transport: Transport,
  ref: string,
  options: StreamOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, void, void> {
  const { follow = false, followRestarts = false, run, start } = options;
  let begin: Cursor = { id: ref, ...(run !== undefined && { run }), ...(start !== undefined && { start }) };
  let continues = false;
  for (;;) {
    const one = followRun(transport, begin, options, signal);
    let end: RunEnd;
    try {
      end = yield* one;
    } catch (error) {
      // A run that a restart announced may not have begun, or be over and its output let go by now.
      const wanted = begin.run;
      if (!continues || wanted === undefined || !isRunNotFound(error)) {
        throw error;
      }
      const current = await runReached(transport, begin.id, wanted, signal);
      if (current === undefined) {
        return;
      }
      // The output of the current run and of the one before is kept.
      begin = { ...begin, run: Math.max(wanted, current - 1) };
      continue;
    }
    if (!follow || !followRestarts || end.nextRun === undefined) {
      return;
    }
    begin = { id: end.id, run: end.nextRun };
    continues = true;
  }
}

interface RunEnd {
  /** The process's UUID. */
  readonly id: string;
  readonly nextRun: number | undefined;
}

/** The frames of one run. */
async function* followRun(
  transport: Transport,
  begin: Cursor,
  options: StreamOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, RunEnd, void> {
  const { follow = false, heartbeatMs = defaultHeartbeatMs, reconnect = true } = options;
  let cursor = begin;
  /** The offset before which everything was yielded; undefined before `opened`. */
  let next: number | undefined;
  let end: RunEnd | undefined;

  const frames = resuming<OutputFrame>({
    attempt: (callOptions) => {
      const request = {
        ...outputToJson(cursor.id, { ...options, ...cursor }),
        ...(follow && { follow }),
        heartbeatInterval: durationToJson(heartbeatMs),
      };
      return transport.stream("pm.v1.ProcessService/StreamOutput", request, callOptions);
    },
    mayEnd: () => end !== undefined,
    silenceMs: heartbeatMs * missedHeartbeats,
    reconnect,
    retries: new Retries({ ...options, signal }),
    signal,
  });

  for await (const frame of frames) {
    switch (frame.type) {
      case "opened":
        if (next !== undefined) {
          continue; // Opened again after a lost connection: to the consumer it is one stream.
        }
        next = frame.startOffset;
        cursor = { id: frame.processId, run: frame.run };
        break;
      case "chunk":
        expectForward(next, frame.offset);
        next = frame.offset + frame.data.length;
        break;
      case "gap":
        expectForward(next, frame.from);
        next = frame.to;
        break;
      case "heartbeat":
        expectForward(next, frame.nextOffset);
        next = frame.nextOffset;
        break;
      case "end":
        end = { id: cursor.id, nextRun: frame.nextRun };
        break;
    }
    // A consumer that leaves at the yield never comes back, so the cursor may already be past this frame.
    cursor = { ...cursor, ...(next !== undefined && { start: { offset: next } }) };
    yield frame;
  }
  return end ?? { id: cursor.id, nextRun: undefined };
}

/** Bytes must never come twice, and nothing comes before `opened`. */
function expectForward(next: number | undefined, offset: number): void {
  if (next === undefined || offset < next) {
    throw new PmError("PROTOCOL", `the daemon sent output at offset ${offset}, expected ${next ?? "the opening"}`, {
      code: "internal",
    });
  }
}

/** Waits until the process has come to this run. Undefined: it was removed. */
async function runReached(
  transport: Transport,
  id: string,
  run: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  for await (const event of watchProcesses(transport, { filter: { ids: [id] }, signal })) {
    if (event.type === "removed") {
      return undefined;
    }
    if ((event.type === "added" || event.type === "modified") && event.process.run >= run) {
      return event.process.run;
    }
  }
  return undefined;
}

function isRunNotFound(error: unknown): boolean {
  return error instanceof PmError && error.reason === "RUN_NOT_FOUND";
}

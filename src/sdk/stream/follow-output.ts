/** Following a process's output through lost connections, restarts of the daemon, and restarts of the process. */
import type { Client } from "../call/client.ts";
import { PmError } from "../errors.ts";
import { outputToJson, refToJson } from "../json/requests.ts";
import { durationToJson } from "../json/scalars.ts";
import type { OutputFrame, OutputStart, StreamOptions } from "../types.ts";
import { Hold } from "./hold.ts";
import { resuming } from "./resuming.ts";
import { defaultHeartbeatMs, silenceLimit } from "./silence.ts";
import { watchProcesses } from "./watch.ts";

/** Where a follower stands: what its next request asks for. */
interface Cursor {
  readonly ref: string;
  readonly run?: number;
  readonly start?: OutputStart;
}

/** `joins`: chunks that came together may be one. */
export type FollowOptions = StreamOptions & { readonly joins?: boolean };

/** See `OutputStream`. `label` names the process in errors. */
export async function* followOutput(
  client: Client,
  ref: string,
  label: string,
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, void, void> {
  const { follow = false, followRestarts = false, run, start } = options;
  let begin: Cursor = { ref, ...(run !== undefined && { run }), ...(start !== undefined && { start }) };
  let continues = false;
  for (;;) {
    let end: RunEnd;
    try {
      end = yield* followRun(client, begin, label, options, signal);
    } catch (error) {
      // A run that a restart announced may not have begun, or be over and its output gone by now.
      const wanted = begin.run;
      if (!continues || wanted === undefined || !hasReason(error, "RUN_NOT_FOUND")) {
        throw error;
      }
      const next = await nextKeptRun(client, begin.ref, wanted, signal);
      if (next === undefined) {
        return;
      }
      begin = { ...begin, run: next };
      continue;
    }
    if (!follow || !followRestarts || end.nextRun === undefined) {
      return;
    }
    begin = { ref: end.processId, run: end.nextRun };
    continues = true;
  }
}

interface RunEnd {
  readonly processId: string;
  readonly nextRun: number | undefined;
}

/** The frames of one run. */
async function* followRun(
  client: Client,
  begin: Cursor,
  label: string,
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputFrame, RunEnd, void> {
  const { follow = false, heartbeatMs = defaultHeartbeatMs } = options;
  let cursor = begin;
  /** The offset before which everything was yielded; undefined before `opened`. */
  let next: number | undefined;
  let end: RunEnd | undefined;
  let hold: Hold | undefined;

  const open = (token: string | undefined, callOptions: Parameters<Client["stream"]>[2]) =>
    client.stream(
      "pm.v1.ProcessService/StreamOutput",
      {
        ...outputToJson(cursor.ref, { ...options, ...cursor }),
        ...(follow && { follow }),
        heartbeatInterval: durationToJson(heartbeatMs, "heartbeatMs"),
        ...(options.hold && { hold: true }),
        ...(token !== undefined && { holdToken: token }),
      },
      { ...callOptions, reuse: options.reuse ?? false, joins: options.joins ?? false },
    );
  const frames = resuming<OutputFrame>({
    attempt: async function* (callOptions) {
      const token = hold?.token;
      try {
        yield* open(token, callOptions);
      } catch (error) {
        if (token === undefined || !hasReason(error, "HOLD_REFUSED")) {
          throw error;
        }
        // The daemon was away for too long. A new hold keeps what there is; what was dropped arrives as a gap.
        hold?.drop();
        hold = undefined;
        yield* open(undefined, callOptions);
      }
    },
    mayEnd: () => end !== undefined,
    silenceMs: silenceLimit(heartbeatMs),
    attempts: client.attempts(
      { ...options, signal },
      { what: `${follow ? "following" : "reading"} the output of ${label}`, waits: true },
    ),
    signal,
  });

  try {
    for await (const frame of frames) {
      let isNews = true;
      switch (frame.type) {
        case "opened": {
          // Opened again after a lost connection: to the consumer it is one stream.
          isNews = next === undefined;
          next ??= frame.startOffset;
          cursor = { ref: frame.processId, run: frame.run };
          const { processId, run, holdToken: token, output } = frame;
          if (token !== undefined && token !== hold?.token) {
            hold?.drop();
            hold = new Hold(client, { processId, run, token, limitBytes: output.limitBytes }, next);
          }
          break;
        }
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
          end = { processId: cursor.ref, nextRun: frame.nextRun };
          break;
      }
      // A consumer that leaves at the yield never comes back, so the cursor may already be past this frame.
      cursor = { ...cursor, ...(next !== undefined && { start: { offset: next } }) };
      if (isNews) {
        yield frame;
        // It has come back for more: what it was given is taken.
        if (next !== undefined) {
          hold?.taken(next);
        }
      }
    }
  } finally {
    if (end === undefined) {
      hold?.release();
    } else {
      hold?.drop();
    }
  }
  return end ?? { processId: cursor.ref, nextRun: undefined };
}

/** Bytes must never come twice, and nothing comes before `opened`. */
function expectForward(next: number | undefined, offset: number): void {
  if (next === undefined || offset < next) {
    throw new PmError("PROTOCOL", `the daemon sent output at offset ${offset}, expected ${next ?? "the opening"}`, {
      code: "internal",
    });
  }
}

/** The first run from `wanted` on whose output is kept, once the process has come to it. Undefined: it was removed. */
async function nextKeptRun(
  client: Client,
  id: string,
  wanted: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const current = await runReached(client, id, wanted, signal);
  if (current === undefined) {
    return undefined;
  }
  try {
    const { runs = [] } = await client.unary(
      "pm.v1.ProcessService/ListRuns",
      { process: refToJson(id) },
      { signal },
      { what: `listing the runs of ${id}` },
    );
    const kept = runs.map(({ number = 0 }) => number).filter((number) => number >= wanted);
    return kept.length === 0 ? current : Math.min(...kept);
  } catch (error) {
    if (hasReason(error, "PROCESS_NOT_FOUND")) {
      return undefined;
    }
    throw error;
  }
}

/** Waits until the process has come to this run. Undefined: it was removed. */
async function runReached(client: Client, id: string, run: number, signal: AbortSignal): Promise<number | undefined> {
  let exists = false;
  for await (const event of watchProcesses(client, { filter: { ids: [id] }, signal })) {
    switch (event.type) {
      case "reset":
        exists = false;
        break;
      case "removed":
        return undefined;
      case "bookmark":
        if (!exists) {
          return undefined; // Removed before the watch began.
        }
        break;
      default:
        exists = true;
        if (event.process.run !== undefined && event.process.run.number >= run) {
          return event.process.run.number;
        }
    }
  }
  return undefined;
}

function hasReason(error: unknown, reason: PmError["reason"]): boolean {
  return error instanceof PmError && error.reason === reason;
}

/** Following the output of many processes as one stream, through lost connections and restarts of the daemon. */
import type { Client } from "../call/client.ts";
import { PmError } from "../errors.ts";
import { outputsToJson } from "../json/requests.ts";
import { durationToJson } from "../json/scalars.ts";
import type { WireOutputsFrame } from "../transport/transport.ts";
import type {
  OutputCursor,
  OutputMember,
  OutputsFrame,
  OutputsOptions,
  OutputsStream,
  ProcessFilter,
} from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { resuming } from "./resuming.ts";
import { defaultHeartbeatMs, silenceLimit } from "./silence.ts";

/** A member as it stands. */
interface Standing {
  readonly member: OutputMember;
  next: number;
  ended: boolean;
}

/** See `Processes.outputs`. */
export function followOutputs(
  client: Client,
  filter: ProcessFilter | undefined,
  options: OutputsOptions,
): OutputsStream {
  const members = new Members(options.cursors ?? []);
  const frames = cancellable((signal) => follow(client, filter, options, members, signal), options.signal);
  return {
    next: () => frames.next(),
    return: () => frames.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    cursors: () => members.cursors(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* follow(
  client: Client,
  filter: ProcessFilter | undefined,
  options: OutputsOptions,
  members: Members,
  signal: AbortSignal,
): AsyncGenerator<OutputsFrame, void, void> {
  const { follow: goesOn = false, untilIdle = false, heartbeatMs = defaultHeartbeatMs } = options;
  const request = {
    ...outputsToJson(filter, options),
    heartbeatInterval: durationToJson(heartbeatMs, "heartbeatMs"),
  };
  /** The members by the numbers of this attempt. */
  const numbered = new Map<number, Standing>();
  let opened = false;
  let complete = false;
  const frames = resuming<WireOutputsFrame>({
    attempt: async function* (callOptions) {
      numbered.clear();
      complete = false;
      const cursors = members.cursors().map(({ processId, run, nextOffset }) => ({
        processId,
        run,
        nextOffset: String(nextOffset),
      }));
      yield* client.stream("pm.v1.ProcessService/StreamOutputs", { ...request, cursors }, callOptions);
      complete = !goesOn || untilIdle || options.until !== undefined;
    },
    mayEnd: () => complete,
    silenceMs: silenceLimit(heartbeatMs),
    attempts: client.attempts({ ...options, signal }, { what: "following output", waits: true }),
    signal,
  });
  const standingOf = (number: number): Standing => {
    const standing = numbered.get(number);
    if (standing === undefined) {
      throw new PmError("PROTOCOL", `the daemon sent output of a member that it did not open: ${number}`, {
        code: "internal",
      });
    }
    return standing;
  };

  for await (const frame of frames) {
    switch (frame.type) {
      case "opened":
        if (!opened) {
          opened = true;
          yield frame;
        }
        break;
      case "memberOpened": {
        const { processId, processName, run, startOffset, output } = frame;
        const { standing, isNew } = members.join(processId, processName, run, startOffset);
        numbered.set(frame.number, standing);
        if (isNew) {
          yield { type: "memberOpened", member: standing.member, startOffset, output };
        }
        break;
      }
      case "chunk": {
        const { stream, offset, time, data } = frame;
        const standing = standingOf(frame.number);
        expectForward(standing, offset);
        standing.next = offset + data.length;
        yield { type: "chunk", member: standing.member, stream, offset, time, data };
        break;
      }
      case "gap": {
        const { from, to } = frame;
        const standing = standingOf(frame.number);
        expectForward(standing, from);
        standing.next = to;
        yield { type: "gap", member: standing.member, from, to };
        break;
      }
      case "memberEnd": {
        const { finalOffset, reason, exit, nextRun } = frame;
        const standing = standingOf(frame.number);
        numbered.delete(frame.number);
        if (!standing.ended) {
          members.end(standing, finalOffset, reason === "removed");
          yield {
            type: "memberEnd",
            member: standing.member,
            finalOffset,
            reason,
            ...(exit !== undefined && { exit }),
            ...(nextRun !== undefined && { nextRun }),
          };
        }
        break;
      }
      case "heartbeat":
        members.move(frame.cursors);
        yield { type: "heartbeat" };
        break;
    }
  }
}

/** Bytes must never come twice. */
function expectForward({ member, next }: Standing, offset: number): void {
  if (offset < next) {
    const name = member.processName ?? member.processId;
    throw new PmError("PROTOCOL", `the daemon sent output of ${name} at offset ${offset}, expected ${next}`, {
      code: "internal",
    });
  }
}

/**
 * Every run that has joined, with the place where it stands. Ended ones are kept as long as they are the latest of their
 * process: without a cursor they would come again from the start.
 */
class Members {
  readonly #standings = new Map<string, Standing>();
  /** Those of the caller's cursors, until the stream opens them: then the consumer must hear of them. */
  readonly #brought = new Set<string>();

  constructor(cursors: readonly OutputCursor[]) {
    for (const { processId, run, nextOffset } of cursors) {
      const key = keyOf(processId, run);
      this.#brought.add(key);
      this.#standings.set(key, { member: { processId, run }, next: nextOffset, ended: false });
    }
  }

  /** A member that was known before the connection was lost is not new to the consumer. */
  join(
    processId: string,
    processName: string | undefined,
    run: number,
    startOffset: number,
  ): { standing: Standing; isNew: boolean } {
    const key = keyOf(processId, run);
    const known = this.#standings.get(key);
    if (known !== undefined && !this.#brought.delete(key)) {
      return { standing: known, isNew: false };
    }
    for (const [other, { member, ended }] of this.#standings) {
      if (ended && member.processId === processId && member.run < run) {
        this.#standings.delete(other);
      }
    }
    const standing: Standing = {
      member: { processId, run, ...(processName && { processName }) },
      next: known?.next ?? startOffset,
      ended: false,
    };
    this.#standings.set(key, standing);
    return { standing, isNew: true };
  }

  end(standing: Standing, finalOffset: number, isRemoved: boolean): void {
    standing.ended = true;
    standing.next = Math.max(standing.next, finalOffset);
    if (isRemoved) {
      this.#standings.delete(keyOf(standing.member.processId, standing.member.run));
    }
  }

  move(cursors: readonly OutputCursor[]): void {
    for (const { processId, run, nextOffset } of cursors) {
      const standing = this.#standings.get(keyOf(processId, run));
      if (standing !== undefined) {
        standing.next = Math.max(standing.next, nextOffset);
      }
    }
  }

  cursors(): OutputCursor[] {
    return [...this.#standings.values()].map(({ member: { processId, run }, next }) => ({
      processId,
      run,
      nextOffset: next,
    }));
  }
}

function keyOf(processId: string, run: number): string {
  return `${processId} ${run}`;
}

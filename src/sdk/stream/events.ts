/** Reading the journal through lost connections and restarts of the daemon. */
import type { StreamEventsResponseJson } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import type { Client } from "../call/client.ts";
import { filterToJson } from "../json/requests.ts";
import { durationToJson, enumToJson, integerToJson } from "../json/scalars.ts";
import { eventFrameFromJson } from "../json/streamed.ts";
import { eventTypes } from "../json/words.ts";
import type { TransportOptions } from "../transport/transport.ts";
import type { EventFrame, EventsOptions } from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { resuming } from "./resuming.ts";
import { defaultHeartbeatMs, silenceLimit } from "./silence.ts";

/** See `Events.stream`. Each iteration is a stream of its own. */
export function streamEvents(client: Client, options: EventsOptions): AsyncIterable<EventFrame> {
  return { [Symbol.asyncIterator]: () => cancellable((signal) => events(client, options, signal), options.signal) };
}

async function* events(
  client: Client,
  options: EventsOptions,
  signal: AbortSignal,
): AsyncGenerator<EventFrame, void, void> {
  const { follow = false, heartbeatMs = defaultHeartbeatMs, filter, types } = options;
  let after = options.afterSequence;
  let journalId: string | undefined;
  /** Without `follow`: the last entry that there was when the stream began. */
  let last = 0;
  let complete = false;

  const request = {
    ...filterToJson(filter),
    ...(types !== undefined && { types: types.map((type) => enumToJson(eventTypes, type, "types")) }),
    ...(follow && { follow }),
    heartbeatInterval: durationToJson(heartbeatMs, "heartbeatMs"),
  };
  const open = (callOptions: TransportOptions): AsyncIterable<StreamEventsResponseJson> =>
    client.stream(
      "pm.v1.EventService/StreamEvents",
      { ...request, ...(after !== undefined && { afterSequence: integerToJson(after, "afterSequence") }) },
      callOptions,
    );
  const attempt = async function* (callOptions: TransportOptions): AsyncGenerator<StreamEventsResponseJson> {
    complete = false;
    for await (const frame of open(callOptions)) {
      const id = frame.opened?.journalId;
      const isOther = id !== undefined && journalId !== undefined && id !== journalId;
      yield frame;
      if (isOther) {
        // Sequences of the journal before mean nothing in this one: all of it is news.
        after = 0;
        yield* attempt(callOptions);
        return;
      }
    }
    complete = !follow;
  };

  const frames = resuming<StreamEventsResponseJson>({
    attempt,
    mayEnd: () => complete,
    silenceMs: silenceLimit(heartbeatMs),
    attempts: client.attempts({ ...options, signal }, { what: "streaming events", waits: true }),
    signal,
  });
  for await (const json of frames) {
    const frame = eventFrameFromJson(json);
    switch (frame?.type) {
      case undefined:
        continue;
      case "opened":
        if (frame.journalId === journalId) {
          continue; // Opened again after a lost connection: to the consumer it is one stream.
        }
        journalId = frame.journalId;
        last = frame.lastSequence;
        // "From now on" must mean the same now after a lost connection.
        after ??= follow ? last : 0;
        break;
      case "event":
        after = frame.event.sequence;
        break;
      case "dropped":
        after = frame.to - 1;
        break;
      case "heartbeat":
        after = frame.sequence;
        break;
    }
    yield frame;
  }
}

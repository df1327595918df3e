import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventSchema } from "../../../../gen/ts/pm/v1/event_pb.ts";
import type { StreamEventsResponseSchema } from "../../../../gen/ts/pm/v1/event_service_pb.ts";
import type { EventsFrame, JournalEvent } from "../../engine/api/event.ts";
import { causeToProto } from "./cause.ts";
import { eventTypeToProto, stateToProto } from "./enums.ts";
import { exitToProto } from "./run.ts";
import { detailToProto } from "./supervision.ts";
import { timestampFromNanos } from "./time.ts";

type Frame = NonNullable<MessageInitShape<typeof StreamEventsResponseSchema>["frame"]>;

export function eventsFrameToProto(frame: EventsFrame): Frame {
  switch (frame.kind) {
    case "opened":
      return {
        case: "opened",
        value: {
          journalId: frame.journalId,
          firstSequence: BigInt(frame.firstSequence),
          lastSequence: BigInt(frame.lastSequence),
        },
      };
    case "event":
      return { case: "event", value: eventToProto(frame.event) };
    case "dropped":
      return { case: "dropped", value: { fromSequence: BigInt(frame.from), toSequence: BigInt(frame.to) } };
    case "heartbeat":
      return { case: "heartbeat", value: { sequence: BigInt(frame.sequence) } };
  }
}

function eventToProto(event: JournalEvent): MessageInitShape<typeof EventSchema> {
  return {
    sequence: BigInt(event.sequence),
    time: timestampFromNanos(event.time),
    type: eventTypeToProto[event.type],
    processId: event.processId,
    processName: event.processName,
    ...(event.run !== null && { run: event.run }),
    ...(event.from !== null && { from: stateToProto[event.from] }),
    ...(event.to !== null && { to: stateToProto[event.to] }),
    cause: causeToProto(event.cause),
    exit: event.exit === null ? undefined : exitToProto(event.exit),
    ...(event.supervision !== undefined && detailToProto(event.supervision)),
  };
}

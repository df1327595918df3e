import type { ServiceImpl } from "@connectrpc/connect";
import type { EventService } from "../../../../gen/ts/pm/v1/event_service_pb.ts";
import { eventTypesFromProto } from "../convert/enums.ts";
import { eventsFrameToProto } from "../convert/event.ts";
import { filterFromProto } from "../convert/filter.ts";
import { checked } from "../edge/field.ts";
import { saturate } from "../edge/rules.ts";
import type { ServiceDependencies } from "./dependencies.ts";
import { heartbeatMs } from "./stream-options.ts";

/** The contract's EventService on an engine. */
export function eventService({ engine }: ServiceDependencies): ServiceImpl<typeof EventService> {
  return {
    async *streamEvents(request, { signal }) {
      const options = checked((root) => ({
        afterSequence: request.afterSequence === undefined ? null : saturate(request.afterSequence),
        filter: request.filter === undefined ? null : filterFromProto(request.filter, root.child("filter")),
        types: eventTypesFromProto(request.types, root.child("types")),
        follow: request.follow,
        heartbeatMs: heartbeatMs(request.heartbeatInterval, root.child("heartbeat_interval")),
      }));
      for await (const frame of engine.events(options, signal)) {
        yield { frame: eventsFrameToProto(frame) };
      }
    },
  };
}

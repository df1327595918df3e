/** What happened to processes. */
import type { ConnectRouter } from "@connectrpc/connect";
import type { Event } from "../../../gen/ts/pm/v1/event_pb.ts";
import { EventService } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import { matches } from "../fake-filter.ts";
import type { FakeWorld } from "../fake-world.ts";
import { intervalMs } from "./interval.ts";

export function eventRoutes(world: FakeWorld, router: ConnectRouter): void {
  router.service(EventService, {
    async *streamEvents({ afterSequence, filter, types, follow, heartbeatInterval }, { signal }) {
      const lastSequence = BigInt(world.events.length);
      const value = { journalId: "fake", firstSequence: 1n, lastSequence };
      yield { frame: { case: "opened" as const, value } };
      const isWanted = ({ type, processId }: Event): boolean => {
        const process = world.processes.get(processId);
        return (
          (types.length === 0 || types.includes(type)) &&
          (filter === undefined || (process !== undefined && matches(process, filter)))
        );
      };
      for (let next = Number(afterSequence ?? (follow ? lastSequence : 0n)); ; ) {
        for (; next < world.events.length; next++) {
          const event = world.events[next] as Event;
          if (isWanted(event)) {
            yield { frame: { case: "event" as const, value: event } };
          }
        }
        if (!follow) {
          return;
        }
        if (!(await world.changed(signal, intervalMs(heartbeatInterval)))) {
          yield { frame: { case: "heartbeat" as const, value: { sequence: BigInt(next) } } };
        }
      }
    },
  });
}

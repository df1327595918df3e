import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { QueueSchema, QueueService } from "../../../../gen/ts/pm/v1/queue_service_pb.ts";
import type { QueueStatus } from "../../supervision/queue/queues.ts";
import { requiredName } from "../convert/schedule.ts";
import { checked } from "../edge/field.ts";
import { atLeast, processId, within } from "../edge/rules.ts";
import type { ServiceDependencies } from "./dependencies.ts";

const maxShown = 1000;
export const maxParallelism = 10_000;

/** The contract's QueueService. */
export function queueService({ supervision }: ServiceDependencies): ServiceImpl<typeof QueueService> {
  const { queues } = supervision;
  return {
    async setQueue(request) {
      const { name, change } = checked((root) => ({
        name: requiredName(request.name, root.child("name")),
        change: {
          parallelism:
            request.parallelism === undefined
              ? undefined
              : within(request.parallelism, 1, maxParallelism, root.child("parallelism")),
          paused: request.paused,
        },
      }));
      return { queue: queueToProto(await queues.set(name, change)) };
    },

    getQueue: (request) => ({ queue: queueToProto(queues.get(nameOf(request))) }),

    listQueues: () => ({ queues: queues.list().map(queueToProto) }),

    async moveInQueue(request) {
      const { name, id, position } = checked((root) => ({
        name: requiredName(request.name, root.child("name")),
        id: processId(request.processId, root.child("process_id")),
        position: atLeast(request.position, 1, root.child("position")),
      }));
      return { queue: queueToProto(await queues.move(name, id, position)) };
    },

    async removeQueue(request) {
      await queues.remove(nameOf(request));
      return {};
    },
  };
}

function nameOf(request: { readonly name: string }): string {
  return checked((root) => requiredName(request.name, root.child("name")));
}

function queueToProto({
  name,
  parallelism,
  paused,
  running,
  waiting,
}: QueueStatus): MessageInitShape<typeof QueueSchema> {
  return {
    name,
    parallelism,
    paused,
    running: [...running],
    waiting: waiting.slice(0, maxShown),
    waitingCount: waiting.length,
  };
}

/** The contract over a fake world. What is not here answers UNIMPLEMENTED. */
import { hostname } from "node:os";
import type { ConnectRouter } from "@connectrpc/connect";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { QueueService } from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import type { FakeWorld } from "../fake-world.ts";
import { batchCalls } from "./batch.ts";
import { eventRoutes } from "./events.ts";
import { outputCalls } from "./output.ts";
import { processCalls } from "./processes.ts";
import { projectRoutes } from "./projects.ts";
import { scheduleRoutes } from "./schedules.ts";

export function fakeRoutes(world: FakeWorld): (router: ConnectRouter) => void {
  const started = new Date();
  return (router) => {
    router.service(DaemonService, {
      getInfo: () => ({
        version: "0.0.0-fake",
        instanceId: "fake",
        pid: process.pid,
        startTime: { seconds: BigInt(Math.floor(started.getTime() / 1000)), nanos: 0 },
        hostname: hostname(),
        limits: { defaultOutputLimitBytes: 2n ** 20n, maxOutputLimitBytes: 2n ** 30n, maxProcesses: 10_000 },
        counts: {},
      }),
    });
    router.service(ProcessService, { ...processCalls(world), ...outputCalls(world), ...batchCalls(world) });
    eventRoutes(world, router);
    scheduleRoutes(world, router);
    projectRoutes(world, router);
    const { queues } = world;
    router.service(QueueService, {
      setQueue: ({ name, parallelism, paused }) => ({
        queue: queues.set(name, {
          ...(parallelism !== undefined && { parallelism }),
          ...(paused !== undefined && { paused }),
        }),
      }),
      getQueue: ({ name }) => ({ queue: queues.get(name) }),
      listQueues: () => ({ queues: queues.list() }),
      moveInQueue: ({ name, processId, position }) => ({ queue: queues.move(name, processId, position) }),
      removeQueue: ({ name }) => {
        queues.remove(name);
        return {};
      },
    });
  };
}

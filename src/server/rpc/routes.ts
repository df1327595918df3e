import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { Health } from "../../../gen/ts/grpc/health/v1/health_pb.ts";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { file_pm_v1_errors } from "../../../gen/ts/pm/v1/errors_pb.ts";
import { EventService } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { ProjectService } from "../../../gen/ts/pm/v1/project_service_pb.ts";
import { QueueService } from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import { ScheduleService } from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import { daemonService } from "./services/daemon.ts";
import type { ServiceDependencies } from "./services/dependencies.ts";
import { eventService } from "./services/events.ts";
import { healthService } from "./services/health.ts";
import { processService } from "./services/processes/index.ts";
import { projectService } from "./services/projects.ts";
import { queueService } from "./services/queues.ts";
import { addReflection } from "./services/reflection.ts";
import { scheduleService } from "./services/schedules.ts";

interface Served {
  readonly service: DescService;
  readonly addTo: (router: ConnectRouter, dependencies: ServiceDependencies) => void;
}

/** The contract's services. A new one is one entry here; health and reflection take it along. */
const contract: readonly Served[] = [
  served(ProcessService, processService),
  served(EventService, eventService),
  served(ScheduleService, scheduleService),
  served(QueueService, queueService),
  served(ProjectService, projectService),
  served(DaemonService, daemonService),
];

function served<T extends DescService>(
  service: T,
  implement: (dependencies: ServiceDependencies) => ServiceImpl<T>,
): Served {
  return { service, addTo: (router, dependencies) => router.service(service, implement(dependencies)) };
}

/** Everything that the daemon serves, the same on every listener. */
export function daemonRoutes(dependencies: ServiceDependencies): (router: ConnectRouter) => void {
  return (router) => {
    for (const { addTo } of contract) {
      addTo(router, dependencies);
    }
    const services = contract.map(({ service }) => service);
    router.service(
      Health,
      healthService(
        services.map(({ typeName }) => typeName),
        dependencies.stopping,
      ),
    );
    addReflection(router, {
      services: [...services, Health],
      extraFiles: [file_pm_v1_errors, file_google_rpc_error_details],
      descriptorFile: dependencies.descriptorFile,
    });
  };
}

import type { ConnectRouter } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { Health } from "../../../gen/ts/grpc/health/v1/health_pb.ts";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { file_pm_v1_errors } from "../../../gen/ts/pm/v1/errors_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Engine } from "../engine/api/engine.ts";
import { type DaemonIdentity, daemonService } from "./daemon-service.ts";
import { healthService } from "./health.ts";
import { processService } from "./process-service.ts";
import { addReflection } from "./reflection.ts";

/** Everything that the daemon serves, the same on every listener. */
export function daemonRoutes(
  engine: Engine,
  identity: DaemonIdentity,
  stopping: AbortSignal,
  requestShutdown: () => void,
): (router: ConnectRouter) => void {
  return (router) => {
    const services = [ProcessService, DaemonService];
    router.service(ProcessService, processService(engine));
    router.service(DaemonService, daemonService(engine, identity, requestShutdown));
    router.service(
      Health,
      healthService(
        services.map((service) => service.typeName),
        stopping,
      ),
    );
    addReflection(router, [...services, Health], [file_pm_v1_errors, file_google_rpc_error_details]);
  };
}

import type { ConnectRouter } from "@connectrpc/connect";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Engine } from "../engine/api.ts";
import { type DaemonIdentity, daemonService } from "./daemon-service.ts";
import { processService } from "./process-service.ts";

/** Everything that the daemon serves, the same on every listener. */
export function daemonRoutes(
  engine: Engine,
  identity: DaemonIdentity,
  requestShutdown: () => void,
): (router: ConnectRouter) => void {
  return (router) => {
    router.service(ProcessService, processService(engine));
    router.service(DaemonService, daemonService(engine, identity, requestShutdown));
  };
}

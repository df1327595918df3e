import { hostname } from "node:os";
import type { ServiceImpl } from "@connectrpc/connect";
import type { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type { Engine } from "../engine/api/engine.ts";
import { graceRange } from "./convert/spec.ts";
import { millisFromDuration, timestampFromNanos } from "./convert/time.ts";

/** What the daemon knows of itself. */
export interface DaemonIdentity {
  readonly version: string;
  /** A UUID made anew at each start. */
  readonly instanceId: string;
  /** Nanoseconds since the epoch. */
  readonly startTime: bigint;
  readonly runtimeDirectory: string;
}

/** The contract's DaemonService. `requestShutdown` begins the shutdown once the answer is on its way. */
export function daemonService(
  engine: Engine,
  identity: DaemonIdentity,
  requestShutdown: () => void,
): ServiceImpl<typeof DaemonService> {
  return {
    getInfo() {
      const info = engine.info();
      return {
        version: identity.version,
        instanceId: identity.instanceId,
        pid: process.pid,
        startTime: timestampFromNanos(identity.startTime),
        hostname: hostname(),
        runtimeDirectory: identity.runtimeDirectory,
        defaultOutputLimitBytes: BigInt(info.defaultOutputLimitBytes),
        maxOutputLimitBytes: BigInt(info.maxOutputLimitBytes),
        maxProcesses: info.maxProcesses,
        counts: { ...info.counts },
        cgroupLimits: info.cgroupLimits,
        runtimeVersion: process.versions.node,
      };
    },

    async shutdown(request) {
      const graceMs = millisFromDuration("grace_period", request.gracePeriod, graceRange);
      if (request.stopProcesses) {
        await engine.stopAll(graceMs);
      }
      const { starting, running, stopping } = engine.info().counts;
      requestShutdown();
      return { running: starting + running + stopping };
    },
  };
}

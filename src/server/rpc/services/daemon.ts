import { hostname } from "node:os";
import type { ServiceImpl } from "@connectrpc/connect";
import type { DaemonService } from "../../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { callerKey } from "../caller.ts";
import { graceRange } from "../convert/stop.ts";
import { durationFromMillis, millisFromDuration, timestampFromNanos } from "../convert/time.ts";
import { checked } from "../edge/field.ts";
import type { ServiceDependencies } from "./dependencies.ts";
import { maxInputBytes } from "./processes/input.ts";
import { maxReadBytes } from "./processes/output.ts";

/**
 * What this daemon can do beyond version 0.1.0's contract. Whoever adds a field
 * or a method to the contract names it here, and clients ask before they use it.
 */
const features: readonly string[] = [];

/** The contract's bound of \`Info.set_aside\`. */
const maxSetAside = 100;

/** The contract's DaemonService. */
export function daemonService({
  engine,
  supervision,
  identity,
  limits,
  requestShutdown,
}: ServiceDependencies): ServiceImpl<typeof DaemonService> {
  return {
    getInfo() {
      const { journal, retention, ...info } = engine.info();
      return {
        version: identity.version,
        instanceId: identity.instanceId,
        pid: process.pid,
        startTime: timestampFromNanos(identity.startTime),
        hostname: hostname(),
        runtimeDirectory: identity.runtimeDirectory,
        runtimeVersion: process.versions.node,
        bootId: info.bootId,
        features: [...features],
        limits: {
          defaultOutputLimitBytes: BigInt(info.defaultOutputLimitBytes),
          maxOutputLimitBytes: BigInt(info.maxOutputLimitBytes),
          maxProcesses: info.maxProcesses,
          maxStreamsPerConnection: limits.maxStreamsPerConnection,
          maxConnections: limits.maxConnections,
          maxRequestBytes: BigInt(limits.maxRequestBytes),
          maxOutputReadBytes: BigInt(maxReadBytes),
          maxInputBytes: BigInt(maxInputBytes),
          keptRuns: info.keptRuns,
          maxEndedProcesses: retention.count,
          maxEndedAge: durationFromMillis(retention.ageMs),
          maxEndedBytes: BigInt(retention.bytes),
        },
        counts: { ...info.counts },
        journal: {
          id: journal.id,
          firstSequence: BigInt(journal.firstSequence),
          lastSequence: BigInt(journal.lastSequence),
          bytes: BigInt(journal.bytes),
          maxBytes: BigInt(journal.maxBytes),
        },
        setAside: [...info.setAside, ...supervision.unreadable].slice(0, maxSetAside).map((file) => ({ ...file })),
        setAsideCount: info.setAsideCount + supervision.unreadable.length,
        cgroupLimits: info.cgroupLimits,
      };
    },

    async shutdown(request, { values }) {
      const graceMs = checked((root) =>
        millisFromDuration(request.gracePeriod, graceRange, root.child("grace_period")),
      );
      if (request.stopProcesses) {
        const { principal } = values.get(callerKey);
        await engine.stopAll(graceMs, { principal, requestId: "", precondition: null });
      }
      const { starting, running, stopping } = engine.info().counts;
      requestShutdown();
      return { running: starting + running + stopping };
    },
  };
}

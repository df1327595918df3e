import type { Engine } from "../../engine/api/engine.ts";
import type { Log } from "../../log.ts";
import type { Supervision } from "../../supervision/open.ts";

/** What the services of supervision stand on. */
export type SupervisionServices = Pick<
  Supervision,
  "schedules" | "queues" | "projects" | "queuePosition" | "waitUntil" | "unreadable"
>;

/** What the contract's services stand on. */
export interface ServiceDependencies {
  /** As clients see it: what `Supervision.engine` is. */
  readonly engine: Engine;
  readonly supervision: SupervisionServices;
  readonly log: Log;
  readonly identity: DaemonIdentity;
  readonly limits: ServerLimits;
  /** Aborted when the shutdown begins. */
  readonly stopping: AbortSignal;
  /** Path of the contract's descriptors with comments, for reflection. */
  readonly descriptorFile?: string | undefined;
  /** Begins the shutdown, once the response under way has left. */
  readonly requestShutdown: () => void;
}

/** What the daemon knows of itself. */
export interface DaemonIdentity {
  readonly version: string;
  /** A UUID made anew at each start. */
  readonly instanceId: string;
  /** Nanoseconds since the epoch. */
  readonly startTime: bigint;
  readonly runtimeDirectory: string;
}

/** What the listeners allow. */
export interface ServerLimits {
  readonly maxStreamsPerConnection: number;
  readonly maxConnections: number;
  readonly maxRequestBytes: number;
}

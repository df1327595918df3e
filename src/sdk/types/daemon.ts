/** The daemon itself. */
import type { CallOptions } from "./calls.ts";
import type { ProcessState } from "./process.ts";

/** What a daemon allows; see `DaemonLimits` in the contract. */
export interface DaemonLimits {
  /** Bytes of output that are kept of each run where the spec does not say. */
  readonly defaultOutputLimitBytes: number;
  /** The most bytes that a spec may ask to keep. */
  readonly maxOutputLimitBytes: number;
  /** How many processes the daemon lists, ended ones included. */
  readonly maxProcesses: number;
  /** How many calls may be under way on one HTTP/2 connection; this client opens another one before. */
  readonly maxStreamsPerConnection: number;
  /** How many connections a listener takes at a time. */
  readonly maxConnections: number;
  /** Bytes of the largest request message. */
  readonly maxRequestBytes: number;
  /** The most bytes that `Processes.output` reads at a time. */
  readonly maxOutputReadBytes: number;
  /** The most bytes that one request of `Processes.write` carries. */
  readonly maxInputBytes: number;
  /** How many runs of each process are kept. */
  readonly keptRuns: number;
  /** How many ended processes are kept. */
  readonly maxEndedProcesses: number;
  /** Milliseconds. Undefined: however long. */
  readonly maxEndedAgeMs?: number;
  /** Bytes that ended runs may hold together; the oldest are dropped first. */
  readonly maxEndedBytes: number;
}

/** The journal; see `JournalInfo` in the contract. */
export interface JournalInfo {
  readonly id: string;
  /** 0 if there is no entry. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Something in the runtime directory that the daemon could not read. It is kept as it is. */
export interface SetAside {
  readonly path: string;
  readonly problem: string;
  /** The process that it belonged to, if that is known. */
  readonly processId?: string;
  /** Whether a newer version of pm wrote it. */
  readonly newer: boolean;
}

/** What a daemon is and what it allows. */
export interface DaemonInfo {
  readonly version: string;
  /** A UUID made anew at each start of the daemon. */
  readonly instanceId: string;
  readonly pid: number;
  readonly startTime: Date;
  readonly hostname: string;
  readonly runtimeDirectory: string;
  /** Version of its Node.js. */
  readonly runtimeVersion: string;
  readonly bootId: string;
  /** What it can do beyond version 0.1.0's contract. */
  readonly features: readonly string[];
  readonly limits: DaemonLimits;
  readonly counts: Readonly<Record<ProcessState, number>>;
  readonly journal?: JournalInfo;
  /** At most 100. */
  readonly setAside: readonly SetAside[];
  /** How many there are. */
  readonly setAsideCount: number;
  /** Whether the tree limits (memory, cpu, processes) can be enforced there. */
  readonly cgroupLimits: boolean;
}

/** How to shut the daemon down. */
export interface ShutdownOptions extends CallOptions {
  /** Stop every process first, by force after the grace period. @default false: processes keep running */
  readonly stopProcesses?: boolean;
  /** Milliseconds that the processes have to end, with `stopProcesses`. @default each process's own stop policy */
  readonly graceMs?: number;
}

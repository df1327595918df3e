/** Projects: named sets of processes that are described together. */
import type { PmError } from "../errors.ts";
import type { CallOptions, ReconnectOptions } from "./calls.ts";
import type { ProcessInfo, ProcessState } from "./process.ts";
import type { Schedule, ScheduleDetails, Timing } from "./schedules.ts";
import type { ProcessSpec, SpecOptions } from "./spec.ts";

/** A process of a project, as it is described. */
export interface ProjectProcessOptions {
  /** Its name in the project; replicas are called "name.1" to "name.N". */
  readonly name: string;
  /** Its labels; the daemon adds "pm/project" and "pm/process". @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** What to run. What it depends on by name is looked for in the project first. */
  readonly spec: SpecOptions;
  /** 0 to 1000. @default one, without a number in its name */
  readonly replicas?: number;
  /** Made, but started only by a client or a schedule. @default false */
  readonly stopped?: boolean;
}

/** What a project is to be. */
export interface ApplyProjectOptions extends CallOptions, ReconnectOptions {
  /** All of them. */
  readonly processes: readonly ProjectProcessOptions[];
  /** Where the description came from, for people, at most 4096 bytes. @default none */
  readonly source?: string;
  /** Stop and remove what is no longer described. @default false */
  readonly prune?: boolean;
  /** The plan alone: nothing is changed. @default false */
  readonly dryRun?: boolean;
  /** The processes to start, with all they depend on. @default all */
  readonly only?: readonly string[];
  /** Must be the project's; "none": there must be no such project yet. @default any */
  readonly resourceVersion?: string;
  /** Makes it safe to send the call again, also to the next daemon. @default a new one */
  readonly requestId?: string;
  /** Restart all that run. @default false */
  readonly restartAll?: boolean;
  /** Set as by `Queues.set`; they stay when the project is removed. @default [] */
  readonly queues?: readonly { readonly name: string; readonly parallelism?: number; readonly paused?: boolean }[];
  /**
   * `process` is the name of a process of the project without replicas. Those no longer described are removed.
   *
   * @default []
   */
  readonly schedules?: readonly (ScheduleDetails & {
    readonly name: string;
    readonly process: string;
    readonly timing: Timing;
  })[];
}

export interface RemoveProjectOptions extends CallOptions, ReconnectOptions {
  /** Milliseconds that each process has to end. @default each process's own */
  readonly graceMs?: number;
  /** Stop the processes, but do not remove them. @default false */
  readonly keepProcesses?: boolean;
  /** Must be the project's. @default any */
  readonly resourceVersion?: string;
  /** Makes it safe to send the call again, also to the next daemon. @default a new one */
  readonly requestId?: string;
}

export type ProjectAction = "none" | "create" | "update" | "restart" | "start" | "remove" | "keep" | "unknown";

/** One thing to be done. */
export interface ProjectStep {
  readonly name: string;
  readonly action: ProjectAction;
  /** By the contract's names, such as "spec.args". Never values. */
  readonly changedFields: readonly string[];
  /** Undefined: there is none yet. */
  readonly processId?: string;
}

/** What an application says: the plan, what was done, and the end. */
export type ProjectFrame =
  | { readonly type: "plan"; readonly steps: readonly ProjectStep[] }
  | { readonly type: "progress"; readonly step: number; readonly process?: ProcessInfo; readonly error?: PmError }
  | { readonly type: "end"; readonly project?: Project; readonly failed: number };

/** A project, and what became of it. */
export interface Project {
  readonly name: string;
  readonly processes: readonly ProjectProcess[];
  readonly members: readonly ProjectMember[];
  readonly source: string;
  readonly applyTime?: Date;
  readonly applying: boolean;
  readonly removing: boolean;
  readonly resourceVersion: string;
  readonly schedules: readonly Schedule[];
}

export interface ProjectProcess {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly replicas?: number;
  readonly stopped: boolean;
}

export interface ProjectMember {
  readonly processId: string;
  readonly name: string;
  /** The {@link ProjectProcess} that it comes from. */
  readonly processName: string;
  readonly state: ProcessState;
}

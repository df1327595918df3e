import { join } from "node:path";

/** The files of a runtime directory; `src/shim/protocol.h` says what each is. */
export interface RuntimePaths {
  readonly zygoteLock: string;
  readonly events: string;
  /** Holds one directory per process, named by its UUID. */
  readonly processes: string;
  /** Holds the specs of probes under way. */
  readonly probes: string;
  /** Holds what calls by filter selected, one file per request id. */
  readonly selections: string;
}

/** The files of one run of a process. */
export interface RunPaths {
  /** Parent of the runs: `p/<uuid>`. */
  readonly process: string;
  readonly run: string;
  readonly spec: string;
  readonly ring: string;
  readonly control: string;
  readonly stdin: string;
  /** What NOTIFY_SOCKET names. */
  readonly notify: string;
  /** Who holds the output. */
  readonly hold: string;
}

export function runtimePaths(runtimeDir: string): RuntimePaths {
  return {
    zygoteLock: join(runtimeDir, "zygote.lock"),
    events: join(runtimeDir, "events"),
    processes: join(runtimeDir, "p"),
    probes: join(runtimeDir, "probes"),
    selections: join(runtimeDir, "selections"),
  };
}

/** `uuid` in its lower-case text form, `run` from 1. */
export function runPaths(runtimeDir: string, uuid: string, run: number): RunPaths {
  // Not by join(): a list looks at thousands.
  const process = `${runtimeDir}/p/${uuid}`;
  const directory = `${process}/${run}`;
  return {
    process,
    run: directory,
    spec: `${directory}/spec`,
    ring: `${directory}/ring`,
    control: `${directory}/control`,
    stdin: `${directory}/stdin`,
    notify: `${directory}/notify`,
    hold: `${directory}/hold`,
  };
}

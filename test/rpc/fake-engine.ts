/** An engine that does what a test says and remembers what it was asked. */
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { EventService } from "../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { Engine, ProcessInfo, ProcessSpec, RunInfo, StopReceipt } from "../../src/server/engine/api/index.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import type { Log } from "../../src/server/log.ts";
import { contractInterceptors } from "../../src/server/rpc/interceptors/index.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import type { ServiceDependencies, SupervisionServices } from "../../src/server/rpc/services/dependencies.ts";
import { recordingLog } from "../listen/serve.ts";

export const someSpec: ProcessSpec = {
  executable: "/bin/true",
  args: ["-x"],
  env: [{ name: "SECRET", value: "hush" }],
  envMode: "extend",
  cwd: "/",
  output: { limitBytes: 4096, whenFull: "dropOldest" },
  stdin: "null",
  terminal: null,
  limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
  stop: { signal: "SIGTERM", graceMs: 1500 },
  umask: null,
  nice: null,
  oomScoreAdj: null,
};

export const someReceipt: StopReceipt = {
  cause: { kind: "request", principal: "ann", requestId: "r1", detail: "" },
  signal: "SIGTERM",
  graceMs: 1500,
  force: true,
  requestTime: 1_700_000_001_500_000_000n,
  signalTime: 1_700_000_001_500_000_001n,
  killTime: null,
  endTime: 1_700_000_002_000_000_000n,
  outcome: "stopped",
  survivors: [],
};

export const someRun: RunInfo = {
  number: 1,
  state: "exited",
  cause: { kind: "request", principal: "local", requestId: "", detail: "" },
  pid: null,
  createTime: 1_700_000_000_123_456_789n,
  startTime: 1_700_000_001_000_000_000n,
  exitTime: 1_700_000_002_000_000_000n,
  exit: {
    code: null,
    signal: 9,
    signalName: "SIGKILL",
    coreDumped: false,
    oomKilled: true,
    usage: { userMicros: 1_500_000, systemMicros: 2, maxResidentBytes: 4096 },
  },
  failure: null,
  output: {
    firstOffset: 0,
    nextOffset: 5,
    complete: true,
    stdoutBytes: 3,
    stderrBytes: 2,
    limitBytes: 4096,
    held: false,
  },
  treeAlive: false,
  suspended: false,
  effective: {
    cwd: "/",
    outputLimitBytes: 4096,
    stopSignal: "SIGTERM",
    stopGraceMs: 1500,
    umask: 0o22,
    nice: 0,
    oomScoreAdj: 0,
  },
  survivors: [],
  stop: someReceipt,
};

export const someProcess: ProcessInfo = {
  id: "0e3d4c5b-1111-4222-8333-944455566677",
  name: "web",
  labels: { tier: "front" },
  spec: someSpec,
  state: "exited",
  desiredState: "stopped",
  run: someRun,
  createTime: 1_700_000_000_123_456_789n,
  sequence: 7,
  resourceVersion: "v1",
  lastChange: {
    sequence: 12,
    time: 1_700_000_002_000_000_000n,
    run: 1,
    from: "stopping",
    to: "exited",
    cause: { kind: "exit", principal: "", requestId: "", detail: "signal SIGKILL" },
  },
};

/** Processes with ids in order: "00000000-0000-4000-8000-000000000001" and so on. */
export function manyProcesses(count: number, change: Partial<ProcessInfo> = {}): ProcessInfo[] {
  return Array.from({ length: count }, (_, index) => ({
    ...someProcess,
    ...change,
    id: `00000000-0000-4000-8000-${String(index + 1).padStart(12, "0")}`,
    name: `p${index + 1}`,
  }));
}

/** The part of an engine that calls by filter need, of these processes. */
export function engineOf(processes: readonly ProcessInfo[]): Pick<Engine, "select" | "selectOnce" | "get"> {
  const selections = new Map<string, { readonly fingerprint: string; readonly ids: readonly string[] }>();
  return {
    selectOnce: ({ principal, requestId }, fingerprint, select) => {
      const key = `${principal} ${requestId}`;
      const known = selections.get(key) ?? { fingerprint, ids: select() };
      selections.set(key, known);
      if (known.fingerprint !== fingerprint) {
        throw new EngineError("REQUEST_ID_REUSED", "used for another request", { request_id: requestId });
      }
      return known.ids;
    },
    select: () => processes.map(({ id }) => id),
    get: ({ id }) => {
      const process = processes.find((candidate) => candidate.id === id);
      if (process === undefined) {
        throw new EngineError("PROCESS_NOT_FOUND", "no such process");
      }
      return process;
    },
  };
}

/** For tests that ask nothing of supervision: whatever is asked of it fails. */
const noSupervision = {
  schedules: {},
  queues: {},
  projects: {},
  queuePosition: () => 0,
  unreadable: [],
  waitUntil: () => Promise.reject(new Error("there is no supervision in this test")),
} as unknown as SupervisionServices;

/** What the daemon's services stand on, with as much of an engine as a test needs. */
export function dependenciesOn(
  engine: Partial<Engine>,
  log: Log,
  supervision: SupervisionServices = noSupervision,
): ServiceDependencies {
  const complete = new Proxy(engine as Engine, {
    get: (target, name) =>
      Reflect.get(target, name) ??
      (() => {
        throw new Error(`the test's engine has no ${String(name)}`);
      }),
  });
  return {
    engine: complete,
    log,
    identity: {
      version: "1.2.3",
      instanceId: "5d1e0000-0000-4000-8000-000000000000",
      startTime: 1_700_000_000_000_000_000n,
      runtimeDirectory: "/run/pm",
    },
    limits: { maxStreamsPerConnection: 256, maxConnections: 512, maxRequestBytes: 8_388_608 },
    stopping: new AbortController().signal,
    supervision,
    requestShutdown: () => {},
  };
}

export interface FakeDaemon {
  readonly client: Client<typeof ProcessService>;
  readonly events: Client<typeof EventService>;
  readonly daemon: Client<typeof DaemonService>;
  readonly logged: () => string;
}

export function clientOn(engine: Partial<Engine>): FakeDaemon {
  const { log, logged } = recordingLog();
  const transport = createRouterTransport(daemonRoutes(dependenciesOn(engine, log)), {
    router: { interceptors: contractInterceptors(log) },
  });
  const of = <T extends DescService>(service: T) => createClient(service, transport);
  return { client: of(ProcessService), events: of(EventService), daemon: of(DaemonService), logged };
}

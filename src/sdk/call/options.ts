/**
 * The options that there are. One that is misspelled, or that another version has, must not be passed over in silence:
 * it may have been what narrows a destructive call.
 */
import { mostSimilar } from "../../common/similar.ts";
import type { ConnectOptions } from "../endpoint.ts";
import { PmError } from "../errors.ts";
import type { BytesOptions } from "../stream/output-stream.ts";
import type {
  ApplyProjectOptions,
  BatchOptions,
  CallOptions,
  ChangeOptions,
  EventsOptions,
  GetOptions,
  ListPageOptions,
  OutputReadOptions,
  OutputsOptions,
  Probe,
  ProcessFilter,
  PruneOptions,
  ReconnectOptions,
  RemoveAllOptions,
  RemoveOptions,
  RemoveProjectOptions,
  ResizeOptions,
  RestartAllOptions,
  RestartOptions,
  SetQueueOptions,
  SetScheduleOptions,
  ShutdownOptions,
  SignalAllOptions,
  SignalOptions,
  SpecOptions,
  StartOptions,
  StatsOptions,
  StopAllOptions,
  StopHow,
  StopOptions,
  StreamOptions,
  SummaryOptions,
  UpdateOptions,
  WaitOptions,
  WatchOptions,
  WriteOptions,
} from "../types.ts";

/** Every key, with the keys of an object that is given for it. The compiler keeps it complete. */
type Keys<Options> = { readonly [Key in keyof Required<Options>]: true | Known };
/** As {@link Keys}, for any options. */
export interface Known {
  readonly [key: string]: true | Known;
}

const call = { signal: true, timeoutMs: true } as const satisfies Keys<CallOptions>;
const reconnect = {
  reconnect: true,
  reconnectMs: true,
  onConnection: true,
} as const satisfies Keys<ReconnectOptions>;
const precondition = { run: true, resourceVersion: true } as const;
const change = { ...call, precondition, requestId: true } as const satisfies Keys<ChangeOptions>;
const start = { offset: true, tailBytes: true, tailLines: true, since: true } as const;
const size = { rows: true, columns: true } as const;

const filter = {
  selector: true,
  states: true,
  ids: true,
  idPrefixes: true,
  names: true,
  namePatterns: true,
  createdAfter: true,
  createdBefore: true,
  endedAfter: true,
  endedBefore: true,
  living: true,
} as const satisfies Keys<ProcessFilter>;

const probe = {
  check: true,
  startPeriodMs: true,
  intervalMs: true,
  timeoutMs: true,
  successThreshold: true,
  failureThreshold: true,
} as const satisfies Keys<Probe>;

const spec = {
  executable: true,
  args: true,
  env: true,
  envMode: true,
  cwd: true,
  output: { limitBytes: true, whenFull: true },
  stdin: true,
  terminal: size,
  limits: { rlimits: true, memoryBytes: true, cpuMillis: true, processes: true },
  stop: { signal: true, graceMs: true },
  umask: true,
  nice: true,
  oomScoreAdj: true,
  restart: {
    mode: true,
    maxAttempts: true,
    windowMs: true,
    backoff: { initialMs: true, maxMs: true, multiplier: true, jitter: true },
    stableMs: true,
    memoryBytes: true,
  },
  readiness: probe,
  liveness: probe,
  dependsOn: true,
  queue: true,
  maxRunMs: true,
  stopCommand: { executable: true, args: true },
  hooks: true,
  successCodes: true,
} as const satisfies Keys<SpecOptions>;

const stopHow = { stopSignal: true, graceMs: true, force: true } as const satisfies Keys<StopHow>;
const get = { ...call, env: true } as const satisfies Keys<GetOptions>;
const batch = { ...call, ...reconnect, requestId: true } as const satisfies Keys<BatchOptions>;
const output = { ...call, run: true, start, until: true, streams: true } as const;

export const known = {
  call,
  connect: {
    ...reconnect,
    socket: true,
    address: true,
    context: true,
    transport: true,
    tls: { ca: true, cert: true, key: true },
    credentials: { username: true, password: true },
    timeoutMs: true,
    patienceMs: true,
    onUnreachable: true,
  } satisfies Keys<ConnectOptions>,
  start: { ...call, ...spec, id: true, name: true, labels: true } satisfies Keys<StartOptions & CallOptions>,
  stop: { ...change, ...stopHow, wait: true } satisfies Keys<StopOptions>,
  restart: { ...change, ...stopHow, spec } satisfies Keys<RestartOptions>,
  signal: { ...change, target: true } satisfies Keys<SignalOptions>,
  update: { ...change, name: true, labels: true, spec } satisfies Keys<UpdateOptions>,
  remove: { ...change, force: true } satisfies Keys<RemoveOptions>,
  get,
  summaries: { ...call, filter, pageSize: true, order: true } satisfies Keys<SummaryOptions>,
  list: { ...get, filter, pageSize: true, order: true, pageToken: true } satisfies Keys<ListPageOptions>,
  wait: { ...call, ...reconnect, until: true, run: true } satisfies Keys<WaitOptions>,
  watch: { ...get, ...reconnect, filter, resourceVersion: true, bookmarkMs: true } satisfies Keys<WatchOptions>,
  read: { ...output, maxBytes: true } satisfies Keys<OutputReadOptions>,
  stream: {
    ...output,
    ...reconnect,
    follow: true,
    followRestarts: true,
    hold: true,
    heartbeatMs: true,
    reuse: true,
  } satisfies Keys<StreamOptions>,
  bytes: { onGap: true, onOpened: true } satisfies Keys<BytesOptions>,
  outputs: {
    ...call,
    ...reconnect,
    start,
    cursors: true,
    streams: true,
    follow: true,
    untilIdle: true,
    until: true,
    mergeWindowMs: true,
    currentRunOnly: true,
    heartbeatMs: true,
  } satisfies Keys<OutputsOptions>,
  write: { ...call, close: true, inputOffset: true, precondition } satisfies Keys<WriteOptions>,
  resize: { ...call, precondition } satisfies Keys<ResizeOptions>,
  size,
  prune: { ...call, filter, all: true, olderThanMs: true, dryRun: true } satisfies Keys<PruneOptions>,
  filter,
  selection: { ...filter, all: true } satisfies Keys<ProcessFilter & { all: true }>,
  stopAll: { ...batch, ...stopHow } satisfies Keys<StopAllOptions>,
  restartAll: { ...batch, ...stopHow } satisfies Keys<RestartAllOptions>,
  signalAll: { ...batch, target: true } satisfies Keys<SignalAllOptions>,
  removeAll: { ...batch, force: true } satisfies Keys<RemoveAllOptions>,
  stats: { ...call, ...reconnect, filter, intervalMs: true, io: true, members: true } satisfies Keys<StatsOptions>,
  events: {
    ...call,
    ...reconnect,
    afterSequence: true,
    filter,
    types: true,
    follow: true,
    heartbeatMs: true,
  } satisfies Keys<EventsOptions>,
  setSchedule: {
    ...call,
    timing: true,
    process: true,
    template: { ...spec, id: true, name: true, labels: true },
    timeZone: true,
    overlap: true,
    catchUp: true,
    paused: true,
    createOnly: true,
    resourceVersion: true,
  } satisfies Keys<SetScheduleOptions>,
  setQueue: { ...call, parallelism: true, paused: true } satisfies Keys<SetQueueOptions>,
  applyProject: {
    ...call,
    ...reconnect,
    processes: true,
    source: true,
    prune: true,
    dryRun: true,
    only: true,
    resourceVersion: true,
    requestId: true,
    restartAll: true,
    queues: true,
    schedules: true,
  } satisfies Keys<ApplyProjectOptions>,
  removeProject: {
    ...call,
    ...reconnect,
    graceMs: true,
    keepProcesses: true,
    resourceVersion: true,
    requestId: true,
  } satisfies Keys<RemoveProjectOptions>,
  shutdown: { ...call, stopProcesses: true, graceMs: true } satisfies Keys<ShutdownOptions>,
} as const;

/**
 * Refuses keys that are not known, in nested objects too.
 *
 * @throws PmError `INVALID_ARGUMENT` (metadata: `field`)
 */
export function refuseUnknown(options: object, keys: Known, path = ""): void {
  for (const [key, value] of Object.entries(options)) {
    const below = Object.hasOwn(keys, key) ? keys[key] : undefined;
    const field = path === "" ? key : `${path}.${key}`;
    if (below === undefined) {
      const meant = mostSimilar(key, Object.keys(keys));
      throw new PmError("INVALID_ARGUMENT", `there is no option "${field}"`, {
        code: "invalid_argument",
        metadata: { field },
        hint: meant === undefined ? `there are: ${Object.keys(keys).join(", ")}` : `did you mean "${meant}"?`,
      });
    }
    if (below !== true && typeof value === "object" && value !== null) {
      refuseUnknown(value, below, field);
    }
  }
}

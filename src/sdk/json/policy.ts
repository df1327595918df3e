/** Policies and what supervision makes of them, between the SDK's vocabulary and the contract's JSON. */
import type {
  CommandJson,
  DependencyConditionJson,
  HookEventJson,
  ProbeJson,
  RestartModeJson,
  RestartPolicyJson,
} from "../../../gen/ts/pm/v1/policy_pb.ts";
import type { ProcessSpecJson } from "../../../gen/ts/pm/v1/spec_pb.ts";
import type { SupervisionStatusJson } from "../../../gen/ts/pm/v1/supervision_pb.ts";
import type {
  Check,
  Command,
  DependencyCondition,
  HookEvent,
  PolicyOptions,
  Probe,
  RestartMode,
  RestartPolicy,
  SupervisionStatus,
  WaitingReason,
} from "../types.ts";
import {
  dateFromJson,
  durationToJson,
  enumFromJson,
  enumToJson,
  integerToJson,
  millisecondsFromJson,
} from "./scalars.ts";
import type { Known } from "./words.ts";

const restartModes = {
  RESTART_MODE_NO: "no",
  RESTART_MODE_ON_FAILURE: "onFailure",
  RESTART_MODE_UNLESS_STOPPED: "unlessStopped",
  RESTART_MODE_ALWAYS: "always",
} as const satisfies Record<Known<RestartModeJson>, RestartMode>;

const conditions = {
  DEPENDENCY_CONDITION_STARTED: "started",
  DEPENDENCY_CONDITION_READY: "ready",
  DEPENDENCY_CONDITION_COMPLETED: "completed",
  DEPENDENCY_CONDITION_COMPLETED_SUCCESSFULLY: "completedSuccessfully",
} as const satisfies Record<Known<DependencyConditionJson>, DependencyCondition>;

const hookEvents = {
  HOOK_EVENT_STARTED: "started",
  HOOK_EVENT_READY: "ready",
  HOOK_EVENT_UNHEALTHY: "unhealthy",
  HOOK_EVENT_EXITED: "exited",
  HOOK_EVENT_GIVEN_UP: "givenUp",
} as const satisfies Record<Known<HookEventJson>, HookEvent>;

/** Fields that are undefined or null are left out. */
export function policyToJson(
  policy: {
    readonly [Field in keyof PolicyOptions]?: PolicyOptions[Field] | null;
  },
): ProcessSpecJson {
  const { restart, readiness, liveness, dependsOn, queue, maxRunMs, stopCommand, hooks, successCodes } = policy;
  return {
    ...(restart != null && { restart: restartToJson(restart) }),
    ...(readiness != null && { readiness: probeToJson(readiness, "readiness") }),
    ...(liveness != null && { liveness: probeToJson(liveness, "liveness") }),
    ...(dependsOn != null && {
      dependsOn: dependsOn.map(({ process, condition }) => ({
        process,
        ...(condition !== undefined && { condition: enumToJson(conditions, condition, "dependsOn.condition") }),
      })),
    }),
    ...(queue != null && { queue }),
    ...(maxRunMs != null && { maxRunTime: durationToJson(maxRunMs, "maxRunMs") }),
    ...(stopCommand != null && { stopCommand: commandToJson(stopCommand) }),
    ...(hooks != null && {
      hooks: hooks.map(({ events, command, timeoutMs }) => ({
        events: events.map((event) => enumToJson(hookEvents, event, "hooks.events")),
        command: commandToJson(command),
        ...(timeoutMs !== undefined && { timeout: durationToJson(timeoutMs, "hooks.timeoutMs") }),
      })),
    }),
    ...(successCodes != null && { successCodes: [...successCodes] }),
  };
}

function commandToJson({ executable, args = [] }: Command): CommandJson {
  return { executable, args: [...args] };
}

function restartToJson({ mode, maxAttempts, windowMs, backoff, stableMs, memoryBytes }: RestartPolicy) {
  return {
    mode: enumToJson(restartModes, mode, "restart.mode"),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(windowMs !== undefined && { window: durationToJson(windowMs, "restart.windowMs") }),
    ...(backoff !== undefined && {
      backoff: {
        ...(backoff.initialMs !== undefined && {
          initial: durationToJson(backoff.initialMs, "restart.backoff.initialMs"),
        }),
        ...(backoff.maxMs !== undefined && { max: durationToJson(backoff.maxMs, "restart.backoff.maxMs") }),
        ...(backoff.multiplier !== undefined && { multiplier: backoff.multiplier }),
        ...(backoff.jitter !== undefined && { jitter: backoff.jitter }),
      },
    }),
    ...(stableMs !== undefined && { stableTime: durationToJson(stableMs, "restart.stableMs") }),
    ...(memoryBytes !== undefined && { memoryBytes: integerToJson(memoryBytes, "restart.memoryBytes") }),
  } satisfies RestartPolicyJson;
}

function probeToJson(probe: Probe, option: string): ProbeJson {
  const { check, startPeriodMs, intervalMs, timeoutMs, successThreshold, failureThreshold } = probe;
  return {
    ...checkToJson(check, option),
    ...(startPeriodMs !== undefined && { startPeriod: durationToJson(startPeriodMs, `${option}.startPeriodMs`) }),
    ...(intervalMs !== undefined && { interval: durationToJson(intervalMs, `${option}.intervalMs`) }),
    ...(timeoutMs !== undefined && { timeout: durationToJson(timeoutMs, `${option}.timeoutMs`) }),
    ...(successThreshold !== undefined && { successThreshold }),
    ...(failureThreshold !== undefined && { failureThreshold }),
  };
}

function checkToJson(check: Check, option: string): ProbeJson {
  switch (check.kind) {
    case "exec":
      return { exec: { command: commandToJson(check.command) } };
    case "http": {
      const { host, port, path, tls, headers, statusCodes } = check;
      return {
        http: {
          port,
          ...(host !== undefined && { host }),
          ...(path !== undefined && { path }),
          ...(tls && { tls }),
          ...(headers !== undefined && { headers: { ...headers } }),
          ...(statusCodes !== undefined && { statusCodes: [...statusCodes] }),
        },
      };
    }
    case "tcp":
      return { tcp: { port: check.port, ...(check.host !== undefined && { host: check.host }) } };
    case "output":
      return { output: { pattern: check.pattern } };
    case "notify":
      return {
        notify:
          check.watchdogMs === undefined
            ? {}
            : { watchdog: durationToJson(check.watchdogMs, `${option}.check.watchdogMs`) },
      };
  }
}

export function policyFromJson(spec: ProcessSpecJson): PolicyOptions {
  const { restart, readiness, liveness, dependsOn, queue, maxRunTime, stopCommand, hooks, successCodes } = spec;
  const [ready, live] = [probeFromJson(readiness), probeFromJson(liveness)];
  return {
    ...(restart !== undefined && { restart: restartFromJson(restart) }),
    ...(ready !== undefined && { readiness: ready }),
    ...(live !== undefined && { liveness: live }),
    ...(dependsOn?.length && {
      dependsOn: dependsOn.map(({ process = "", condition }) => ({
        process,
        condition: enumFromJson(conditions, condition ?? "DEPENDENCY_CONDITION_STARTED", "the condition"),
      })),
    }),
    ...(queue && { queue }),
    ...(maxRunTime !== undefined && { maxRunMs: millisecondsFromJson(maxRunTime) }),
    ...(stopCommand !== undefined && { stopCommand: commandFromJson(stopCommand) }),
    ...(hooks?.length && {
      hooks: hooks.map(({ events = [], command, timeout }) => ({
        events: events.map((event) => enumFromJson(hookEvents, event, "the hook's event")),
        command: commandFromJson(command ?? {}),
        ...(timeout !== undefined && { timeoutMs: millisecondsFromJson(timeout) }),
      })),
    }),
    ...(successCodes?.length && { successCodes }),
  };
}

function commandFromJson({ executable = "", args = [] }: CommandJson): Command {
  return { executable, args };
}

function restartFromJson({ mode, maxAttempts, window, backoff, stableTime, memoryBytes }: RestartPolicyJson) {
  return {
    mode: enumFromJson(restartModes, mode ?? "RESTART_MODE_NO", "the restart mode"),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(window !== undefined && { windowMs: millisecondsFromJson(window) }),
    ...(backoff !== undefined && {
      backoff: {
        ...(backoff.initial !== undefined && { initialMs: millisecondsFromJson(backoff.initial) }),
        ...(backoff.max !== undefined && { maxMs: millisecondsFromJson(backoff.max) }),
        ...(backoff.multiplier !== undefined && { multiplier: Number(backoff.multiplier) }),
        ...(backoff.jitter !== undefined && { jitter: Number(backoff.jitter) }),
      },
    }),
    ...(stableTime !== undefined && { stableMs: millisecondsFromJson(stableTime) }),
    ...(memoryBytes !== undefined && { memoryBytes: Number(memoryBytes) }),
  } satisfies RestartPolicy;
}

/** Undefined: there is none, or its check is of a kind that this version does not know. */
function probeFromJson(probe: ProbeJson | undefined): Probe | undefined {
  const check = probe === undefined ? undefined : checkFromJson(probe);
  if (probe === undefined || check === undefined) {
    return undefined;
  }
  const { startPeriod, interval, timeout, successThreshold, failureThreshold } = probe;
  return {
    check,
    ...(startPeriod !== undefined && { startPeriodMs: millisecondsFromJson(startPeriod) }),
    ...(interval !== undefined && { intervalMs: millisecondsFromJson(interval) }),
    ...(timeout !== undefined && { timeoutMs: millisecondsFromJson(timeout) }),
    ...(successThreshold !== undefined && { successThreshold }),
    ...(failureThreshold !== undefined && { failureThreshold }),
  };
}

function checkFromJson({ exec, http, tcp, output, notify }: ProbeJson): Check | undefined {
  if (exec !== undefined) {
    return { kind: "exec", command: commandFromJson(exec.command ?? {}) };
  }
  if (http !== undefined) {
    const { host, port = 0, path, tls, headers, statusCodes } = http;
    return {
      kind: "http",
      port,
      ...(host && { host }),
      ...(path && { path }),
      ...(tls && { tls }),
      ...(headers !== undefined && { headers }),
      ...(statusCodes?.length && { statusCodes }),
    };
  }
  if (tcp !== undefined) {
    return { kind: "tcp", port: tcp.port ?? 0, ...(tcp.host && { host: tcp.host }) };
  }
  if (output !== undefined) {
    return { kind: "output", pattern: output.pattern ?? "" };
  }
  return notify === undefined
    ? undefined
    : {
        kind: "notify",
        ...(notify.watchdog !== undefined && { watchdogMs: millisecondsFromJson(notify.watchdog) }),
      };
}

const waitingReasons: Readonly<Record<string, WaitingReason>> = {
  WAITING_REASON_RESTART: "restart",
  WAITING_REASON_DEPENDENCY: "dependency",
  WAITING_REASON_SCHEDULE: "schedule",
  WAITING_REASON_QUEUE: "queue",
};
const readinesses: Readonly<Record<string, NonNullable<SupervisionStatus["readiness"]>>> = {
  READINESS_NOT_READY: "notReady",
  READINESS_READY: "ready",
};
const healths: Readonly<Record<string, NonNullable<SupervisionStatus["health"]>>> = {
  HEALTH_UNKNOWN: "unknown",
  HEALTH_HEALTHY: "healthy",
  HEALTH_UNHEALTHY: "unhealthy",
};

export function supervisionFromJson(json: SupervisionStatusJson): SupervisionStatus {
  const { waitingReason = "WAITING_REASON_UNSPECIFIED", waitingUntil } = json;
  const readiness = readinesses[json.readiness ?? ""];
  const health = healths[json.health ?? ""];
  return {
    ...(waitingReason !== "WAITING_REASON_UNSPECIFIED" && {
      waiting: {
        reason: waitingReasons[waitingReason] ?? "unknown",
        ...(waitingUntil !== undefined && { until: dateFromJson(waitingUntil) }),
        for: json.waitingFor ?? [],
        detail: json.waitingDetail ?? "",
      },
    }),
    attempt: json.attempt ?? 0,
    maxAttempts: json.maxAttempts ?? 0,
    restarts: json.restarts ?? 0,
    ...(readiness !== undefined && { readiness }),
    ...(health !== undefined && { health }),
    probeMessage: json.probeMessage ?? "",
    notifyStatus: json.notifyStatus ?? "",
    queuePosition: json.queuePosition ?? 0,
    project: json.project ?? "",
    schedule: json.schedule ?? "",
  };
}

/** What a spec says about supervision, checked by the contract's rules. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Command,
  DependencyCondition,
  type Hook,
  HookEvent,
  type Probe,
  type ProbeSchema,
  RestartMode,
  type RestartPolicy,
} from "../../../../gen/ts/pm/v1/policy_pb.ts";
import type { ProcessSpec, ProcessSpecSchema } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import { isName, isUuid } from "../../../common/contract-rules.ts";
import type * as engine from "../../engine/api/index.ts";
import { compilePattern } from "../../supervision/probe/pattern.ts";
import { emptyPolicy } from "../../supervision/project/changes.ts";
import type { Field } from "../edge/field.ts";
import { atMost, dayMs, executable, hourMs, quote, saturate, text, within } from "../edge/rules.ts";
import { listReader, reader } from "./enums.ts";
import { durationFromMillis, millisFromDuration } from "./time.ts";

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

const maxDependencies = 64;
const maxHooks = 16;
const maxCodes = 256;
const maxHeaders = 32;
const maxPatternLength = 1024;

/** The contract's fields of a spec that are the policy, and what they are called in it. */
export const policyFieldByName: ReadonlyMap<string, keyof engine.SupervisionPolicy> = new Map(
  Object.entries({
    restart: "restart",
    readiness: "readiness",
    liveness: "liveness",
    depends_on: "dependsOn",
    queue: "queue",
    max_run_time: "maxRunMs",
    stop_command: "stopCommand",
    hooks: "hooks",
    success_codes: "successCodes",
  } as const),
);

const modeToProto = {
  no: RestartMode.NO,
  onFailure: RestartMode.ON_FAILURE,
  unlessStopped: RestartMode.UNLESS_STOPPED,
  always: RestartMode.ALWAYS,
} as const satisfies Record<engine.RestartMode, RestartMode>;
const modeFromProto = reader(modeToProto, "no");

const conditionToProto = {
  started: DependencyCondition.STARTED,
  ready: DependencyCondition.READY,
  completed: DependencyCondition.COMPLETED,
  completedSuccessfully: DependencyCondition.COMPLETED_SUCCESSFULLY,
} as const satisfies Record<engine.DependencyCondition, DependencyCondition>;
const conditionFromProto = reader(conditionToProto, "started");

const hookEventToProto = {
  started: HookEvent.STARTED,
  ready: HookEvent.READY,
  unhealthy: HookEvent.UNHEALTHY,
  exited: HookEvent.EXITED,
  givenUp: HookEvent.GIVEN_UP,
} as const satisfies Record<engine.HookEvent, HookEvent>;
const hookEventsFromProto = listReader(hookEventToProto);

/** Undefined: the spec says nothing of it. */
export function policyFromProto(spec: ProcessSpec, at: Field): engine.SupervisionPolicy | undefined {
  const policy: engine.SupervisionPolicy = {
    restart: spec.restart === undefined ? null : restartFromProto(spec.restart, at.child("restart")),
    readiness: spec.readiness === undefined ? null : probeFromProto(spec.readiness, "readiness", at.child("readiness")),
    liveness: spec.liveness === undefined ? null : probeFromProto(spec.liveness, "liveness", at.child("liveness")),
    dependsOn: atMost(spec.dependsOn, maxDependencies, at.child("depends_on")).map((dependency, index) => {
      const here = at.child("depends_on").item(index).child("process");
      if (!isName(dependency.process) && !isUuid(dependency.process)) {
        here.refuse(`must be the name or the UUID of a process, not ${quote(dependency.process)}`);
      }
      return { process: dependency.process, condition: conditionFromProto(dependency.condition) };
    }),
    queue: optionalName(spec.queue, at.child("queue")),
    maxRunMs: millisFromDuration(spec.maxRunTime, { min: 100, max: 366 * dayMs }, at.child("max_run_time")),
    stopCommand: spec.stopCommand === undefined ? null : commandFromProto(spec.stopCommand, at.child("stop_command")),
    hooks: atMost(spec.hooks, maxHooks, at.child("hooks")).map((hook, index) =>
      hookFromProto(hook, at.child("hooks").item(index)),
    ),
    successCodes: atMost(spec.successCodes, maxCodes, at.child("success_codes")).map((code, index) =>
      within(code, 0, 255, at.child("success_codes").item(index)),
    ),
  };
  return unlessEmpty(policy);
}

/** Fields of `after` in place of those of `before`. */
export function replacePolicyFields(
  before: engine.SupervisionPolicy | undefined,
  after: engine.SupervisionPolicy | undefined,
  fields: ReadonlySet<keyof engine.SupervisionPolicy>,
): engine.SupervisionPolicy | undefined {
  const from = after ?? emptyPolicy;
  const replaced = Object.fromEntries([...fields].map((field) => [field, from[field]]));
  return unlessEmpty({ ...(before ?? emptyPolicy), ...replaced });
}

function unlessEmpty(policy: engine.SupervisionPolicy): engine.SupervisionPolicy | undefined {
  const isEmpty = policyKeys.every((key) => {
    const value = policy[key];
    return Array.isArray(value) ? value.length === 0 : value === emptyPolicy[key];
  });
  return isEmpty ? undefined : policy;
}

const policyKeys = Object.keys(emptyPolicy) as (keyof engine.SupervisionPolicy)[];

export function optionalName(value: string, at: Field): string {
  if (value !== "" && !isName(value)) {
    at.refuse(`must be a letter or "_", then up to 62 letters, digits, ".", "_" or "-", not ${quote(value)}`);
  }
  return value;
}

function restartFromProto(restart: RestartPolicy, at: Field): engine.RestartPolicy {
  const { backoff } = restart;
  const here = at.child("backoff");
  const initialMs = millisFromDuration(backoff?.initial, { min: 0, max: dayMs }, here.child("initial"));
  const maxMs = millisFromDuration(backoff?.max, { min: 0, max: dayMs }, here.child("max"));
  if (initialMs !== null && maxMs !== null && maxMs < initialMs) {
    here.child("max").refuse("must not be below initial");
  }
  return {
    mode: modeFromProto(restart.mode),
    maxAttempts:
      restart.maxAttempts === undefined ? null : within(restart.maxAttempts, 0, 1000, at.child("max_attempts")),
    windowMs: millisFromDuration(restart.window, { min: 1000, max: 30 * dayMs }, at.child("window")),
    backoff: {
      initialMs,
      maxMs,
      multiplier: optionalNumber(backoff?.multiplier, 1, 100, here.child("multiplier")),
      jitter: optionalNumber(backoff?.jitter, 0, 1, here.child("jitter")),
    },
    stableMs: millisFromDuration(restart.stableTime, { min: 0, max: dayMs }, at.child("stable_time")),
    memoryBytes:
      restart.memoryBytes === undefined
        ? null
        : within(saturate(restart.memoryBytes), 1, 2 ** 53, at.child("memory_bytes")),
  };
}

function optionalNumber(value: number | undefined, minimum: number, maximum: number, at: Field): number | null {
  if (value === undefined) {
    return null;
  }
  // NaN is in no range.
  if (!(value >= minimum && value <= maximum)) {
    at.refuse(`must be from ${minimum} to ${maximum}, not ${value}`);
  }
  return value;
}

function probeFromProto(probe: Probe, which: "readiness" | "liveness", at: Field): engine.Probe {
  const optional = (value: number | undefined, name: string) =>
    value === undefined ? null : within(value, 1, 100, at.child(name));
  return {
    check: checkFromProto(probe, which, at),
    startPeriodMs: millisFromDuration(probe.startPeriod, { min: 0, max: dayMs }, at.child("start_period")),
    intervalMs: millisFromDuration(probe.interval, { min: 100, max: dayMs }, at.child("interval")),
    timeoutMs: millisFromDuration(probe.timeout, { min: 10, max: hourMs }, at.child("timeout")),
    successThreshold: optional(probe.successThreshold, "success_threshold"),
    failureThreshold: optional(probe.failureThreshold, "failure_threshold"),
  };
}

function checkFromProto({ check }: Probe, which: "readiness" | "liveness", at: Field): engine.Check {
  switch (check.case) {
    case "exec":
      return { kind: "exec", command: commandFromProto(check.value.command, at.child("exec").child("command")) };
    case "http": {
      const here = at.child("http");
      const { path, headers, statusCodes, tls } = check.value;
      if (path !== "" && !/^\/[\x21-\x7e]*$/.test(path)) {
        here.child("path").refuse(`must begin with "/" and have no spaces, not ${quote(path)}`);
      }
      const entries = Object.entries(headers);
      if (entries.length > maxHeaders) {
        here.child("headers").refuse(`must not be more than ${maxHeaders}, are ${entries.length}`);
      }
      for (const [name, value] of entries) {
        // RFC 9110, 5.1 and 5.5: what Node.js would refuse later.
        if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
          here.child("headers").key(name).refuse("is no valid header");
        }
      }
      return {
        kind: "http",
        ...addressFromProto(check.value, here),
        path,
        tls,
        headers: { ...headers },
        statusCodes: statusCodes.map((code, index) => within(code, 100, 599, here.child("status_codes").item(index))),
      };
    }
    case "tcp":
      return { kind: "tcp", ...addressFromProto(check.value, at.child("tcp")) };
    case "output": {
      const here = at.child("output");
      const { pattern } = check.value;
      if (which === "liveness") {
        here.refuse("is for readiness only");
      }
      if (pattern === "" || pattern.length > maxPatternLength) {
        here.child("pattern").refuse(`must be 1 to ${maxPatternLength} characters`);
      } else {
        try {
          compilePattern(pattern);
        } catch (error) {
          here.child("pattern").refuse(`is no regular expression of RE2: ${(error as Error).message}`);
        }
      }
      return { kind: "output", pattern };
    }
    case "notify": {
      const here = at.child("notify");
      const watchdogMs = millisFromDuration(check.value.watchdog, { min: 100, max: dayMs }, here.child("watchdog"));
      if ((watchdogMs === null) === (which === "liveness")) {
        here.child("watchdog").refuse(which === "liveness" ? "is required" : "is for liveness only");
      }
      return { kind: "notify", watchdogMs };
    }
    case undefined:
      at.refuse("a check is required");
      return { kind: "notify", watchdogMs: null };
  }
}

function addressFromProto(address: { readonly host: string; readonly port: number }, at: Field) {
  if (address.host.length > 255 || /[\s/\0]/.test(address.host)) {
    at.child("host").refuse(`must be a name or an address, not ${quote(address.host)}`);
  }
  return { host: address.host, port: within(address.port, 1, 65_535, at.child("port")) };
}

function commandFromProto(command: Command | undefined, at: Field): engine.Command {
  const program = executable(command?.executable ?? "", at.child("executable"));
  return {
    executable: typeof program === "string" ? program : "",
    args: (command?.args ?? []).map((argument, index) => {
      text(argument, at.child("args").item(index));
      return argument;
    }),
  };
}

function hookFromProto(hook: Hook, at: Field): engine.Hook {
  if (hook.events.length === 0) {
    at.child("events").refuse("is required: at least one");
  }
  return {
    events: hookEventsFromProto(hook.events, at.child("events")),
    command: commandFromProto(hook.command, at.child("command")),
    timeoutMs: millisFromDuration(hook.timeout, { min: 100, max: hourMs }, at.child("timeout")),
  };
}

export function policyToProto(policy: engine.SupervisionPolicy): SpecInit {
  const { restart, readiness, liveness, maxRunMs, stopCommand } = policy;
  return {
    restart: restart === null ? undefined : restartToProto(restart),
    readiness: readiness === null ? undefined : probeToProto(readiness),
    liveness: liveness === null ? undefined : probeToProto(liveness),
    dependsOn: policy.dependsOn.map(({ process, condition }) => ({ process, condition: conditionToProto[condition] })),
    queue: policy.queue,
    maxRunTime: optionalDuration(maxRunMs),
    stopCommand: stopCommand === null ? undefined : commandToProto(stopCommand),
    hooks: policy.hooks.map(({ events, command, timeoutMs }) => ({
      events: events.map((event) => hookEventToProto[event]),
      command: commandToProto(command),
      timeout: optionalDuration(timeoutMs),
    })),
    successCodes: [...policy.successCodes],
  };
}

function restartToProto({ mode, maxAttempts, windowMs, backoff, stableMs, memoryBytes }: engine.RestartPolicy) {
  const { initialMs, maxMs, multiplier, jitter } = backoff;
  return {
    mode: modeToProto[mode],
    maxAttempts: maxAttempts ?? undefined,
    window: optionalDuration(windowMs),
    backoff: Object.values(backoff).every((value) => value === null)
      ? undefined
      : {
          initial: optionalDuration(initialMs),
          max: optionalDuration(maxMs),
          multiplier: multiplier ?? undefined,
          jitter: jitter ?? undefined,
        },
    stableTime: optionalDuration(stableMs),
    memoryBytes: memoryBytes === null ? undefined : BigInt(memoryBytes),
  };
}

function probeToProto(probe: engine.Probe): MessageInitShape<typeof ProbeSchema> {
  return {
    check: checkToProto(probe.check),
    startPeriod: optionalDuration(probe.startPeriodMs),
    interval: optionalDuration(probe.intervalMs),
    timeout: optionalDuration(probe.timeoutMs),
    successThreshold: probe.successThreshold ?? undefined,
    failureThreshold: probe.failureThreshold ?? undefined,
  };
}

function checkToProto(check: engine.Check): NonNullable<MessageInitShape<typeof ProbeSchema>["check"]> {
  switch (check.kind) {
    case "exec":
      return { case: "exec", value: { command: commandToProto(check.command) } };
    case "http": {
      const { kind: _, headers, statusCodes, ...address } = check;
      return { case: "http", value: { ...address, headers: { ...headers }, statusCodes: [...statusCodes] } };
    }
    case "tcp":
      return { case: "tcp", value: { host: check.host, port: check.port } };
    case "output":
      return { case: "output", value: { pattern: check.pattern } };
    case "notify":
      return { case: "notify", value: { watchdog: optionalDuration(check.watchdogMs) } };
  }
}

function commandToProto({ executable: program, args }: engine.Command) {
  return { executable: program, args: [...args] };
}

function optionalDuration(millis: number | null) {
  return millis === null ? undefined : durationFromMillis(millis);
}

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isUuid } from "../../../common/contract-rules.ts";
import type { Cause } from "../api/cause.ts";
import type { Survivor } from "../api/control.ts";
import type { SupervisionPolicy } from "../api/policy.ts";
import type { Change, DesiredState, ProcessState } from "../api/process.ts";
import type {
  EffectiveSpec,
  ExitStatus,
  OutputInfo,
  RunState,
  StartFailure,
  StopOutcome,
  StopReceipt,
} from "../api/run.ts";
import type { EnvironmentVariable, ProcessSpec, ResourceLimit, Text, TreeLimits } from "../api/spec.ts";
import type { Supervision } from "../api/supervision.ts";
import { isCause, isExitStatus } from "../history/entry.ts";
import { isStartStep, type RunEnd, type RunSummary } from "../run/run.ts";
import { hasCode } from "../shim/system-error.ts";
import {
  bigint,
  boolean,
  count,
  DecodeError,
  type Fields,
  integer,
  isFields,
  list,
  object,
  objects,
  oneOf,
  optional,
  string,
  strings,
} from "./decode.ts";
import type { Intent } from "./intent.ts";
import { migrate, recordVersion } from "./migrations/index.ts";
import type { Signaling } from "./signaling.ts";

/** What must survive the daemon of one run and stands in no ring. */
export interface RunRecord {
  readonly number: number;
  readonly cause: Cause;
  readonly createTime: bigint;
  readonly sequence: number;
  readonly effective: EffectiveSpec;
  /** Null: it was begun by a pm that did not keep them. */
  readonly limits: TreeLimits | null;
  readonly failure: StartFailure | null;
  readonly oomKilled: boolean | null;
  readonly end: RunEnd | null;
  readonly stop: StopReceipt | null;
  /** Its output went to make room for others. */
  readonly outputDropped: boolean;
  /** Of a run that has been followed by another one: its state, and what its ring said. */
  readonly past: { readonly state: RunState; readonly summary: RunSummary } | null;
}

/**
 * What must survive the daemon and stands in no ring: `p/<uuid>/process.json`.
 * It is replaced by rename(2), so a reader sees one whole version or another.
 */
export interface ProcessRecord {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly createTime: bigint;
  /** The journal's number of its creation. */
  readonly sequence: number;
  readonly desired: DesiredState;
  readonly lastChange: Change | null;
  readonly intents: readonly Intent[];
  readonly signaling: Signaling | null;
  /** Kept for supervision as it is. */
  readonly supervision: Supervision | undefined;
  readonly standing: "waiting" | "givenUp" | null;
  /** The current one first. */
  readonly runs: readonly RunRecord[];
}

export type RecordFile =
  | { readonly kind: "missing" }
  | { readonly kind: "readable"; readonly record: ProcessRecord }
  /** A later version of pm wrote it. */
  | { readonly kind: "newer"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly reason: string };

export const recordFileName = "process.json";

/** @throws a Node system error; the record before is then still there. */
export function writeRecord(directory: string, record: ProcessRecord): void {
  const path = join(directory, recordFileName);
  try {
    writeFileSync(`${path}.new`, encodeRecord(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    rmSync(`${path}.new`, { force: true });
    throw error;
  }
}

export function readRecord(directory: string): RecordFile {
  let text: string;
  try {
    text = readFileSync(join(directory, recordFileName), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { kind: "missing" };
    return { kind: "unreadable", reason: String(error) };
  }
  return decodeRecord(text);
}

/** Makes the record unreadable first of all: the rest is then rubbish to the next daemon. */
export function deleteRecord(directory: string): void {
  rmSync(join(directory, recordFileName), { force: true });
}

/** 64-bit numbers are decimal strings. A replacer for JSON.stringify would cost three times as much. */
export function encodeRecord(record: ProcessRecord): string {
  const { createTime, spec, lastChange, intents, runs } = record;
  return JSON.stringify({
    version: recordVersion,
    ...record,
    createTime: String(createTime),
    spec: encodeSpec(spec),
    lastChange: lastChange === null ? null : { ...lastChange, time: String(lastChange.time) },
    intents: intents.map((intent) => ({ ...intent, spec: intent.spec === null ? null : encodeSpec(intent.spec) })),
    runs: runs.map(encodeRun),
  });
}

function encodeRun(run: RunRecord): object {
  const { createTime, end, stop, past } = run;
  return {
    ...run,
    createTime: String(createTime),
    end: end === null ? null : { ...end, time: String(end.time) },
    stop: stop === null ? null : encodeReceipt(stop),
    past: past === null ? null : { ...past, summary: encodeSummary(past.summary) },
  };
}

function encodeSummary(summary: RunSummary): object {
  const { startTime, exitTime } = summary;
  return { ...summary, startTime: decimal(startTime), exitTime: decimal(exitTime) };
}

function encodeReceipt(receipt: StopReceipt): object {
  const { requestTime, signalTime, killTime, endTime } = receipt;
  return {
    ...receipt,
    requestTime: String(requestTime),
    signalTime: decimal(signalTime),
    killTime: decimal(killTime),
    endTime: decimal(endTime),
  };
}

function encodeSpec(spec: ProcessSpec): object {
  const { limits } = spec;
  const rlimits = limits.rlimits.map(({ resource, soft, hard }) => ({
    resource,
    soft: decimal(soft),
    hard: decimal(hard),
  }));
  return {
    ...spec,
    executable: encodeText(spec.executable),
    args: spec.args.map(encodeText),
    env: spec.env.map(({ name, value }) => ({ name: encodeText(name), value: encodeText(value) })),
    cwd: encodeText(spec.cwd),
    limits: { ...limits, rlimits },
  };
}

function encodeText(text: Text): string | object {
  return typeof text === "string" ? text : { base64: Buffer.from(text).toString("base64") };
}

function decimal(value: bigint | null): string | null {
  return value === null ? null : String(value);
}

export function decodeRecord(text: string): RecordFile {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return { kind: "unreadable", reason: "its record is no JSON" };
  }
  if (!isFields(fields) || !Number.isSafeInteger(fields["version"])) {
    return { kind: "unreadable", reason: "its record has no version" };
  }
  const version = Number(fields["version"]);
  if (version > recordVersion) {
    return { kind: "newer", reason: `its record has version ${version}, which a newer pm wrote` };
  }
  try {
    const migrated = migrate(version, fields);
    if (migrated === null) return { kind: "unreadable", reason: `its record has the old version ${version}` };
    return { kind: "readable", record: decodeProcess(migrated) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { kind: "unreadable", reason: `its record is damaged: ${error.message}` };
  }
}

function decodeProcess(fields: Fields): ProcessRecord {
  const id = string(fields, "id");
  if (!isUuid(id)) throw new DecodeError("id is no UUID");
  const runs = objects(fields, "runs", decodeRun);
  if (runs.length === 0) throw new DecodeError("runs is empty");
  for (const [index, run] of runs.entries()) {
    if (index > 0 && run.number >= (runs[index - 1]?.number ?? 0)) throw new DecodeError("runs are in no order");
  }
  return {
    id,
    name: string(fields, "name"),
    labels: strings(fields, "labels"),
    spec: decodeSpec(object(fields, "spec")),
    createTime: bigint(fields, "createTime"),
    sequence: count(fields, "sequence"),
    desired: oneOf(fields, "desired", ["running", "stopped"]),
    lastChange: optional(fields, "lastChange", (from, key) => decodeChange(object(from, key))),
    intents: objects(fields, "intents", decodeIntent),
    signaling: optional(fields, "signaling", (from, key) => decodeSignaling(object(from, key))),
    supervision: kept<Supervision>(fields, "supervision"),
    standing: optional(fields, "standing", (from, key) => oneOf(from, key, ["waiting", "givenUp"])),
    runs,
  };
}

/** What the engine keeps for others is theirs to read. */
function kept<T extends object>(fields: Fields, key: string): T | undefined {
  return (optional(fields, key, object) as T | null) ?? undefined;
}

function decodeRun(fields: Fields): RunRecord {
  const number = count(fields, "number");
  return {
    number,
    cause: decodeCause(fields, "cause"),
    createTime: bigint(fields, "createTime"),
    sequence: count(fields, "sequence"),
    effective: decodeEffective(object(fields, "effective")),
    limits: optional(fields, "limits", (from, key) => decodeTreeLimits(object(from, key))),
    failure: optional(fields, "failure", (from, key) => decodeFailure(object(from, key))),
    oomKilled: optional(fields, "oomKilled", boolean),
    end: optional(fields, "end", (from, key) => {
      const end = object(from, key);
      return { time: bigint(end, "time"), bootMs: count(end, "bootMs") };
    }),
    stop: optional(fields, "stop", (from, key) => decodeReceipt(object(from, key))),
    outputDropped: optional(fields, "outputDropped", boolean) ?? false,
    past: optional(fields, "past", (from, key) => {
      const past = object(from, key);
      return { state: decodeRunState(past, "state"), summary: decodeSummary(object(past, "summary")) };
    }),
  };
}

function decodeSummary(fields: Fields): RunSummary {
  return {
    startTime: optional(fields, "startTime", bigint),
    exitTime: optional(fields, "exitTime", bigint),
    exit: optional(fields, "exit", decodeExit),
    output: decodeOutput(object(fields, "output")),
  };
}

function decodeExit(fields: Fields, key: string): ExitStatus {
  const value = fields[key];
  if (isExitStatus(value)) return value;
  throw new DecodeError(`${key} is no exit status`);
}

function decodeOutput(fields: Fields): OutputInfo {
  return {
    firstOffset: count(fields, "firstOffset"),
    nextOffset: count(fields, "nextOffset"),
    complete: boolean(fields, "complete"),
    stdoutBytes: count(fields, "stdoutBytes"),
    stderrBytes: count(fields, "stderrBytes"),
    limitBytes: count(fields, "limitBytes"),
    held: boolean(fields, "held"),
  };
}

function decodeEffective(fields: Fields): EffectiveSpec {
  return {
    cwd: string(fields, "cwd"),
    outputLimitBytes: count(fields, "outputLimitBytes"),
    stopSignal: string(fields, "stopSignal"),
    stopGraceMs: count(fields, "stopGraceMs"),
    umask: count(fields, "umask"),
    nice: integer(fields, "nice"),
    oomScoreAdj: integer(fields, "oomScoreAdj"),
  };
}

function decodeFailure(fields: Fields): StartFailure {
  const step = integer(fields, "step");
  if (!isStartStep(step)) throw new DecodeError("step is none");
  return {
    step,
    errno: optional(fields, "errno", count),
    errnoName: string(fields, "errnoName"),
    message: string(fields, "message"),
    path: string(fields, "path"),
  };
}

function decodeReceipt(fields: Fields): StopReceipt {
  const outcomes: readonly StopOutcome[] = ["pending", "stopped", "survived", "alreadyStopped"];
  return {
    cause: decodeCause(fields, "cause"),
    signal: string(fields, "signal"),
    graceMs: count(fields, "graceMs"),
    force: boolean(fields, "force"),
    requestTime: bigint(fields, "requestTime"),
    signalTime: optional(fields, "signalTime", bigint),
    killTime: optional(fields, "killTime", bigint),
    endTime: optional(fields, "endTime", bigint),
    outcome: oneOf(fields, "outcome", outcomes),
    survivors: objects(fields, "survivors", decodeSurvivor),
  };
}

function decodeSurvivor(fields: Fields): Survivor {
  return { pid: count(fields, "pid"), command: string(fields, "command"), state: string(fields, "state") };
}

function decodeIntent(fields: Fields): Intent {
  return {
    kind: oneOf(fields, "kind", ["stop", "restart", "remove"]),
    run: count(fields, "run"),
    cause: decodeCause(fields, "cause"),
    signal: string(fields, "signal"),
    graceMs: count(fields, "graceMs"),
    force: boolean(fields, "force"),
    requestBootMs: count(fields, "requestBootMs"),
    signaled: boolean(fields, "signaled"),
    spec: optional(fields, "spec", (from, key) => decodeSpec(object(from, key))),
    keepsDesired: boolean(fields, "keepsDesired"),
  };
}

function decodeSignaling(fields: Fields): Signaling {
  return {
    run: count(fields, "run"),
    seq: count(fields, "seq"),
    before: count(fields, "before"),
    cause: decodeCause(fields, "cause"),
    intentBootMs: optional(fields, "intentBootMs", count),
    isLost: boolean(fields, "isLost"),
  };
}

function decodeChange(fields: Fields): Change {
  return {
    sequence: count(fields, "sequence"),
    time: bigint(fields, "time"),
    run: count(fields, "run"),
    from: optional(fields, "from", decodeState),
    to: decodeState(fields, "to"),
    cause: decodeCause(fields, "cause"),
  };
}

function decodeState(fields: Fields, key: string): ProcessState {
  return oneOf(fields, key, ["starting", "running", "stopping", "exited", "failed", "lost", "waiting", "givenUp"]);
}

function decodeRunState(fields: Fields, key: string): RunState {
  return oneOf(fields, key, ["starting", "running", "stopping", "exited", "failed", "lost"]);
}

function decodeCause(fields: Fields, key: string): Cause {
  const value = fields[key];
  if (isCause(value)) return value;
  throw new DecodeError(`${key} is no cause`);
}

function decodeSpec(fields: Fields): ProcessSpec {
  const output = object(fields, "output");
  const limits = object(fields, "limits");
  const stop = object(fields, "stop");
  const policy = kept<SupervisionPolicy>(fields, "policy");
  return {
    executable: decodeText(fields, "executable"),
    args: list(fields, "args", (item) => decodeText(item, "item")),
    env: objects(fields, "env", decodeVariable),
    envMode: oneOf(fields, "envMode", ["extend", "replace"]),
    cwd: decodeText(fields, "cwd"),
    output: {
      limitBytes: count(output, "limitBytes"),
      whenFull: oneOf(output, "whenFull", ["dropOldest", "allowHold"]),
    },
    stdin: oneOf(fields, "stdin", ["null", "pipe"]),
    terminal: optional(fields, "terminal", (from, key) => {
      const size = object(from, key);
      return { rows: count(size, "rows"), columns: count(size, "columns") };
    }),
    limits: {
      rlimits: objects(limits, "rlimits", decodeLimit),
      ...decodeTreeLimits(limits),
    },
    stop: { signal: string(stop, "signal"), graceMs: optional(stop, "graceMs", count) },
    umask: optional(fields, "umask", count),
    nice: optional(fields, "nice", integer),
    oomScoreAdj: optional(fields, "oomScoreAdj", integer),
    ...(policy === undefined ? {} : { policy }),
  };
}

function decodeTreeLimits(fields: Fields): TreeLimits {
  return {
    memoryBytes: optional(fields, "memoryBytes", count),
    cpuMillis: optional(fields, "cpuMillis", count),
    processes: optional(fields, "processes", count),
  };
}

function decodeVariable(fields: Fields): EnvironmentVariable {
  return { name: decodeText(fields, "name"), value: decodeText(fields, "value") };
}

function decodeLimit(fields: Fields): ResourceLimit {
  return {
    resource: string(fields, "resource"),
    soft: optional(fields, "soft", bigint),
    hard: optional(fields, "hard", bigint),
  };
}

function decodeText(fields: Fields, key: string): Text {
  const value = fields[key];
  if (typeof value === "string") return value;
  if (isFields(value)) return new Uint8Array(Buffer.from(string(value, "base64"), "base64"));
  throw new DecodeError(`${key} is no text`);
}

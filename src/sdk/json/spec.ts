/** Specs between the SDK's vocabulary and the contract's JSON. */
import type { LimitsJson, OutputPolicyJson, ProcessSpecJson, StopPolicyJson } from "../../../gen/ts/pm/v1/spec_pb.ts";
import { textOfBytes } from "../../common/escape.ts";
import type {
  EnvironmentBytes,
  EnvironmentOptions,
  Limits,
  OutputPolicy,
  ProcessSpec,
  SpecOptions,
  StopPolicy,
  TextOrBytes,
} from "../types.ts";
import { policyFromJson, policyToJson } from "./policy.ts";
import {
  durationToJson,
  enumFromJson,
  enumToJson,
  integerToJson,
  invalidOption,
  millisecondsFromJson,
} from "./scalars.ts";
import { envModes, outputFullModes, stdinModes } from "./words.ts";

/** Each field of the SDK's spec, with the fields of the contract's that it stands for: one as text, one as bytes. */
const specPaths: Readonly<Record<keyof SpecOptions, readonly string[]>> = {
  executable: ["executable", "executableBytes"],
  args: ["args", "argsBytes"],
  env: ["env", "envBytes"],
  envMode: ["envMode"],
  cwd: ["cwd", "cwdBytes"],
  output: ["output"],
  stdin: ["stdin"],
  terminal: ["terminal"],
  limits: ["limits"],
  stop: ["stop"],
  umask: ["umask"],
  nice: ["nice"],
  oomScoreAdj: ["oomScoreAdj"],
  restart: ["restart"],
  readiness: ["readiness"],
  liveness: ["liveness"],
  dependsOn: ["dependsOn"],
  queue: ["queue"],
  maxRunMs: ["maxRunTime"],
  stopCommand: ["stopCommand"],
  hooks: ["hooks"],
  successCodes: ["successCodes"],
};

/** The paths of these fields in an update mask. */
export function specMask(fields: readonly string[]): string[] {
  return fields.flatMap((field) => specPaths[field as keyof SpecOptions].map((path) => `spec.${path}`));
}

/** Fields that are undefined or null are left out: the daemon's defaults. */
export function specToJson(
  spec: { readonly [Field in keyof SpecOptions]?: SpecOptions[Field] | null },
): ProcessSpecJson {
  const { executable, args, env, envMode, cwd, output, stdin, terminal, limits, stop, umask, nice, oomScoreAdj } = spec;
  return {
    ...(executable != null && executableToJson(executable)),
    ...(args != null && argsToJson(args)),
    ...(env != null && environmentToJson(env)),
    ...(envMode != null && { envMode: enumToJson(envModes, envMode, "envMode") }),
    ...(cwd != null && cwdToJson(cwd)),
    ...(output != null && { output: outputPolicyToJson(output) }),
    ...(stdin != null && { stdin: enumToJson(stdinModes, stdin, "stdin") }),
    ...(terminal != null && { terminal: { rows: terminal.rows, columns: terminal.columns } }),
    ...(limits != null && { limits: limitsToJson(limits) }),
    ...(stop != null && { stop: stopPolicyToJson(stop) }),
    ...(umask != null && { umask }),
    ...(nice != null && { nice }),
    ...(oomScoreAdj != null && { oomScoreAdj }),
    ...policyToJson(spec),
  };
}

function executableToJson(value: TextOrBytes): ProcessSpecJson {
  const text = asText(value, "executable");
  return text === undefined ? { executableBytes: base64(value) } : { executable: text };
}

function cwdToJson(value: TextOrBytes): ProcessSpecJson {
  const text = asText(value, "cwd");
  return text === undefined ? { cwdBytes: base64(value) } : { cwd: text };
}

/** The bytes field holds all of them if one is not UTF-8. */
function argsToJson(args: readonly TextOrBytes[]): ProcessSpecJson {
  const texts = args.map((value, index) => asText(value, `args[${index}]`));
  return texts.every((text) => text !== undefined) ? { args: texts } : { argsBytes: args.map(base64) };
}

function environmentToJson(env: EnvironmentOptions): ProcessSpecJson {
  // No prototype: "__proto__" is a variable like any other.
  const texts: Record<string, string> = Object.create(null);
  const bytes: { name: string; value: string }[] = [];
  const pairs: Iterable<readonly [TextOrBytes, TextOrBytes]> =
    Symbol.iterator in env
      ? (env as Iterable<readonly [TextOrBytes, TextOrBytes]>)
      : Object.entries(env as Readonly<Record<string, TextOrBytes>>);
  for (const [name, value] of pairs) {
    const nameText = asText(name, "env");
    const valueText = asText(value, "env");
    if (nameText === undefined || valueText === undefined) {
      bytes.push({ name: base64(name), value: base64(value) });
    } else {
      texts[nameText] = valueText;
    }
  }
  return { env: texts, ...(bytes.length > 0 && { envBytes: bytes }) };
}

/** The text that UTF-8 bytes are; undefined for other bytes. */
function asText(value: TextOrBytes, option: string): string | undefined {
  if (value instanceof Uint8Array) {
    return textOfBytes(value);
  }
  if (typeof value !== "string" || !value.isWellFormed()) {
    // Half of a surrogate pair would be sent as U+FFFD.
    throw invalidOption(option, "must be well-formed text, or bytes");
  }
  return value;
}

function base64(value: TextOrBytes): string {
  const bytes =
    typeof value === "string" ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.length);
  return bytes.toString("base64");
}

function outputPolicyToJson({ limitBytes, whenFull }: OutputPolicy): OutputPolicyJson {
  return {
    ...(limitBytes !== undefined && { limitBytes: integerToJson(limitBytes, "output.limitBytes") }),
    ...(whenFull !== undefined && { whenFull: enumToJson(outputFullModes, whenFull, "output.whenFull") }),
  };
}

function limitsToJson(limits: Limits): LimitsJson {
  return {
    ...(limits.rlimits !== undefined && {
      rlimits: limits.rlimits.map(({ resource, soft, hard }) => ({
        resource,
        ...(soft !== undefined && { soft: String(soft) }),
        ...(hard !== undefined && { hard: String(hard) }),
      })),
    }),
    ...(limits.memoryBytes !== undefined && { memoryBytes: integerToJson(limits.memoryBytes, "limits.memoryBytes") }),
    ...(limits.cpuMillis !== undefined && { cpuMillis: limits.cpuMillis }),
    ...(limits.processes !== undefined && { processes: limits.processes }),
  };
}

function stopPolicyToJson({ signal, graceMs }: StopPolicy): StopPolicyJson {
  return {
    ...(signal !== undefined && { signal: String(signal) }),
    ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs, "stop.graceMs") }),
  };
}

export function commandFromJson(spec: ProcessSpecJson): Pick<ProcessSpec, "executable" | "args"> {
  return {
    executable: spec.executableBytes === undefined ? (spec.executable ?? "") : bytesFromJson(spec.executableBytes),
    args: spec.argsBytes?.map(textOrBytesFromJson) ?? spec.args ?? [],
  };
}

export function specFromJson(spec: ProcessSpecJson): ProcessSpec {
  const cwd = spec.cwdBytes === undefined ? spec.cwd : bytesFromJson(spec.cwdBytes);
  const { limitBytes, whenFull } = spec.output ?? {};
  return {
    ...commandFromJson(spec),
    env: spec.env ?? {},
    envBytes: (spec.envBytes ?? []).map(environmentBytesFromJson),
    envMode: enumFromJson(envModes, known(spec.envMode) ?? "ENV_MODE_EXTEND", "the environment mode"),
    ...(cwd && { cwd }),
    output: {
      ...(limitBytes !== undefined && { limitBytes: Number(limitBytes) }),
      whenFull: enumFromJson(outputFullModes, known(whenFull) ?? "OUTPUT_FULL_MODE_DROP_OLDEST", "the output mode"),
    },
    stdin: enumFromJson(stdinModes, known(spec.stdin) ?? "STDIN_MODE_NULL", "the stdin mode"),
    ...(spec.terminal !== undefined && {
      terminal: { rows: spec.terminal.rows ?? 0, columns: spec.terminal.columns ?? 0 },
    }),
    limits: limitsFromJson(spec.limits ?? {}),
    stop: {
      ...(spec.stop?.signal && { signal: spec.stop.signal }),
      ...(spec.stop?.gracePeriod !== undefined && { graceMs: millisecondsFromJson(spec.stop.gracePeriod) }),
    },
    ...(spec.umask !== undefined && { umask: spec.umask }),
    ...(spec.nice !== undefined && { nice: spec.nice }),
    ...(spec.oomScoreAdj !== undefined && { oomScoreAdj: spec.oomScoreAdj }),
    ...policyFromJson(spec),
  };
}

function known(value: string | undefined): string | undefined {
  return value?.endsWith("_UNSPECIFIED") ? undefined : value;
}

function bytesFromJson(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, "base64"));
}

function textOrBytesFromJson(value: string): TextOrBytes {
  const bytes = bytesFromJson(value);
  return textOfBytes(bytes) ?? bytes;
}

function environmentBytesFromJson({ name = "", value = "" }: { name?: string; value?: string }): EnvironmentBytes {
  return { name: bytesFromJson(name), value: bytesFromJson(value) };
}

function limitsFromJson(limits: LimitsJson): Limits {
  return {
    ...(limits.rlimits !== undefined && {
      rlimits: limits.rlimits.map(({ resource = "", soft, hard }) => ({
        resource,
        ...(soft !== undefined && { soft: BigInt(soft) }),
        ...(hard !== undefined && { hard: BigInt(hard) }),
      })),
    }),
    ...(limits.memoryBytes !== undefined && { memoryBytes: Number(limits.memoryBytes) }),
    ...(limits.cpuMillis !== undefined && { cpuMillis: limits.cpuMillis }),
    ...(limits.processes !== undefined && { processes: limits.processes }),
  };
}

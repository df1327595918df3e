/**
 * The spec, field by field: each entry says which fields of the contract hold
 * it, and how it is read and written. A new field of the spec is one entry
 * here, and UpdateProcess's mask takes it along.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ProcessSpec, ProcessSpecSchema } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Field } from "../edge/field.ts";
import {
  atLeast,
  executable,
  saturate,
  text,
  textOfBytes,
  variableName,
  within,
  workingDirectory,
} from "../edge/rules.ts";
import {
  envModeFromProto,
  envModeToProto,
  stdinFromProto,
  stdinToProto,
  whenFullFromProto,
  whenFullToProto,
} from "./enums.ts";
import { limitsFromProto, limitsToProto } from "./limits.ts";
import { policyFieldByName, policyFromProto, policyToProto } from "./policy.ts";
import { stopPolicyFromProto, stopPolicyToProto } from "./stop.ts";

type SpecInit = MessageInitShape<typeof ProcessSpecSchema>;

interface SpecField<T> {
  /** The fields of the contract that hold it: text, and bytes where it is not UTF-8. */
  readonly names: readonly string[];
  /** @param at the spec */
  readonly from: (spec: ProcessSpec, at: Field) => T;
  readonly to: (value: T) => SpecInit;
}

const minOutputLimitBytes = 4096;
const maxTerminalCells = 65_535;

const specFields: { readonly [K in Exclude<keyof engine.ProcessSpec, "policy">]: SpecField<engine.ProcessSpec[K]> } = {
  executable: {
    names: ["executable", "executable_bytes"],
    from: (spec, at) => executable(...textOrBytes(spec.executable, spec.executableBytes, "executable", at)),
    to: (value) => (typeof value === "string" ? { executable: value } : { executableBytes: owned(value) }),
  },
  args: {
    names: ["args", "args_bytes"],
    from: argsFromProto,
    to: (args) =>
      args.every((argument) => typeof argument === "string")
        ? { args: [...args] }
        : { argsBytes: args.map(bytesOfText) },
  },
  env: { names: ["env", "env_bytes"], from: envFromProto, to: envToProto },
  envMode: {
    names: ["env_mode"],
    from: (spec) => envModeFromProto(spec.envMode),
    to: (value) => ({ envMode: envModeToProto[value] }),
  },
  cwd: {
    names: ["cwd", "cwd_bytes"],
    from: (spec, at) => workingDirectory(...textOrBytes(spec.cwd, spec.cwdBytes, "cwd", at)),
    to: (value) => (typeof value === "string" ? { cwd: value } : { cwdBytes: owned(value) }),
  },
  output: {
    names: ["output"],
    from: ({ output }, at) => ({
      limitBytes: outputLimit(output?.limitBytes ?? 0n, at.child("output").child("limit_bytes")),
      whenFull: whenFullFromProto(output?.whenFull ?? 0),
    }),
    to: ({ limitBytes, whenFull }) => ({
      output: { limitBytes: BigInt(limitBytes), whenFull: whenFullToProto[whenFull] },
    }),
  },
  stdin: {
    names: ["stdin"],
    from: (spec) => stdinFromProto(spec.stdin),
    to: (value) => ({ stdin: stdinToProto[value] }),
  },
  terminal: {
    names: ["terminal"],
    from: ({ terminal }, at) => (terminal === undefined ? null : terminalFromProto(terminal, at.child("terminal"))),
    to: (value) => (value === null ? {} : { terminal: { ...value } }),
  },
  limits: {
    names: ["limits"],
    from: ({ limits }, at) => limitsFromProto(limits, at.child("limits")),
    to: limitsToProto,
  },
  stop: {
    names: ["stop"],
    from: ({ stop }, at) => stopPolicyFromProto(stop, at.child("stop")),
    to: stopPolicyToProto,
  },
  umask: {
    names: ["umask"],
    from: ({ umask }, at) => optionalWithin(umask, 0, 0o777, at.child("umask")),
    to: (value) => (value === null ? {} : { umask: value }),
  },
  nice: {
    names: ["nice"],
    from: ({ nice }, at) => optionalWithin(nice, -20, 19, at.child("nice")),
    to: (value) => (value === null ? {} : { nice: value }),
  },
  oomScoreAdj: {
    names: ["oom_score_adj"],
    from: ({ oomScoreAdj }, at) => optionalWithin(oomScoreAdj, -1000, 1000, at.child("oom_score_adj")),
    to: (value) => (value === null ? {} : { oomScoreAdj: value }),
  },
};

const policyField: SpecField<engine.ProcessSpec["policy"]> = {
  names: [...policyFieldByName.keys()],
  from: policyFromProto,
  to: (policy) => (policy === undefined ? {} : policyToProto(policy)),
};

const all = Object.entries({ ...specFields, policy: policyField }) as [keyof engine.ProcessSpec, SpecField<unknown>][];

/** What a spec's fields of the contract are called in the engine's spec; text and bytes are the same there. */
export const specFieldByName: ReadonlyMap<string, keyof engine.ProcessSpec> = new Map(
  all.flatMap(([key, { names }]) => names.map((name) => [name, key])),
);

/** Fields of a spec, all of them unless `wanted` says which. */
export function specFieldsFromProto(
  spec: ProcessSpec,
  wanted: ReadonlySet<keyof engine.ProcessSpec>,
  at: Field,
): Partial<engine.ProcessSpec> {
  const fields: Partial<Record<keyof engine.ProcessSpec, unknown>> = {};
  for (const [key, { from }] of all) {
    if (wanted.has(key)) {
      fields[key] = from(spec, at);
    }
  }
  return fields as Partial<engine.ProcessSpec>;
}

const everyField = new Set(all.map(([key]) => key));

export function specFromProto(spec: ProcessSpec, at: Field): engine.ProcessSpec {
  return specFieldsFromProto(spec, everyField, at) as engine.ProcessSpec;
}

export function requiredSpec(spec: ProcessSpec | undefined, at: Field): engine.ProcessSpec {
  if (spec === undefined) {
    at.refuse("is required");
    // Never used: the request is refused.
    return undefined as never;
  }
  return specFromProto(spec, at);
}

/** Environments often hold secrets: they are sent only where `withEnv` says so. */
export function specToProto(spec: engine.ProcessSpec, withEnv: boolean): SpecInit {
  const init: SpecInit = {};
  for (const [key, { to }] of all) {
    if (key !== "env" || withEnv) {
      Object.assign(init, to(spec[key]));
    }
  }
  return init;
}

/** The part of a spec that PROCESS_VIEW_SUMMARY has. */
export function commandToProto({ executable: program, args }: engine.ProcessSpec): SpecInit {
  return Object.assign({}, specFields.executable.to(program), specFields.args.to(args));
}

export function terminalFromProto(
  size: { readonly rows: number; readonly columns: number },
  at: Field,
): engine.TerminalSize {
  return {
    rows: within(size.rows, 1, maxTerminalCells, at.child("rows")),
    columns: within(size.columns, 1, maxTerminalCells, at.child("columns")),
  };
}

/** The value of a field that has a form for bytes, and where it stands. */
function textOrBytes(value: string, bytes: Uint8Array, name: string, at: Field): [engine.Text, Field] {
  if (bytes.length === 0) {
    return [value, at.child(name)];
  }
  const here = at.child(`${name}_bytes`);
  if (value !== "") {
    here.refuse(`not together with \`${name}\``);
  }
  return [textOfBytes(bytes), here];
}

function argsFromProto(spec: ProcessSpec, at: Field): engine.Text[] {
  const { args, argsBytes } = spec;
  if (argsBytes.length === 0) {
    return args.map((argument, index) => text(argument, at.child("args").item(index)));
  }
  const here = at.child("args_bytes");
  if (args.length > 0) {
    here.refuse("not together with `args`");
  }
  return argsBytes.map((bytes, index) => text(textOfBytes(bytes), here.item(index)));
}

/** In order of the names, since a map has none: equal environments are equal. */
function envFromProto(spec: ProcessSpec, at: Field): engine.EnvironmentVariable[] {
  const texts = at.child("env");
  const variables: engine.EnvironmentVariable[] = Object.entries(spec.env).map(([name, value]) => ({
    name: variableName(name, texts),
    // The value may be a secret: an error names the variable alone.
    value: text(value, texts.key(name)),
  }));
  const names = new Set(Object.keys(spec.env));
  for (const [index, variable] of spec.envBytes.entries()) {
    const here = at.child("env_bytes").item(index);
    const name = variableName(textOfBytes(variable.name), here.child("name"));
    const key = keyOf(name);
    if (names.has(key)) {
      here.child("name").refuse("is given twice");
    }
    names.add(key);
    variables.push({ name, value: text(textOfBytes(variable.value), here.child("value")) });
  }
  return variables.sort((a, b) => (keyOf(a.name) < keyOf(b.name) ? -1 : 1));
}

/** A string for a name, the same for equal names alone: a string never begins with NUL here. */
function keyOf(name: engine.Text): string {
  return typeof name === "string" ? name : `\0${Buffer.from(name).toString("latin1")}`;
}

function envToProto(variables: readonly engine.EnvironmentVariable[]): SpecInit {
  // No prototype: "__proto__" is a legal variable like any other.
  const env: Record<string, string> = Object.create(null);
  const envBytes: { name: Uint8Array<ArrayBuffer>; value: Uint8Array<ArrayBuffer> }[] = [];
  for (const { name, value } of variables) {
    if (typeof name === "string" && typeof value === "string") {
      env[name] = value;
    } else {
      envBytes.push({ name: bytesOfText(name), value: bytesOfText(value) });
    }
  }
  return { env, envBytes };
}

function bytesOfText(value: engine.Text): Uint8Array<ArrayBuffer> {
  return typeof value === "string" ? new TextEncoder().encode(value) : owned(value);
}

/** Bytes in a buffer that nobody shares: what a message takes. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/** The upper bound is the engine's to check. */
function outputLimit(value: bigint, at: Field): number {
  return value === 0n ? 0 : atLeast(saturate(value), minOutputLimitBytes, at);
}

function optionalWithin(value: number | undefined, minimum: number, maximum: number, at: Field): number | null {
  return value === undefined ? null : within(value, minimum, maximum, at);
}

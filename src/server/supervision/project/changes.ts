import type { ProcessSpec } from "../../engine/api/spec.ts";

export interface Changes {
  /** Fields that only a new run has. */
  readonly run: readonly string[];
  /** Fields that take effect at once. */
  readonly live: readonly string[];
}

/** The contract's names of the spec's fields. */
const runFields: Readonly<Record<Exclude<keyof ProcessSpec, "policy" | "stop">, string>> = {
  executable: "spec.executable",
  args: "spec.args",
  env: "spec.env",
  envMode: "spec.env_mode",
  cwd: "spec.cwd",
  output: "spec.output",
  stdin: "spec.stdin",
  terminal: "spec.terminal",
  limits: "spec.limits",
  umask: "spec.umask",
  nice: "spec.nice",
  oomScoreAdj: "spec.oom_score_adj",
};

const policyFields: Readonly<Record<keyof NonNullable<ProcessSpec["policy"]>, string>> = {
  restart: "spec.restart",
  readiness: "spec.readiness",
  liveness: "spec.liveness",
  dependsOn: "spec.depends_on",
  queue: "spec.queue",
  maxRunMs: "spec.max_run_time",
  stopCommand: "spec.stop_command",
  hooks: "spec.hooks",
  successCodes: "spec.success_codes",
};

export const emptyPolicy: NonNullable<ProcessSpec["policy"]> = {
  restart: null,
  readiness: null,
  liveness: null,
  dependsOn: [],
  queue: "",
  maxRunMs: null,
  stopCommand: null,
  hooks: [],
  successCodes: [],
};

/** What is different between two specs, by the names of the contract. */
export function changesOf(before: ProcessSpec, after: ProcessSpec): Changes {
  const run = Object.entries(runFields).flatMap(([key, field]) => {
    const name = key as keyof typeof runFields;
    return same(comparable(name, before), comparable(name, after)) ? [] : [field];
  });
  const [policyBefore, policyAfter] = [before.policy ?? emptyPolicy, after.policy ?? emptyPolicy];
  const live = Object.entries(policyFields).flatMap(([key, field]) => {
    const name = key as keyof typeof policyFields;
    return same(policyBefore[name], policyAfter[name]) ? [] : [field];
  });
  // A run that listens for sd_notify has its socket from its beginning.
  const notifyChanged = listens(policyBefore) !== listens(policyAfter);
  return {
    run: notifyChanged ? [...run, ...live.filter((field) => field.endsWith("ness"))] : run,
    live: [
      ...(same(before.stop, after.stop) ? [] : ["spec.stop"]),
      ...(notifyChanged ? live.filter((field) => !field.endsWith("ness")) : live),
    ],
  };
}

/** The order of variables means nothing. */
function comparable(name: keyof typeof runFields, spec: ProcessSpec): unknown {
  if (name !== "env") {
    return spec[name];
  }
  return spec.env.map((variable) => canonical(variable)).sort();
}

function listens(policy: NonNullable<ProcessSpec["policy"]>): boolean {
  return policy.readiness?.check.kind === "notify" || policy.liveness?.check.kind === "notify";
}

export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** Keys in order; what is undefined is not there; bytes and large numbers as text that nothing else has. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") {
      return `\0n${inner}`;
    }
    if (inner instanceof Uint8Array) {
      return `\0b${Buffer.from(inner).toString("base64")}`;
    }
    if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) {
      return Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)));
    }
    return inner;
  });
}

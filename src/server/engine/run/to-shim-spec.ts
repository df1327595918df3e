import type { ProcessSpec, Text } from "../api/spec.ts";
import { allRlimits } from "../limits/rlimits.ts";
import type { ResolvedOptions } from "../options.ts";
import { bytesOf, hasByte, isEmpty } from "../process/text.ts";
import type { ShimSpec } from "../shim/spec.ts";

/** How long a run's output is held for the stream that is to hold it: it can ask only once the run is there. */
const firstHolderMs = 5_000;
const defaultPath = "/usr/local/bin:/usr/bin:/bin";
const slash = 0x2f;
const colon = 0x3a;

export interface RunPlaces {
  /** Empty: none. */
  readonly cgroup: string;
  /** Where its shim listens for sd_notify(3); null: nowhere. */
  readonly notify: string | null;
}

/** A process's spec in the shim's terms: nothing left to look up or decide. */
export function shimSpec(spec: ProcessSpec, options: ResolvedOptions, { cgroup, notify }: RunPlaces): ShimSpec {
  const environment = environmentStrings(spec, options);
  return {
    outputLimit: spec.output.limitBytes,
    holdMs: spec.output.whenFull === "allowHold" ? firstHolderMs : 0,
    stdin: spec.stdin,
    terminal: spec.terminal,
    rlimits: allRlimits(spec.limits.rlimits, options.hardLimits),
    umask: spec.umask ?? 0o022,
    nice: spec.nice,
    oomScoreAdj: spec.oomScoreAdj,
    notify: notify !== null,
    cwd: workingDirectory(spec, options),
    cgroup,
    paths: pathCandidates(spec, options),
    args: [spec.executable, ...spec.args],
    env: notify === null ? environment : [...environment, `NOTIFY_SOCKET=${notify}`, ...watchdogOf(spec)],
  };
}

/** Whether a probe of the spec listens to what the process says of itself. */
export function listensToNotices({ policy }: ProcessSpec): boolean {
  return policy?.readiness?.check.kind === "notify" || policy?.liveness?.check.kind === "notify";
}

/** As sd_watchdog_enabled(3) wants it. */
function watchdogOf({ policy }: ProcessSpec): string[] {
  const check = policy?.liveness?.check;
  const watchdogMs = check?.kind === "notify" ? check.watchdogMs : null;
  return watchdogMs === null ? [] : [`WATCHDOG_USEC=${watchdogMs * 1000}`];
}

export function workingDirectory(spec: ProcessSpec, options: ResolvedOptions): Text {
  return isEmpty(spec.cwd) ? options.home : spec.cwd;
}

/** Where execvp(3) would look, with the process's own PATH: an empty element is the working directory. */
export function pathCandidates(spec: ProcessSpec, options: ResolvedOptions): Text[] {
  if (hasByte(spec.executable, slash)) return [spec.executable];
  const variable = environmentOf(spec, options).find(([name]) => name === "PATH");
  const cwd = workingDirectory(spec, options);
  return split(variable?.[1] ?? defaultPath).map((directory) =>
    joined(isEmpty(directory) ? cwd : directory, "/", spec.executable),
  );
}

/** "NAME=value", as execve(2) takes them. */
function environmentStrings(spec: ProcessSpec, options: ResolvedOptions): readonly Text[] {
  if (spec.env.length > 0 || spec.envMode === "replace") {
    return environmentOf(spec, options).map(([name, value]) => joined(name, "=", value));
  }
  let inherited = daemonStrings.get(options.environment);
  if (inherited === undefined) {
    inherited = Object.entries(options.environment).map(([name, value]) => `${name}=${value}`);
    daemonStrings.set(options.environment, inherited);
  }
  return inherited;
}

/** Of specs that lay nothing over the daemon's environment. */
const daemonStrings = new WeakMap<ResolvedOptions["environment"], readonly string[]>();

/** The variables in order, each name once: the spec's are laid over the daemon's. */
function environmentOf(spec: ProcessSpec, options: ResolvedOptions): (readonly [Text, Text])[] {
  const own = spec.env.map(({ name, value }) => [name, value] as const);
  if (spec.envMode === "replace") return own;
  const named = new Set(own.map(([name]) => name));
  return [...Object.entries(options.environment).filter(([name]) => !named.has(name)), ...own];
}

function split(path: Text): Text[] {
  if (typeof path === "string") return path.split(":");
  const parts: Text[] = [];
  for (let from = 0; from <= path.length; ) {
    const at = path.indexOf(colon, from);
    const to = at < 0 ? path.length : at;
    parts.push(path.subarray(from, to));
    from = to + 1;
  }
  return parts;
}

function joined(a: Text, between: string, b: Text): Text {
  if (typeof a === "string" && typeof b === "string") return `${a}${between}${b}`;
  return Buffer.concat([bytesOf(a), Buffer.from(between), bytesOf(b)]);
}

import { resolve } from "node:path";
import { findCycle } from "../../common/dependency-graph.ts";
import { mostSimilar } from "../../common/similar.ts";
import { systemErrorText } from "../../common/system-error.ts";
import type {
  CheckDescription,
  LimitsDescription,
  ProbeDescription,
  ProcessDescription,
  ProjectDescription,
  RestartDescription,
  ScheduleDescription,
} from "../description.ts";
import type { Named, Read, Reading } from "../shape/shape.ts";
import { problem } from "../shape/shape.ts";
import { EnvFileError, parseEnvFile } from "../variables/env-file.ts";
import type { Variables } from "../variables/interpolate.ts";
import { entryOf, type Place, type Problem, ProjectFileError, type Value } from "../yaml/tree.ts";
import { type backoff, commandOf, type processFields, type process as processShape, projectFile } from "./fields.ts";

export interface Surroundings {
  /** The directory that paths in the file begin from. */
  readonly directory: string;
  /** The project's name if the file says none. */
  readonly defaultName: string;
  readonly source: string;
  /** The caller's environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly profiles: readonly string[];
  /** @throws a Node system error */
  readonly readFile: (path: string) => string;
}

type ProcessRead = Read<typeof processShape>;
type ProbeRead = Read<(typeof processFields)["readiness"]["shape"]>;
type Pairs = readonly (readonly [string, string])[];

const defaultShell = ["/bin/sh", "-c"];
const maxProblems = 50;
/** What a shell changes by itself, or what belongs to one terminal: it would make a restart of every call. */
const volatile = new Set(["_", "SHLVL", "PWD", "OLDPWD"]);

/**
 * What a project file means.
 *
 * @throws ProjectFileError with everything that is wrong in it
 */
export function describeProject(file: Value, around: Surroundings): ProjectDescription {
  const problems: Problem[] = [];
  // The environment files of the project are known before the rest is read: they fill its ${…}.
  const files = environmentFilesOf(file, around, problems);
  const reading: Reading = { problems, variables: (name) => around.environment[name] ?? files.get(name) };
  const read = projectFile.read(file, reading);
  const project = read === undefined ? undefined : describe(read, files, around, reading);
  if (project === undefined || problems.length > 0) {
    throw new ProjectFileError(problems.slice(0, maxProblems));
  }
  return project;
}

function environmentFilesOf(file: Value, around: Surroundings, problems: Problem[]): ReadonlyMap<string, string> {
  const variables: Variables = (name) => around.environment[name];
  const entry = file.kind === "map" ? entryOf(file, "env_file") : undefined;
  const first: Reading = { problems: [], variables };
  // What is wrong with the field itself is found when all is read.
  const paths = entry === undefined ? undefined : projectEnvFile.read(entry.value, first);
  return entry === undefined || paths === undefined
    ? new Map()
    : readEnvFiles(paths, entry.value.place, around, { problems, variables });
}

const projectEnvFile = {
  read: (value: Value, reading: Reading) =>
    projectFile.read(
      { kind: "map", place: value.place, entries: [{ key: "env_file", place: value.place, value }] },
      reading,
    )?.env_file?.value,
};

function readEnvFiles(
  paths: readonly string[],
  place: Place,
  around: Surroundings,
  reading: Reading,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const full = resolve(around.directory, path);
    try {
      const variables: Variables = (name) => found.get(name) ?? reading.variables(name);
      for (const [name, value] of parseEnvFile(around.readFile(full), variables)) {
        found.set(name, value);
      }
    } catch (error) {
      if (error instanceof EnvFileError) {
        problem(reading, { file: full, line: error.line, column: 1 }, error.message);
      } else {
        problem(reading, place, `cannot read ${full}: ${systemErrorText(error)}`);
      }
    }
  }
  return found;
}

function describe(
  read: Read<typeof projectFile>,
  files: ReadonlyMap<string, string>,
  around: Surroundings,
  reading: Reading,
): ProjectDescription {
  const all = read.processes?.value ?? [];
  const profiles = new Set(around.profiles);
  const known = new Set(all.flatMap(({ value }) => value.profiles?.value ?? []));
  for (const profile of around.profiles.filter((name) => !known.has(name))) {
    const place = read.processes?.place ?? { file: around.source, line: 1, column: 1 };
    problem(reading, place, `no process has the profile "${profile}"${didYouMean(profile, known)}`);
  }
  const isPart = ({ value }: Named<ProcessRead>) =>
    value.profiles === undefined || value.profiles.value.some((profile) => profiles.has(profile));
  const shared = {
    inherit: read.inherit_env?.value ?? false,
    shell: read.shell?.value ?? defaultShell,
    env: [...files, ...(read.env?.value ?? [])] as Pairs,
  };
  const parts = all.filter(isPart);
  const processes = parts.map((part) => describeProcess(part, shared, around, reading));
  checkDependencies(all, parts, reading);
  const names = new Set(parts.map((part) => part.name));
  return {
    name: read.name?.value ?? around.defaultName,
    source: around.source,
    processes,
    queues: (read.queues?.value ?? []).map(({ name, value }) => ({
      name,
      ...optional("parallelism", value.parallelism?.value),
      ...optional("paused", value.paused?.value),
    })),
    schedules: (read.schedules?.value ?? []).flatMap((schedule) => {
      const described = describeSchedule(schedule, all, names, reading);
      return described === undefined ? [] : [described];
    }),
  };
}

function checkDependencies(
  all: readonly Named<ProcessRead>[],
  parts: readonly Named<ProcessRead>[],
  reading: Reading,
): void {
  const names = new Set(parts.map((part) => part.name));
  const others = new Set(all.map((part) => part.name));
  for (const { value } of parts) {
    for (const dependency of value.depends_on?.value ?? []) {
      if (!names.has(dependency.name) && !/^[0-9a-f-]{36}$/i.test(dependency.name)) {
        problem(
          reading,
          dependency.place,
          others.has(dependency.name)
            ? `"${dependency.name}" is part of the project only with one of its profiles`
            : `there is no process "${dependency.name}" in the project${didYouMean(dependency.name, names)}`,
        );
      }
    }
  }
  const graph = new Map(parts.map(({ name, value }) => [name, (value.depends_on?.value ?? []).map((one) => one.name)]));
  const cycle = findCycle(graph);
  const place = parts.find((part) => part.name === cycle?.[0])?.value.depends_on?.place;
  if (cycle !== undefined && place !== undefined) {
    problem(reading, place, `these depend on one another in a circle: ${cycle.join(" → ")}`);
  }
}

function didYouMean(word: string, words: Iterable<string>): string {
  const similar = mostSimilar(word, words);
  return similar === undefined ? "" : `; did you mean "${similar}"?`;
}

interface Shared {
  readonly inherit: boolean | readonly string[];
  readonly shell: readonly string[];
  readonly env: Pairs;
}

function describeProcess(
  { name, value }: Named<ProcessRead>,
  shared: Shared,
  around: Surroundings,
  reading: Reading,
): ProcessDescription {
  const shell = value.shell?.value ?? shared.shell;
  const envFiles =
    value.env_file === undefined ? [] : [...readEnvFiles(value.env_file.value, value.env_file.place, around, reading)];
  const command = commandOf(value.command?.value ?? { words: [""] }, shell);
  return {
    name,
    labels: Object.fromEntries(value.labels?.value ?? []),
    ...optional("replicas", value.replicas?.value),
    stopped: value.stopped?.value ?? false,
    spec: {
      ...command,
      env: environmentOf(
        inherited(value.inherit_env?.value ?? shared.inherit, around.environment),
        shared.env,
        envFiles,
        value.env?.value ?? [],
      ),
      cwd: resolve(around.directory, value.cwd?.value ?? "."),
      ...optional("stdin", value.stdin?.value),
      ...(value.tty?.value === true ? { terminal: { rows: 24, columns: 80 } } : {}),
      ...optional("umask", value.umask?.value),
      ...optional("nice", value.nice?.value),
      ...optional("oomScoreAdj", value.oom_score_adj?.value),
      ...optional("output", describeOutput(value)),
      ...optional("limits", describeLimits(value)),
      ...optional("stop", describeStop(value)),
      ...optional(
        "stopCommand",
        mapIf(value.stop?.value.command?.value, (line) => commandOf(line, shell)),
      ),
      ...optional("restart", describeRestart(value)),
      ...optional("readiness", describeProbe(value.readiness, "readiness", shell, reading)),
      ...optional("liveness", describeProbe(value.liveness, "liveness", shell, reading)),
      ...optional(
        "dependsOn",
        value.depends_on?.value.map((one) => ({ process: one.name, condition: one.value })),
      ),
      ...optional("queue", value.queue?.value),
      ...optional("maxRunMs", value.max_run_time?.value),
      ...optional(
        "hooks",
        value.hooks?.value.map((hook) => ({
          events: hook.on?.value ?? [],
          command: commandOf(hook.command?.value ?? { words: [""] }, shell),
          ...optional("timeoutMs", hook.timeout?.value),
        })),
      ),
      ...optional("successCodes", value.success_codes?.value),
    },
  };
}

function inherited(which: boolean | readonly string[], environment: Surroundings["environment"]): Pairs {
  const names =
    which === true ? Object.keys(environment).filter((name) => !volatile.has(name)) : which === false ? [] : which;
  return names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
}

function environmentOf(...layers: readonly Pairs[]): Record<string, string> {
  // A map first: "__proto__" is a variable like any other.
  const merged = new Map(layers.flat());
  return Object.fromEntries(merged);
}

function describeOutput({ output }: ProcessRead): ProcessDescription["spec"]["output"] {
  const whenFull = { "drop-oldest": "dropOldest", "allow-hold": "allowHold" } as const;
  return mapIf(output?.value, (fields) => ({
    ...optional("limitBytes", fields.limit?.value),
    ...optional(
      "whenFull",
      mapIf(fields.when_full?.value, (word) => whenFull[word]),
    ),
  }));
}

function describeLimits({ limits }: ProcessRead): LimitsDescription | undefined {
  return mapIf(limits?.value, (fields) => ({
    ...optional("memoryBytes", fields.memory?.value),
    ...optional(
      "cpuMillis",
      mapIf(fields.cpus?.value, (cpus) => Math.round(cpus * 1000)),
    ),
    ...optional("processes", fields.processes?.value),
    ...optional(
      "rlimits",
      fields.rlimits?.value.map(({ name, value }) => ({
        resource: name,
        ...optional("soft", value.soft),
        ...optional("hard", value.hard),
      })),
    ),
  }));
}

function describeStop({ stop }: ProcessRead): ProcessDescription["spec"]["stop"] {
  const fields = stop?.value;
  return fields?.signal === undefined && fields?.grace_period === undefined
    ? undefined
    : { ...optional("signal", fields.signal?.value), ...optional("graceMs", fields.grace_period?.value) };
}

function describeRestart({ restart }: ProcessRead): RestartDescription | undefined {
  const fields = restart?.value;
  if (fields === undefined) {
    return undefined;
  }
  const modes = { no: "no", "on-failure": "onFailure", "unless-stopped": "unlessStopped", always: "always" } as const;
  return {
    mode: modes[fields.mode?.value ?? "no"],
    ...optional("maxAttempts", fields.max_attempts?.value),
    ...optional("windowMs", fields.window?.value),
    ...optional("stableMs", fields.stable_time?.value),
    ...optional("memoryBytes", fields.memory?.value),
    ...optional("backoff", mapIf(fields.backoff?.value, describeBackoff)),
  };
}

function describeBackoff(fields: Read<typeof backoff>): NonNullable<RestartDescription["backoff"]> {
  return {
    ...optional("initialMs", fields.initial?.value),
    ...optional("maxMs", fields.max?.value),
    ...optional("multiplier", fields.multiplier?.value),
    ...optional("jitter", fields.jitter?.value),
  };
}

function describeProbe(
  given: { readonly value: ProbeRead; readonly place: Place } | undefined,
  what: "readiness" | "liveness",
  shell: readonly string[],
  reading: Reading,
): ProbeDescription | undefined {
  if (given === undefined) {
    return undefined;
  }
  const fields = given.value;
  const checks: CheckDescription[] = [];
  if (fields.exec !== undefined) {
    checks.push({ kind: "exec", command: commandOf(fields.exec.value, shell) });
  }
  if (fields.http !== undefined) {
    const http = fields.http.value;
    checks.push({
      kind: "http",
      host: http.host?.value ?? "",
      port: http.port?.value ?? 0,
      path: http.path?.value ?? "",
      tls: http.tls?.value ?? false,
      ...optional(
        "headers",
        mapIf(http.headers?.value, (headers) => Object.fromEntries(headers.map((one) => [one.name, one.value]))),
      ),
      ...optional("statusCodes", http.status_codes?.value),
    });
  }
  if (fields.tcp !== undefined) {
    checks.push({ kind: "tcp", ...fields.tcp.value });
  }
  if (fields.output !== undefined) {
    checks.push({ kind: "output", pattern: fields.output.value });
    if (what === "liveness") {
      problem(reading, fields.output.place, "a liveness probe cannot look for output");
    }
  }
  if (fields.notify !== undefined && fields.notify.value !== false) {
    const notify = fields.notify.value;
    const watchdogMs = notify === true ? undefined : notify.watchdog?.value;
    checks.push({ kind: "notify", ...optional("watchdogMs", watchdogMs) });
    if ((watchdogMs === undefined) === (what === "liveness")) {
      problem(
        reading,
        fields.notify.place,
        what === "liveness"
          ? "a liveness probe by notification needs a watchdog time"
          : "a watchdog time is for a liveness probe",
      );
    }
  }
  const [check] = checks;
  if (check === undefined) {
    return undefined;
  }
  return {
    check,
    ...optional("startPeriodMs", fields.start_period?.value),
    ...optional("intervalMs", fields.interval?.value),
    ...optional("timeoutMs", fields.timeout?.value),
    ...optional("successThreshold", fields.success_threshold?.value),
    ...optional("failureThreshold", fields.failure_threshold?.value),
  };
}

function describeSchedule(
  { name, value }: Named<NonNullable<Read<typeof projectFile>["schedules"]>["value"][number]["value"]>,
  all: readonly Named<ProcessRead>[],
  names: ReadonlySet<string>,
  reading: Reading,
): ScheduleDescription | undefined {
  const target = value.process;
  if (target !== undefined) {
    const described = all.find((one) => one.name === target.value);
    if (described === undefined) {
      problem(
        reading,
        target.place,
        `there is no process "${target.value}" in the project${didYouMean(target.value, names)}`,
      );
    } else if (!names.has(target.value)) {
      // Its profile was not asked for.
      return undefined;
    } else if (described.value.replicas !== undefined) {
      problem(reading, target.place, `"${target.value}" has replicas; a schedule starts one process`);
    }
  }
  const timings: ScheduleDescription["timing"][] = [
    ...(value.cron === undefined ? [] : [{ kind: "cron", expression: value.cron.value } as const]),
    ...(value.every === undefined ? [] : [{ kind: "every", ms: value.every.value } as const]),
    ...(value.boot?.value === true ? [{ kind: "boot" } as const] : []),
  ];
  const [timing] = timings;
  if (timing === undefined) {
    return undefined;
  }
  if (value.time_zone !== undefined && timing.kind !== "cron") {
    problem(reading, value.time_zone.place, "a time zone is for cron alone");
  }
  return {
    name,
    process: target?.value ?? "",
    timing,
    ...optional("timeZone", value.time_zone?.value),
    ...optional("overlap", value.overlap?.value),
    ...optional("catchUp", value.catch_up?.value),
  };
}

function mapIf<T, U>(value: T | undefined, map: (value: T) => U): U | undefined {
  return value === undefined ? undefined : map(value);
}

/** A property that is there only if it has a value. */
function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

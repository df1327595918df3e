/** What may stand in a pm.yaml. */
import { isLabelKey, isLabelValue, isName, nameRule } from "../../common/contract-rules.ts";
import type { CommandDescription, DependencyCondition, HookEvent } from "../description.ts";
import {
  choice,
  decimal,
  duration,
  either,
  exactlyOneOf,
  field,
  flag,
  integer,
  list,
  mapped,
  named,
  object,
  oneOrMore,
  problem,
  type Read,
  required,
  size,
  text,
} from "../shape/shape.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;

const name = text(`a name (${nameRule})`, isName);
const isVariable = (key: string) => key !== "" && !key.includes("=") && !key.includes("\0");
const environment = either({
  map: mapped(named(text(), 'a variable\'s name, without "="', isVariable), (entries) =>
    entries.map((entry) => [entry.name, entry.value] as const),
  ),
  list: list(
    mapped(
      text('"NAME=VALUE"', (value) => value.indexOf("=") > 0),
      (value) => [value.slice(0, value.indexOf("=")), value.slice(value.indexOf("=") + 1)] as const,
    ),
  ),
});

/** A command line for the shell, or a program with its arguments. */
export type CommandLine = { readonly line: string } | { readonly words: readonly string[] };
const commandLine = either({
  scalar: mapped(text("a command line"), (line, place, reading): CommandLine | undefined =>
    line.trim() === "" ? problem(reading, place, "the command is empty") : { line },
  ),
  list: mapped(list(text()), (words, place, reading): CommandLine | undefined =>
    (words[0] ?? "") === "" ? problem(reading, place, "the command is empty") : { words },
  ),
});

const port = integer(1, 65535);
const host = text('a host, such as "127.0.0.1"', (value) => value !== "" && !/[\s/]/.test(value));

const httpFields = object(
  {
    host: field(host, "pm.v1.HttpCheck.host"),
    port: required(port, "pm.v1.HttpCheck.port"),
    path: field(
      text('a path that begins with "/"', (value) => /^\/\S*$/.test(value)),
      "pm.v1.HttpCheck.path",
    ),
    tls: field(flag(), "pm.v1.HttpCheck.tls"),
    headers: field(
      named(text(), "a header's name", (key) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key)),
      "pm.v1.HttpCheck.headers",
    ),
    status_codes: field(list(integer(100, 599), 100), "pm.v1.HttpCheck.status_codes"),
  },
  "an HTTP check",
);
const httpUrl = mapped(
  text("a URL, such as http://127.0.0.1:8080/health"),
  (given, place, reading): Read<typeof httpFields> | undefined => {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.username !== "") {
      return problem(reading, place, "expected a URL, such as http://127.0.0.1:8080/health");
    }
    const tls = url.protocol === "https:";
    const at = <T>(value: T) => ({ value, place });
    return {
      host: at(url.hostname.replace(/^\[|\]$/g, "")),
      port: at(url.port === "" ? (tls ? 443 : 80) : Number(url.port)),
      path: at(`${url.pathname}${url.search}`),
      tls: at(tls),
    };
  },
);

const tcpAddress = mapped(text('a port or "host:port"'), (given, place, reading) => {
  const [, address = "", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(given) ?? [];
  const number = Number(digits);
  return digits === "" || number < 1 || number > 65535
    ? problem(reading, place, 'expected a port or "host:port"')
    : { host: address.replace(/^\[|\]$/g, ""), port: number };
});

const probeObject = object(
  {
    exec: field(commandLine, "pm.v1.ExecCheck"),
    http: field(either({ scalar: httpUrl, map: httpFields }), "pm.v1.HttpCheck"),
    tcp: field(tcpAddress, "pm.v1.TcpCheck"),
    output: field(
      text("a regular expression of up to 1024 characters", (value) => value !== "" && value.length <= 1024),
      "pm.v1.OutputCheck",
    ),
    notify: field(
      either({
        scalar: flag(),
        map: object({ watchdog: field(duration(100, dayMs), "pm.v1.NotifyCheck.watchdog") }, "a check by notification"),
      }),
      "pm.v1.NotifyCheck",
    ),
    start_period: field(duration(0, dayMs), "pm.v1.Probe.start_period"),
    interval: field(duration(100, dayMs), "pm.v1.Probe.interval"),
    timeout: field(duration(10, hourMs), "pm.v1.Probe.timeout"),
    success_threshold: field(integer(1, 100), "pm.v1.Probe.success_threshold"),
    failure_threshold: field(integer(1, 100), "pm.v1.Probe.failure_threshold"),
  },
  "a probe",
);
const probe = exactlyOneOf(["exec", "http", "tcp", "output", "notify"], probeObject, "a probe");

const restartMode = mapped(
  text("one of no, on-failure, on-failure:N, unless-stopped, always"),
  (given, place, reading): Read<typeof restart> | undefined => {
    const [, mode = "", attempts] = /^(no|on-failure|unless-stopped|always)(?::(\d{1,4}))?$/.exec(given) ?? [];
    if (mode === "" || (attempts !== undefined && (mode !== "on-failure" || Number(attempts) > 1000))) {
      return problem(
        reading,
        place,
        `expected one of no, on-failure, on-failure:N, unless-stopped, always, not ${JSON.stringify(given.slice(0, 80))}`,
      );
    }
    const at = <T>(value: T) => ({ value, place });
    return {
      mode: at(mode as "no" | "on-failure" | "unless-stopped" | "always"),
      ...(attempts === undefined ? {} : { max_attempts: at(Number(attempts)) }),
    };
  },
);
export const backoff = object(
  {
    initial: field(duration(0, dayMs), "pm.v1.Backoff.initial"),
    max: field(duration(0, dayMs), "pm.v1.Backoff.max"),
    multiplier: field(decimal(1, 100), "pm.v1.Backoff.multiplier"),
    jitter: field(decimal(0, 1), "pm.v1.Backoff.jitter"),
  },
  "a backoff",
);
const restart = object(
  {
    mode: field(choice("no", "on-failure", "unless-stopped", "always"), "pm.v1.RestartPolicy.mode"),
    max_attempts: field(integer(0, 1000), "pm.v1.RestartPolicy.max_attempts"),
    window: field(duration(1000, 30 * dayMs), "pm.v1.RestartPolicy.window"),
    backoff: field(
      either({
        scalar: mapped(duration(0, dayMs), (value, place): Read<typeof backoff> => ({ initial: { value, place } })),
        map: backoff,
      }),
      "pm.v1.RestartPolicy.backoff",
    ),
    stable_time: field(duration(0, dayMs), "pm.v1.RestartPolicy.stable_time"),
    memory: field(size(1), "pm.v1.RestartPolicy.memory_bytes"),
  },
  "a restart policy",
);

const conditions: Readonly<Record<string, DependencyCondition>> = {
  started: "started",
  ready: "ready",
  completed: "completed",
  "completed-successfully": "completedSuccessfully",
};
const condition = mapped(
  choice("started", "ready", "completed", "completed-successfully"),
  (word) => conditions[word] as DependencyCondition,
);
const isReference = (value: string) => isName(value) || /^[0-9a-f-]{36}$/i.test(value);
const dependencies = either({
  scalar: mapped(text("the name of a process", isReference), (process, place) => [
    { name: process, place, value: "started" as DependencyCondition },
  ]),
  list: list(
    mapped(text("the name of a process", isReference), (process, place) => ({
      name: process,
      place,
      value: "started" as DependencyCondition,
    })),
  ),
  map: named(
    either({
      scalar: condition,
      map: mapped(
        object({ condition: field(condition, "pm.v1.Dependency.condition") }, "a dependency"),
        (fields): DependencyCondition => fields.condition?.value ?? "started",
      ),
    }),
    "the name of a process",
    isReference,
  ),
});

const hookEvents: Readonly<Record<string, HookEvent>> = {
  started: "started",
  ready: "ready",
  unhealthy: "unhealthy",
  exited: "exited",
  "given-up": "givenUp",
};
const hook = object(
  {
    on: required(
      oneOrMore(
        mapped(choice("started", "ready", "unhealthy", "exited", "given-up"), (word) => hookEvents[word] as HookEvent),
      ),
      "pm.v1.Hook.events",
    ),
    command: required(commandLine, "pm.v1.Hook.command"),
    timeout: field(duration(100, hourMs), "pm.v1.Hook.timeout"),
  },
  "a hook",
);

const resources = [
  ...["as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss"],
  ...["rtprio", "rttime", "sigpending", "stack"],
];
const rlimit = mapped(
  text('a number, "unlimited", or "SOFT:HARD"', (value) =>
    /^(\d{1,19}|unlimited)(:(\d{1,19}|unlimited))?$/.test(value),
  ),
  (given, place, reading) => {
    const [soft, hard = soft] = given.split(":").map((part) => (part === "unlimited" ? undefined : BigInt(part)));
    return hard !== undefined && (soft === undefined || soft > hard)
      ? problem(reading, place, "the soft limit must not be above the hard one")
      : { soft, hard };
  },
);

export const processFields = {
  command: required(
    commandLine,
    "What to run: a list is a program with its arguments; a text is a command line for the shell.",
  ),
  shell: field(
    oneOrMore(text()),
    'The shell for command lines, with the arguments before the line. Default: ["/bin/sh", "-c"].',
  ),
  cwd: field(
    text("a directory", (value) => value !== ""),
    "The working directory, from the directory of the file. Default: that one.",
  ),
  env: field(environment, "pm.v1.ProcessSpec.env"),
  env_file: field(
    oneOrMore(text("a file", (value) => value !== "")),
    "Files of NAME=VALUE lines, from the directory of the file; the later one and `env` take precedence.",
  ),
  inherit_env: field(
    either({ scalar: flag(), list: list(text("a variable's name", isVariable)) }),
    "Which variables of the caller's environment the process gets: all (true), none (false), or these. Default: none.",
  ),
  labels: field(
    mapped(named(text(), "a label's key", isLabelKey), (labels, _, reading) =>
      labels.map((label) => {
        if (!isLabelValue(label.value)) {
          problem(reading, label.place, `${JSON.stringify(label.value.slice(0, 80))} cannot be the value of a label`);
        }
        return [label.name, label.value] as const;
      }),
    ),
    "pm.v1.ProjectProcess.labels",
  ),
  replicas: field(integer(0, 1000), "pm.v1.ProjectProcess.replicas"),
  stopped: field(flag(), "pm.v1.ProjectProcess.stopped"),
  profiles: field(
    list(name),
    "The process is part of the project only if one of these profiles is asked for. Default: always.",
  ),
  restart: field(either({ scalar: restartMode, map: restart }), "pm.v1.ProcessSpec.restart"),
  readiness: field(probe, "pm.v1.ProcessSpec.readiness"),
  liveness: field(probe, "pm.v1.ProcessSpec.liveness"),
  depends_on: field(dependencies, "pm.v1.ProcessSpec.depends_on"),
  queue: field(name, "pm.v1.ProcessSpec.queue"),
  max_run_time: field(duration(100, 366 * dayMs), "pm.v1.ProcessSpec.max_run_time"),
  stop: field(
    object(
      {
        signal: field(
          text('a signal, such as "SIGTERM"', (value) => /^[A-Za-z0-9+-]{1,16}$/.test(value)),
          "pm.v1.StopPolicy.signal",
        ),
        grace_period: field(duration(0, dayMs), "pm.v1.StopPolicy.grace_period"),
        command: field(commandLine, "pm.v1.ProcessSpec.stop_command"),
      },
      "a stop policy",
    ),
    "pm.v1.ProcessSpec.stop",
  ),
  hooks: field(list(hook, 16), "pm.v1.ProcessSpec.hooks"),
  success_codes: field(list(integer(0, 255), 256), "pm.v1.ProcessSpec.success_codes"),
  stdin: field(choice("null", "pipe"), "pm.v1.ProcessSpec.stdin"),
  tty: field(flag(), "Gives it a terminal of 24 rows and 80 columns. Default: none."),
  output: field(
    object(
      {
        limit: field(size(4096), "pm.v1.OutputPolicy.limit_bytes"),
        when_full: field(choice("drop-oldest", "allow-hold"), "pm.v1.OutputPolicy.when_full"),
      },
      "an output policy",
    ),
    "pm.v1.ProcessSpec.output",
  ),
  limits: field(
    object(
      {
        memory: field(size(1), "pm.v1.Limits.memory_bytes"),
        cpus: field(decimal(0.001, 4096), "The processors that its tree may use, such as 1.5; see Limits.cpu_millis."),
        processes: field(integer(1, 2 ** 31), "pm.v1.Limits.processes"),
        rlimits: field(
          named(rlimit, `one of ${resources.join(", ")}`, (key) => resources.includes(key)),
          "pm.v1.Limits.rlimits",
        ),
      },
      "limits",
    ),
    "pm.v1.ProcessSpec.limits",
  ),
  umask: field(
    mapped(
      text('an octal number, such as "022"', (value) => /^(0o)?[0-7]{1,4}$/.test(value)),
      (value) => Number.parseInt(value.replace(/^0o/, ""), 8) & 0o777,
    ),
    "pm.v1.ProcessSpec.umask",
  ),
  nice: field(integer(-20, 19), "pm.v1.ProcessSpec.nice"),
  oom_score_adj: field(integer(-1000, 1000), "pm.v1.ProcessSpec.oom_score_adj"),
} as const;

const scheduleObject = object(
  {
    process: required(name, "The process that is started; it has no replicas. Usually it is `stopped: true`."),
    cron: field(text("a cron expression"), "pm.v1.Schedule.cron"),
    every: field(duration(1000, 366 * dayMs), "pm.v1.Schedule.every"),
    boot: field(flag(), "pm.v1.Schedule.boot"),
    time_zone: field(text("a time zone"), "pm.v1.Schedule.time_zone"),
    overlap: field(choice("skip", "queue", "replace"), "pm.v1.Schedule.overlap"),
    catch_up: field(choice("skip", "once", "all"), "pm.v1.Schedule.catch_up"),
  },
  "a schedule",
);
const schedule = exactlyOneOf(["cron", "every", "boot"], scheduleObject, "a schedule");

const queue = object(
  {
    parallelism: field(integer(1, 10_000), "pm.v1.Queue.parallelism"),
    paused: field(flag(), "pm.v1.Queue.paused"),
  },
  "a queue",
);

export const process = object(processFields, "a process");

export const projectFile = object(
  {
    name: field(name, "pm.v1.Project.name"),
    env: field(environment, "Variables for all processes; what a process says takes precedence."),
    env_file: field(
      oneOrMore(text("a file", (value) => value !== "")),
      `Files of NAME=VALUE lines for all processes, and for \${…} in this file.`,
    ),
    inherit_env: field(processFields.inherit_env.shape, processFields.inherit_env.about),
    shell: field(processFields.shell.shape, processFields.shell.about),
    processes: required(named(process, `a name (${nameRule})`, isName), "pm.v1.Project.processes"),
    schedules: field(named(schedule, `a name (${nameRule})`, isName), "When processes are started."),
    queues: field(named(queue, `a name (${nameRule})`, isName), "How many of the processes in a queue run at a time."),
  },
  "a project file",
);

/** The command that a command line comes to. */
export function commandOf(given: CommandLine, shell: readonly string[]): CommandDescription {
  const [executable = "", ...args] = "words" in given ? given.words : [...shell, given.line];
  return { executable, args };
}

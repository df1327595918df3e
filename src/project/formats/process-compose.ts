import { mostSimilar } from "../../common/similar.ts";
import { escapeInterpolation } from "../variables/interpolate.ts";
import { describeKind, type Entry, entryOf, type MapValue, ProjectFileError, type Value } from "../yaml/tree.ts";
import { asName, mapAt, type Note, type Plain, type Translation, valueAt } from "./build.ts";

export interface ProcessComposeOptions {
  /** There is a file ".env" beside it. */
  readonly hasEnvFile: boolean;
  /** It lies over another file, which may say what it does not. */
  readonly extendsAnother: boolean;
}

/**
 * A process-compose.yaml as a pm.yaml. What has no place there is noted; what is
 * about the other tool's own window, log files and API is passed over.
 *
 * @throws ProjectFileError
 */
export function translateProcessCompose(
  root: Value,
  { hasEnvFile, extendsAnother }: ProcessComposeOptions,
): Translation {
  const notes: Note[] = [];
  const file = asMap(root, "a process-compose file");
  const known = walker(file, "the file", notes);
  known.ignore(
    "extends",
    "version",
    "log_level",
    "log_length",
    "is_strict",
    "is_tui_disabled",
    "ordered_shutdown",
    "log_format",
  );
  const logs = [known.take("log_location"), known.take("log_configuration")].find((entry) => entry !== undefined);
  if (logs !== undefined) {
    notes.push({ place: logs.place, message: "no log files are written; pm keeps the output: pm logs" });
  }
  const processes = known.take("processes");
  if (processes === undefined) {
    throw new ProjectFileError([{ place: root.place, message: 'there are no "processes" in this file' }]);
  }
  const schedules = new Map<string, Plain>();
  const name = known.take("name");
  const shell = shellOf(known.take("shell"), notes);
  const environment = known.take("environment");
  const envFiles = known.take("env_file");
  const { entries } = asMap(processes.value, "processes");
  const names = new Set(entries.map(({ key }) => key));
  const translated = entries.map((entry) => translateProcess(entry, names, notes, schedules));
  known.rest();
  return {
    notes,
    value: valueAt(root.place, {
      name: name === undefined ? undefined : asName(textOf(name.value)),
      inherit_env: true,
      shell: shell ?? (extendsAnother ? undefined : ["bash", "-c"]),
      env_file: envFiles === undefined ? (hasEnvFile ? [".env"] : undefined) : converted(envFiles.value),
      env: environment === undefined ? undefined : environmentOf(environment.value),
      processes: mapAt(processes.place, translated),
      ...(schedules.size === 0 ? {} : { schedules: mapAt(processes.place, schedules) }),
    }),
  };
}

function translateProcess(
  { key, place, value }: Entry,
  names: ReadonlySet<string>,
  notes: Note[],
  schedules: Map<string, Plain>,
): readonly [string, Plain] {
  const name = asName(key);
  if (name !== key) {
    notes.push({ place, message: `the process "${key}" is called "${name}": the name has to be one of pm's` });
  }
  const known = walker(asMap(value, `the process "${key}"`), `the process "${key}"`, notes);
  known.ignore("description", "disable_ansi_colors", "log_configuration", "log_location", "is_foreground");
  known.ignore("launch_timeout_seconds", "is_daemon");
  const fields: Record<string, Plain | undefined> = {};
  const replicas = known.take("replicas");
  const several = replicas !== undefined && textOf(replicas.value) !== "1";
  fields["command"] = commandOf(known, several);
  fields["cwd"] = known.map("working_dir", converted);
  fields["env"] = known.map("environment", environmentOf);
  fields["env_file"] = known.map("env_file", converted);
  fields["tty"] = known.map("is_tty", converted);
  fields["replicas"] = several ? converted(replicas.value) : undefined;
  const namespace = known.take("namespace");
  if (namespace !== undefined) {
    fields["labels"] = { namespace: converted(namespace.value) };
  }
  const disabled = known.take("disabled");
  if (disabled !== undefined && textOf(disabled.value) === "true") {
    fields["stopped"] = valueAt(disabled.place, true);
  }
  fields["restart"] = known.map("availability", (availability) => restartOf(availability, notes));
  fields["depends_on"] = known.map("depends_on", (dependencies) => dependenciesOf(dependencies, names, notes));
  fields["readiness"] = known.map("readiness_probe", (probe) => probeOf(probe, several, notes));
  fields["liveness"] = known.map("liveness_probe", (probe) => probeOf(probe, several, notes));
  const line = known.take("ready_log_line");
  if (line !== undefined) {
    if (fields["readiness"] === undefined) {
      const pattern = escapeInterpolation(textOf(line.value).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
      fields["readiness"] = valueAt(line.place, { output: pattern });
    } else {
      notes.push({ place: line.place, message: "it has a readiness probe; ready_log_line is not looked for" });
    }
  }
  fields["stop"] = known.map("shutdown", (shutdown) => stopOf(shutdown, notes));
  const schedule = known.take("schedule");
  if (schedule !== undefined) {
    const parts = walker(asMap(schedule.value, "a schedule"), "a schedule", notes);
    schedules.set(name, {
      process: name,
      cron: parts.map("cron", converted),
      time_zone: parts.map("timezone", converted),
      every: parts.map("interval", converted),
    });
    const first = parts.take("run_on_start");
    if (first === undefined || textOf(first.value) !== "true") {
      fields["stopped"] = valueAt(schedule.place, true);
    }
    parts.rest();
  }
  known.rest();
  const left = Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
  return [name, valueAt(place, left as Plain)];
}

function commandOf(known: Walker, several: boolean): Plain | undefined {
  const command = known.take("command");
  const entrypoint = known.take("entrypoint");
  const args = known.take("args");
  const first = entrypoint ?? (command?.value.kind === "list" ? command : undefined);
  if (first !== undefined && first.value.kind === "list") {
    const words = [first.value, args?.value].flatMap((list) => (list?.kind === "list" ? list.items : []));
    return { kind: "list", place: first.value.place, items: words.map((word) => scalarOf(word, textOf(word))) };
  }
  if (command === undefined) {
    // Another file may have it; that there is none at all is found where all is read.
    return undefined;
  }
  const line = replaceTemplates(textOf(command.value), several ? replicaNumber : "0");
  return scalarOf(command.value, forShell(line).trimEnd());
}

/** Theirs count from 0. */
const replicaNumber = "$((PM_REPLICA - 1))";

/**
 * A line for a shell, which replaces variables itself, with those of the process too. What was escaped from the other
 * tool's replacing, "$$", is for the shell to see.
 */
function forShell(line: string): string {
  return escapeInterpolation(line.replaceAll("$$", () => "$"));
}

const replicaTemplate = /\{\{\s*\.PC_REPLICA_NUM\s*\}\}|\$\$?\{PC_REPLICA_NUM\}|\$\$?PC_REPLICA_NUM\b/g;

/** Go templates: of these only the replica's number has an equivalent, which is in the environment as well. */
function replaceTemplates(text: string, replica: string): string {
  return text.replace(replicaTemplate, () => replica);
}

function restartOf(value: Value, notes: Note[]): Plain | undefined {
  const known = walker(asMap(value, "availability"), "availability", notes);
  known.ignore("exit_on_skipped");
  const end = known.take("exit_on_end");
  if (end !== undefined && defaultOf(textOf(end.value)) === "true") {
    notes.push({ place: end.place, message: "the others run on when this process ends: exit_on_end" });
  }
  const restart = known.take("restart");
  const word = restart === undefined ? "no" : defaultOf(textOf(restart.value));
  const modes: Readonly<Record<string, string>> = {
    no: "no",
    false: "no",
    always: "always",
    on_failure: "on-failure",
    "on-failure": "on-failure",
    exit_on_failure: "no",
  };
  if (word === "exit_on_failure") {
    notes.push({ place: value.place, message: "the others run on when this process fails: exit_on_failure" });
  }
  const attempts = known.take("max_restarts");
  const seconds = known.take("backoff_seconds");
  known.rest();
  const mode = modes[word];
  if (mode === undefined) {
    notes.push({ place: restart?.place ?? value.place, message: `"${word}" is no way to restart` });
    return undefined;
  }
  if (mode === "no") {
    return undefined;
  }
  const unlimited = attempts === undefined || textOf(attempts.value) === "0";
  return {
    kind: "map",
    place: value.place,
    entries: mapAt(value.place, [
      ["mode", mode],
      ...(unlimited ? [] : [["max_attempts", converted(attempts.value)] as const]),
      // The same time before each attempt.
      ...(seconds === undefined ? [] : [["backoff", { initial: converted(seconds.value), multiplier: 1 }] as const]),
    ]).entries,
  };
}

/** Of "${NAME:-word}" the word: what is chosen from a few words is known before variables are. */
function defaultOf(text: string): string {
  return /^\$\{\w+:?-([^{}]*)\}$/.exec(text)?.[1] ?? text;
}

/** @param names of all processes, as they stand in the file */
function dependenciesOf(value: Value, names: ReadonlySet<string>, notes: Note[]): Plain {
  const conditions: Readonly<Record<string, string>> = {
    process_started: "started",
    process_healthy: "ready",
    process_log_ready: "ready",
    process_completed: "completed",
    process_completed_successfully: "completed-successfully",
  };
  const nameOf = (reference: string, place = value.place): string => {
    // One replica of several: web-0.
    const whole = names.has(reference) ? undefined : /^(.+)-\d+$/.exec(reference)?.[1];
    if (whole === undefined || !names.has(whole)) {
      return asName(reference);
    }
    notes.push({ place, message: `it waits for all replicas of "${whole}", not for "${reference}" alone` });
    return asName(whole);
  };
  const entries =
    value.kind === "list"
      ? value.items.map((item) => [nameOf(textOf(item)), "started"] as const)
      : asMap(value, "depends_on").entries.map((entry) => {
          const condition = entry.value.kind === "map" ? entryOf(entry.value, "condition") : undefined;
          const word = condition === undefined ? "process_started" : textOf(condition.value);
          if (conditions[word] === undefined) {
            notes.push({ place: entry.place, message: `"${word}" is no condition; it waits until it has started` });
          }
          return [nameOf(entry.key, entry.place), valueAt(entry.place, conditions[word] ?? "started")] as const;
        });
  return mapAt(value.place, new Map<string, Plain>(entries));
}

function probeOf(value: Value, several: boolean, notes: Note[]): Plain | undefined {
  const known = walker(asMap(value, "a probe"), "a probe", notes);
  const exec = known.take("exec");
  const http = known.take("http_get");
  const fields: Record<string, Plain> = {};
  if (exec !== undefined) {
    const parts = walker(asMap(exec.value, "exec"), "exec", notes);
    const command = parts.take("command");
    const directory = parts.take("working_dir");
    const cd = directory === undefined ? "" : `cd '${textOf(directory.value).replaceAll("'", `'\\''`)}' && `;
    parts.rest();
    if (command !== undefined) {
      const line = replaceTemplates(textOf(command.value), several ? replicaNumber : "0");
      fields["exec"] = scalarOf(command.value, forShell(cd + line));
    }
  }
  if (http !== undefined) {
    const parts = walker(asMap(http.value, "http_get"), "http_get", notes);
    const scheme = parts.take("scheme");
    const tls = scheme !== undefined && textOf(scheme.value).toLowerCase() === "https";
    const port = parts.take("num_port") ?? parts.take("port");
    const status = parts.take("status_code");
    const text = port === undefined ? (tls ? "443" : "80") : textOf(port.value);
    if (several && text.search(replicaTemplate) !== -1) {
      // A wrong port would keep it from ever being ready.
      notes.push({
        place: http.place,
        message: "the number of the replica can stand in commands alone; this probe is left out",
      });
      return undefined;
    }
    const number = replaceTemplates(text, "0");
    fields["http"] = {
      host: parts.map("host", converted),
      port: scalarOf(port?.value ?? http.value, interpolatedText(number)),
      path: parts.map("path", converted),
      tls: tls ? true : undefined,
      headers: parts.map("headers", converted),
      status_codes: status === undefined ? undefined : [converted(status.value)],
    };
    parts.rest();
  }
  for (const [from, to] of [
    ["initial_delay_seconds", "start_period"],
    ["period_seconds", "interval"],
    ["timeout_seconds", "timeout"],
    ["success_threshold", "success_threshold"],
    ["failure_threshold", "failure_threshold"],
  ] as const) {
    const entry = known.take(from);
    // 0 is the other tool's way to say "the default".
    if (entry !== undefined && (textOf(entry.value) !== "0" || to === "start_period")) {
      fields[to] = converted(entry.value);
    }
  }
  known.rest();
  return valueAt(value.place, fields);
}

function stopOf(value: Value, notes: Note[]): Plain {
  const known = walker(asMap(value, "shutdown"), "shutdown", notes);
  const parent = known.take("parent_only");
  if (parent !== undefined && /^(true|yes)$/.test(textOf(parent.value))) {
    notes.push({ place: parent.place, message: "a stop reaches the whole tree: parent_only" });
  }
  const command = known.take("command");
  const stop = {
    signal: known.map("signal", converted),
    grace_period: known.map("timeout_seconds", converted),
    command: command === undefined ? undefined : scalarOf(command.value, forShell(textOf(command.value))),
  };
  known.rest();
  return valueAt(value.place, stop);
}

function shellOf(entry: Entry | undefined, notes: Note[]): Plain | undefined {
  if (entry === undefined) {
    return undefined;
  }
  const known = walker(asMap(entry.value, "shell"), "shell", notes);
  known.ignore("elevated_shell_command", "elevated_shell_argument");
  const command = known.take("shell_command") ?? known.take("command");
  const argument = known.take("shell_argument") ?? known.take("args");
  known.rest();
  const args =
    argument === undefined ? ["-c"] : argument.value.kind === "list" ? argument.value.items : [argument.value];
  return [command === undefined ? "bash" : converted(command.value), ...args];
}

/** A list of NAME=VALUE, or a mapping; a name alone is the caller's variable. */
function environmentOf(value: Value): Plain {
  if (value.kind !== "list") {
    return converted(value);
  }
  const entries = value.items.map((item) => {
    const text = textOf(item);
    const at = text.indexOf("=");
    return at === -1
      ? ([text, scalarOf(item, `\${${text}:-}`)] as const)
      : ([text.slice(0, at), scalarOf(item, interpolatedText(text.slice(at + 1)))] as const);
  });
  return mapAt(value.place, new Map<string, Plain>(entries));
}

/** All its texts with $NAME and ${NAME} as ours; unset ones are empty. */
function converted(value: Value): Value {
  switch (value.kind) {
    case "scalar":
      return typeof value.value === "string" ? scalarOf(value, interpolatedText(value.value)) : value;
    case "list":
      return { ...value, items: value.items.map(converted) };
    case "map":
      return { ...value, entries: value.entries.map((entry) => ({ ...entry, value: converted(entry.value) })) };
  }
}

function interpolatedText(text: string): string {
  return text.replace(/\$(\$|\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)/g, (found, inner: string) => {
    if (inner === "$") {
      return "$";
    }
    if (!inner.startsWith("{")) {
      return `\${${inner}:-}`;
    }
    return /^\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(inner) ? `\${${inner.slice(1, -1)}:-}` : found;
  });
}

function scalarOf(at: Value, text: string): Value {
  return { kind: "scalar", place: at.place, value: text, text };
}

function textOf(value: Value): string {
  if (value.kind !== "scalar") {
    throw new ProjectFileError([{ place: value.place, message: `expected a value, not ${describeKind(value)}` }]);
  }
  return value.text;
}

function asMap(value: Value, what: string): MapValue {
  if (value.kind === "map") {
    return value;
  }
  if (value.kind === "scalar" && value.value === null) {
    return { kind: "map", place: value.place, entries: [] };
  }
  throw new ProjectFileError([
    { place: value.place, message: `${what} must be a mapping, not ${describeKind(value)}` },
  ]);
}

interface Walker {
  take(key: string): Entry | undefined;
  map(key: string, convert: (value: Value) => Plain | undefined): Plain | undefined;
  /** Passes fields over that say nothing about what is to run. */
  ignore(...keys: readonly string[]): void;
  /** Notes the fields that nobody has taken. */
  rest(): void;
}

function walker(map: MapValue, what: string, notes: Note[]): Walker {
  const taken = new Set<string>();
  const take = (key: string) => {
    taken.add(key);
    const entry = entryOf(map, key);
    return entry?.value.kind === "scalar" && entry.value.value === null ? undefined : entry;
  };
  return {
    take,
    map(key, convert) {
      const entry = take(key);
      return entry === undefined ? undefined : convert(entry.value);
    },
    ignore(...keys) {
      for (const key of keys) {
        taken.add(key);
      }
    },
    rest() {
      for (const entry of map.entries) {
        if (!taken.has(entry.key) && !entry.key.startsWith("x-")) {
          const similar = mostSimilar(entry.key, taken);
          const hint = similar === undefined ? "" : ` (did you mean "${similar}"?)`;
          notes.push({ place: entry.place, message: `"${entry.key}" of ${what} is not carried over${hint}` });
        }
      }
    },
  };
}

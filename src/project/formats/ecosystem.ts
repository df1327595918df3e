import { escapeInterpolation } from "../variables/interpolate.ts";
import { describeKind, type Entry, entryOf, type MapValue, ProjectFileError, type Value } from "../yaml/tree.ts";
import { asName, mapAt, type Note, type Plain, type Translation, valueAt } from "./build.ts";
import { splitWords } from "./split-words.ts";

/** About pm2's own log files, window and deployment. */
const silent = new Set([
  ...["watch_delay", "ignore_watch", "merge_logs", "log_date_format", "log_type", "combine_logs", "time", "vizion"],
  ...["source_map_support", "pmx", "automation", "treekill", "namespace", "version", "exec_mode", "force"],
]);
const logFields = new Set(["out_file", "output", "error_file", "error", "log_file", "log", "pid_file"]);
/** pm2 runs these by their interpreter. */
const interpreters: Readonly<Record<string, string>> = {
  js: "node",
  cjs: "node",
  mjs: "node",
  py: "python3",
  rb: "ruby",
  php: "php",
  pl: "perl",
  sh: "bash",
};

/**
 * An ecosystem file of pm2 as a pm.yaml; only as JSON.
 *
 * @throws ProjectFileError
 */
export function translateEcosystem(root: Value): Translation {
  const notes: Note[] = [];
  const apps = root.kind === "map" ? entryOf(root, "apps")?.value : root;
  const list = apps?.kind === "list" ? apps.items : apps?.kind === "map" ? [apps] : undefined;
  if (list === undefined || list.length === 0) {
    throw new ProjectFileError([{ place: root.place, message: 'there are no "apps" in this file' }]);
  }
  const processes = list.map((app) => translateApp(app, notes));
  return {
    notes,
    value: valueAt(root.place, {
      inherit_env: true,
      processes: mapAt(root.place, processes),
    }),
  };
}

function translateApp(app: Value, notes: Note[]): readonly [string, Plain] {
  if (app.kind !== "map") {
    throw new ProjectFileError([{ place: app.place, message: `an app must be a mapping, not ${describeKind(app)}` }]);
  }
  const taken = new Set<string>();
  const take = (key: string): Value | undefined => {
    taken.add(key);
    return entryOf(app, key)?.value;
  };
  const text = (key: string) => {
    const value = take(key);
    return value === undefined ? undefined : textOf(value);
  };
  const script = text("script");
  if (script === undefined) {
    throw new ProjectFileError([{ place: app.place, message: 'an app needs a "script"' }]);
  }
  const name = asName(text("name") ?? script.replace(/^.*\//, "").replace(/\.[^.]*$/, ""));
  const instances = text("instances");
  const replicas = instances === undefined || /^(1|0|max|-1)$/.test(instances) ? undefined : Number(instances);
  if (instances !== undefined && /^(0|max|-1)$/.test(instances)) {
    notes.push({
      place: app.place,
      message: `"${name}" is started once: there is no number of instances to read from "${instances}"`,
    });
  }
  if (text("exec_mode")?.startsWith("cluster") === true && replicas !== undefined) {
    notes.push({
      place: app.place,
      message: `the instances of "${name}" do not share a port: that is pm2's cluster mode`,
    });
  }
  const watch = text("watch");
  if (watch !== undefined && watch !== "false") {
    notes.push({ place: app.place, message: `"${name}" is not restarted when files change: watch` });
  }
  const cron = text("cron_restart");
  if (cron !== undefined) {
    notes.push({ place: app.place, message: `"${name}" is not restarted at fixed times: cron_restart ${cron}` });
  }
  const environment = take("env");
  const fields: Record<string, Plain | undefined> = {
    command: commandOf(app, script, text, take),
    cwd: text("cwd"),
    env: environment === undefined ? undefined : literal(environment),
    replicas,
    restart: restartOf(text),
    stop: stopOf(text),
    success_codes: listOf(take("stop_exit_codes")),
  };
  if (text("wait_ready") === "true") {
    notes.push({
      place: app.place,
      message: `"${name}" tells pm2 over a channel of Node.js that it is ready; use NOTIFY_SOCKET: readiness: {notify: true}`,
    });
  }
  taken.add("listen_timeout");
  let logs = false;
  for (const entry of app.entries) {
    if (logFields.has(entry.key)) {
      logs = true;
    } else if (entry.key.startsWith("env_")) {
      notes.push({
        place: entry.place,
        message: `the environment "${entry.key.slice(4)}" is not carried over; use a second file: pm up -f`,
      });
    } else if (!taken.has(entry.key) && !silent.has(entry.key)) {
      notes.push({ place: entry.place, message: `"${entry.key}" of "${name}" is not carried over` });
    }
  }
  if (logs) {
    notes.push({ place: app.place, message: "no log files are written; pm keeps the output: pm logs" });
  }
  return [
    name,
    valueAt(app.place, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Plain),
  ];
}

function commandOf(
  app: MapValue,
  script: string,
  text: (key: string) => string | undefined,
  take: (key: string) => Value | undefined,
): Plain {
  const extension = /\.([a-z]+)$/.exec(script)?.[1] ?? "";
  const given = text("interpreter") ?? text("exec_interpreter");
  const interpreter = given === "none" ? undefined : (given ?? interpreters[extension]);
  const interpreterArgs = words(take("node_args") ?? take("interpreter_args"));
  const args = words(take("args"));
  // A script without an interpreter is a path, or a program in PATH.
  const program = interpreter === undefined ? [script] : [interpreter, ...interpreterArgs, script];
  return valueAt(app.place, [...program, ...args].map(escapeInterpolation));
}

function words(value: Value | undefined): readonly string[] {
  if (value === undefined) {
    return [];
  }
  return value.kind === "list" ? value.items.map(textOf) : splitWords(textOf(value));
}

function restartOf(text: (key: string) => string | undefined): Plain | undefined {
  const automatic = text("autorestart");
  const delay = text("restart_delay");
  const growing = text("exp_backoff_restart_delay");
  const attempts = text("max_restarts");
  const stable = text("min_uptime");
  const memory = text("max_memory_restart");
  if (automatic === "false") {
    return undefined;
  }
  return {
    mode: "always",
    // pm2 gives up after 16 unstable restarts unless told otherwise.
    max_attempts: attempts ?? "16",
    stable_time: stable === undefined ? "1s" : milliseconds(stable),
    memory: memory === undefined ? undefined : memory.replace(/^(\d+)$/, "$1B"),
    backoff:
      growing !== undefined
        ? { initial: milliseconds(growing), multiplier: 1.5, max: "15s" }
        : { initial: milliseconds(delay ?? "0"), multiplier: 1 },
  };
}

function stopOf(text: (key: string) => string | undefined): Plain | undefined {
  const timeout = text("kill_timeout");
  // pm2 sends SIGINT, and waits 1.6 s.
  return { signal: "SIGINT", grace_period: milliseconds(timeout ?? "1600") };
}

/** A number is milliseconds there. */
function milliseconds(given: string): string {
  return /^\d+$/.test(given) ? `${given}ms` : given;
}

function listOf(value: Value | undefined): Plain | undefined {
  return value === undefined
    ? undefined
    : ["0", ...(value.kind === "list" ? value.items.map(textOf) : [textOf(value)])];
}

/** Texts of which nothing is to be replaced. */
function literal(value: Value): Plain {
  if (value.kind !== "map") {
    throw new ProjectFileError([
      { place: value.place, message: `an environment must be a mapping, not ${describeKind(value)}` },
    ]);
  }
  return mapAt(
    value.place,
    value.entries.map((entry: Entry) => [entry.key, escapeInterpolation(textOf(entry.value))] as const),
  );
}

function textOf(value: Value): string {
  if (value.kind !== "scalar") {
    throw new ProjectFileError([{ place: value.place, message: `expected a value, not ${describeKind(value)}` }]);
  }
  return value.text;
}

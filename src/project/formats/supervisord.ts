import { dirname } from "node:path";
import { mostSimilar } from "../../common/similar.ts";
import { systemErrorText } from "../../common/system-error.ts";
import { escapeInterpolation } from "../variables/interpolate.ts";
import { type Place, type Problem, ProjectFileError } from "../yaml/tree.ts";
import { asName, mapAt, type Note, type Plain, type Translation, valueAt } from "./build.ts";
import { parseIni, type Section } from "./ini.ts";
import { QuoteError, splitWords } from "./split-words.ts";

/** The files that [include] names; it may contain "*" and "?". */
export type FindFiles = (pattern: string, directory: string) => readonly string[];

export interface SupervisordOptions {
  readonly findFiles: FindFiles;
  /** @throws a Node system error */
  readonly readFile: (path: string) => string;
}

const programFields = [
  ...["command", "process_name", "numprocs", "numprocs_start", "directory", "umask", "priority", "autostart"],
  ...["autorestart", "startsecs", "startretries", "exitcodes", "stopsignal", "stopwaitsecs", "stopasgroup"],
  ...["killasgroup", "user", "redirect_stderr", "environment", "serverurl", "events", "socket"],
];
const logFields = /^(stdout|stderr)_(logfile|logfile_maxbytes|logfile_backups|capture_maxbytes|events_enabled|syslog)$/;
const silentSections = /^(unix_http_server|inet_http_server|supervisorctl|rpcinterface:.*|ctlplugin:.*)$/;
const maxIncluded = 1000;

/**
 * A supervisord.conf, with the files that it includes, as a pm.yaml.
 *
 * @param path Where it lies.
 * @throws ProjectFileError
 */
export function translateSupervisord(
  text: string,
  path: string,
  file: string,
  options: SupervisordOptions,
): Translation {
  const notes: Note[] = [];
  const problems: Problem[] = [];
  const sections = [...parseIni(text, file)];
  for (const section of sections.filter(({ name }) => name === "include")) {
    sections.push(...included(section, path, options, problems));
  }
  const start: Place = { file, line: 1, column: 1 };
  const processes = new Map<string, Plain>();
  const groups = groupsOf(sections);
  const environment = new Map<string, Plain>();
  let logs: Place | undefined;
  for (const section of sections) {
    const [kind = "", name = ""] = split(section.name, ":");
    const context = { here: dirname(path), program: name };
    if (kind === "program") {
      const known = asName(name);
      logs ??= [...section.values].find(([key, { text: where }]) => writesLog(key, where))?.[1].place;
      processes.set(known, translateProgram(section, context, groups.get(name), notes, problems));
    } else if (kind === "supervisord") {
      const given = section.values.get("environment");
      if (given !== undefined) {
        for (const [key, value] of environmentOf(given, context, problems)) {
          environment.set(key, value);
        }
      }
    } else if (kind === "eventlistener" || kind === "fcgi-program") {
      notes.push({ place: section.place, message: `[${section.name}] is not carried over: pm has no such thing` });
    } else if (kind !== "include" && kind !== "group" && !silentSections.test(section.name)) {
      notes.push({ place: section.place, message: `[${section.name}] is not known` });
    }
  }
  if (logs !== undefined) {
    notes.push({ place: logs, message: "no log files are written; pm keeps the output: pm logs" });
  }
  if (processes.size === 0 && problems.length === 0) {
    const included = sections.find(({ name }) => name === "include")?.values.get("files");
    problems.push(
      included === undefined
        ? { place: start, message: "there is no [program:…] in this file" }
        : {
            place: included.place,
            message: `there is no [program:…] in this file, nor in what it includes: ${included.text}`,
          },
    );
  }
  if (problems.length > 0) {
    throw new ProjectFileError(problems);
  }
  return {
    notes,
    value: valueAt(start, {
      inherit_env: true,
      env: environment.size === 0 ? undefined : mapAt(start, environment),
      processes: mapAt(start, processes),
    }),
  };
}

/** What goes to the daemon's own output, or nowhere, is no log file. */
function writesLog(key: string, path: string): boolean {
  return (
    /^(stdout|stderr)_(logfile|syslog)$/.test(key) && !/^(\/dev\/.*|none|auto|false|no|off|0|)$/i.test(path.trim())
  );
}

function included(
  section: Section,
  path: string,
  options: SupervisordOptions,
  problems: Problem[],
): readonly Section[] {
  const files = section.values.get("files");
  if (files === undefined) {
    return [];
  }
  const here = dirname(path);
  const paths = files.text
    .split(/\s+/)
    .filter((pattern) => pattern !== "")
    .flatMap((pattern) => options.findFiles(pattern.replaceAll("%(here)s", here), here));
  return paths.slice(0, maxIncluded).flatMap((found) => {
    try {
      return parseIni(options.readFile(found), found).filter(({ name }) => name !== "include");
    } catch (error) {
      if (error instanceof ProjectFileError) {
        problems.push(...error.problems);
      } else {
        problems.push({ place: files.place, message: `cannot read ${found}: ${systemErrorText(error)}` });
      }
      return [];
    }
  });
}

/** The group of each program that is in one. */
function groupsOf(sections: readonly Section[]): ReadonlyMap<string, string> {
  return new Map(
    sections
      .filter(({ name }) => name.startsWith("group:"))
      .flatMap(({ name, values }) =>
        (values.get("programs")?.text ?? "")
          .split(/[\s,]+/)
          .filter((program) => program !== "")
          .map((program) => [program, split(name, ":")[1] ?? ""] as const),
      ),
  );
}

interface Context {
  readonly here: string;
  readonly program: string;
}

function translateProgram(
  section: Section,
  context: Context,
  group: string | undefined,
  notes: Note[],
  problems: Problem[],
): Plain {
  const { values, place } = section;
  const text = (key: string) => {
    const found = values.get(key);
    return found === undefined ? undefined : expand(found.text, context, found.place, problems);
  };
  const at = (key: string, plain: Plain) => valueAt(values.get(key)?.place ?? place, plain);
  const has = (key: string) => values.has(key);
  for (const [key, found] of values) {
    if (!programFields.includes(key) && !logFields.test(key)) {
      const similar = mostSimilar(key, programFields);
      const hint = similar === undefined ? "" : ` (did you mean "${similar}"?)`;
      notes.push({ place: found.place, message: `"${key}" of [${section.name}] is not carried over${hint}` });
    }
  }
  for (const [key, message] of [
    ["user", "a process runs as the daemon's user: user"],
    ["priority", "there is no order by priority; say what it depends on: priority"],
  ] as const) {
    const found = values.get(key);
    if (found !== undefined) {
      notes.push({ place: found.place, message: `${message}=${found.text}` });
    }
  }
  // A number, or a variable of the environment.
  const numprocs = text("numprocs") ?? "1";
  const several = numprocs.trim() !== "1";
  const name = text("process_name");
  if (several) {
    notes.push({ place, message: `its ${numprocs} processes are called ${asName(context.program)}.1 and so on` });
  } else if (name !== undefined && name !== context.program) {
    notes.push({ place, message: `it is called ${asName(context.program)}, not ${name}` });
  }
  const firstNumber = Number(text("numprocs_start") ?? "0");
  const command = values.get("command");
  if (command === undefined) {
    problems.push({ place, message: `[${section.name}] needs a command` });
  }
  const environment = values.get("environment");
  return valueAt(place, {
    command:
      command === undefined
        ? undefined
        : at("command", commandOf(command, context, { several, firstNumber }, problems)),
    cwd: has("directory") ? at("directory", text("directory") ?? "") : undefined,
    umask: has("umask") ? at("umask", text("umask") ?? "") : undefined,
    env:
      environment === undefined ? undefined : mapAt(environment.place, environmentOf(environment, context, problems)),
    labels: group === undefined ? undefined : { group: asName(group) },
    replicas: several ? at("numprocs", numprocs) : undefined,
    stopped: isFalse(text("autostart")) ? at("autostart", true) : undefined,
    restart: restartOf(text, at),
    success_codes: has("exitcodes")
      ? at(
          "exitcodes",
          (text("exitcodes") ?? "").split(",").map((code) => code.trim()),
        )
      : undefined,
    stop:
      has("stopsignal") || has("stopwaitsecs")
        ? {
            signal: has("stopsignal") ? at("stopsignal", text("stopsignal") ?? "") : undefined,
            grace_period: has("stopwaitsecs") ? at("stopwaitsecs", text("stopwaitsecs") ?? "") : undefined,
          }
        : undefined,
  });
}

/** Its own defaults: restarts what exits unexpectedly, three attempts if it does not stay up for a second. */
function restartOf(
  text: (key: string) => string | undefined,
  at: (key: string, plain: Plain) => Plain,
): Plain | undefined {
  const given = text("autorestart")?.toLowerCase() ?? "unexpected";
  if (isFalse(given)) {
    return undefined;
  }
  return at("autorestart", {
    mode: given === "unexpected" ? "on-failure" : "always",
    max_attempts: at("startretries", Math.min(1000, Number(text("startretries") ?? "3"))),
    stable_time: at("startsecs", text("startsecs") ?? "1"),
  });
}

function isFalse(text: string | undefined): boolean {
  return text !== undefined && /^(false|no|off|0)$/i.test(text);
}

/** It is split as by a shell, but no shell runs it. */
function commandOf(
  { text, place }: { readonly text: string; readonly place: Place },
  context: Context,
  { several, firstNumber }: { readonly several: boolean; readonly firstNumber: number },
  problems: Problem[],
): Plain {
  try {
    const words = splitWords(text).map((word) => expand(word, context, place, problems));
    if (!several || !words.some((word) => /%\(process_num\)/.test(word))) {
      return words.map((word) => word.replaceAll(/%\(process_num\)\d*[sd]/g, String(firstNumber)));
    }
    // The number of a process is known to a shell: it counts from 1.
    const offset = firstNumber === 0 ? "- 1" : `+ ${firstNumber - 1}`;
    const quoted = words.map((word) =>
      `'${word.replaceAll("'", `'\\''`)}'`.replaceAll(/%\(process_num\)\d*[sd]/g, `'"$((PM_REPLICA ${offset}))"'`),
    );
    return `exec ${quoted.join(" ")}`;
  } catch (error) {
    if (error instanceof QuoteError) {
      problems.push({ place, message: error.message });
      return [];
    }
    throw error;
  }
}

/** KEY="value",KEY2=value */
function environmentOf(
  { text, place }: { readonly text: string; readonly place: Place },
  context: Context,
  problems: Problem[],
): readonly (readonly [string, Plain])[] {
  const found: (readonly [string, Plain])[] = [];
  const pattern = /\s*([^\s=,]+)\s*=\s*("(?:\\.|[^"\\])*"|'[^']*'|(?:[^,"'\\]|\\.)*)\s*(,|$)/gy;
  let end = 0;
  for (const match of text.trim().replace(/,$/, "").matchAll(pattern)) {
    const [all, key = "", value = ""] = match;
    end = match.index + all.length;
    const plain = /^["']/.test(value) ? value.slice(1, -1) : value.trim();
    const unescaped = value.startsWith('"') ? plain.replace(/\\(["\\])/g, "$1") : plain;
    found.push([key, valueAt(place, expand(unescaped, context, place, problems))]);
  }
  if (end < text.trim().replace(/,$/, "").length) {
    problems.push({
      place,
      message: `environment must be KEY="value",KEY2="value2"; it is not from character ${end + 1} on`,
    });
  }
  return found;
}

/** %(NAME)s as supervisord has it; the environment's as ours. */
function expand(text: string, { here, program }: Context, place: Place, problems: Problem[]): string {
  return escapeInterpolation(text).replace(/%(?:%|\(([^)]*)\)(\d*[sd]))?/g, (found, name: string | undefined) => {
    if (found === "%%") {
      return "%";
    }
    if (name === undefined) {
      problems.push({ place, message: 'a "%" must be "%%" or begin a %(name)s' });
      return found;
    }
    if (name.startsWith("ENV_")) {
      return `\${${name.slice(4)}}`;
    }
    switch (name) {
      case "program_name":
      case "group_name":
        return program;
      case "here":
        return here;
      case "numprocs":
        return "1";
      case "host_node_name":
        return "${HOSTNAME:-localhost}";
      case "process_num":
        // For commandOf to replace; elsewhere there is only one.
        return found;
      default:
        problems.push({ place, message: `%(${name})s is not known` });
        return found;
    }
  });
}

function split(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

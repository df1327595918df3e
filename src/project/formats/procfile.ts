import { escapeInterpolation } from "../variables/interpolate.ts";
import type { Place } from "../yaml/tree.ts";
import { ProjectFileError } from "../yaml/tree.ts";
import { type Note, type Plain, type Translation, valueAt } from "./build.ts";

const basePort = 5000;

/**
 * A Procfile, as foreman reads it: "name: command line", PORT for each process
 * 100 above the last one, variables from .env.
 *
 * @param hasEnvFile There is a file ".env" beside it.
 * @throws ProjectFileError
 */
export function translateProcfile(text: string, file: string, hasEnvFile: boolean): Translation {
  const notes: Note[] = [];
  const processes: Record<string, Plain> = Object.create(null);
  const problems: Note[] = [];
  let count = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const place: Place = { file, line: index + 1, column: 1 };
    const [, name = "", command = ""] = /^\s*([A-Za-z0-9_-]+)\s*:\s*(\S.*?)\s*$/.exec(line) ?? [];
    if (name === "") {
      if (!/^\s*(#|$)/.test(line)) {
        problems.push({ place, message: "a line must be NAME: COMMAND" });
      }
      continue;
    }
    const known = /^[0-9-]/.test(name) ? `_${name}` : name;
    if (Object.hasOwn(processes, known)) {
      problems.push({ place, message: `"${name}" is there already` });
      continue;
    }
    const release = name === "release";
    if (release) {
      notes.push({
        place,
        message: 'platforms run "release" before the others; here it is started only on demand: pm restart release',
      });
    }
    processes[known] = valueAt(place, {
      command: escapeInterpolation(command),
      env: { PORT: `\${PORT:-${basePort + 100 * count}}` },
      ...(release ? { stopped: true } : {}),
    });
    count++;
  }
  if (count === 0 && problems.length === 0) {
    problems.push({ place: { file, line: 1, column: 1 }, message: "there is no process in this file" });
  }
  if (problems.length > 0) {
    throw new ProjectFileError(problems);
  }
  const start: Place = { file, line: 1, column: 1 };
  notes.push({ place: start, message: "foreman ends all processes when one ends; here the others run on" });
  return {
    value: valueAt(start, {
      inherit_env: true,
      env_file: hasEnvFile ? [".env"] : undefined,
      processes,
    }),
    notes,
  };
}

import { basename, dirname, join, resolve } from "node:path";
import { systemErrorText } from "../common/system-error.ts";
import type { ProjectDescription } from "./description.ts";
import { asName, type Note, type Translation } from "./formats/build.ts";
import { translateEcosystem } from "./formats/ecosystem.ts";
import { translateProcessCompose } from "./formats/process-compose.ts";
import { translateProcfile } from "./formats/procfile.ts";
import { type FindFiles, translateSupervisord } from "./formats/supervisord.ts";
import { locateField } from "./locate.ts";
import { describeProject } from "./pm-yaml/describe.ts";
import { mergeValues } from "./yaml/merge.ts";
import { parseYaml } from "./yaml/parse.ts";
import { type Entry, entryOf, type Place, ProjectFileError, type Value } from "./yaml/tree.ts";

/** What loading needs of the machine, so that a test can be one. */
export interface Machine {
  /** Absolute. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** @throws a Node system error */
  readonly readFile: (path: string) => string;
  readonly exists: (path: string) => boolean;
  readonly findFiles: FindFiles;
}

export interface LoadOptions {
  /** Later ones over earlier ones. Empty: what `findProjectFile` finds. */
  readonly files: readonly string[];
  readonly profiles: readonly string[];
}

export interface LoadedProject {
  readonly description: ProjectDescription;
  /** What could not be carried over from other formats. */
  readonly notes: readonly Note[];
  /** Where that stands which a daemon refused, by the field of the request; undefined: not known. */
  readonly locate: (field: string) => Place | undefined;
}

/** A circle has more. */
const maxExtended = 16;

/** In order of preference. */
export const projectFileNames = [
  "pm.yaml",
  "pm.yml",
  "process-compose.yaml",
  "process-compose.yml",
  "Procfile",
  "supervisord.conf",
  "ecosystem.json",
] as const;

/** The first of the known files in a directory; undefined if there is none. */
export function findProjectFile({ directory, exists }: Machine): string | undefined {
  return projectFileNames.find((name) => exists(join(directory, name)));
}

/**
 * Reads a project from its files, of whatever format.
 *
 * @throws ProjectFileError
 */
export function loadProject(options: LoadOptions, machine: Machine): LoadedProject {
  const { value, notes, paths } = readFiles(options.files, machine);
  const directory = dirname(paths[0] ?? machine.directory);
  const description = describeProject(value, {
    directory,
    defaultName: asName(basename(directory) || "project"),
    source: paths.join(":"),
    environment: machine.environment,
    profiles: options.profiles,
    readFile: machine.readFile,
  });
  return { description, notes, locate: (field) => locateField(value, description, field) };
}

/**
 * The files as one pm.yaml's values.
 *
 * @throws ProjectFileError
 */
export function readFiles(
  files: readonly string[],
  machine: Machine,
): Translation & { readonly paths: readonly string[] } {
  const found = files.length > 0 ? files : [findProjectFile(machine)].filter((name) => name !== undefined);
  if (found.length === 0) {
    throw new ProjectFileError([
      {
        place: { file: machine.directory, line: 0, column: 0 },
        message: `there is no project file in ${machine.directory}: none of ${projectFileNames.join(", ")}`,
      },
    ]);
  }
  const read = found.map((file) => readOne(file, machine));
  return {
    value: read.map(({ value }) => value).reduce(mergeValues),
    notes: read.flatMap(({ notes }) => notes),
    paths: found.map((file) => resolve(machine.directory, file)),
  };
}

function readOne(file: string, machine: Machine, depth = 0): Translation {
  const path = resolve(machine.directory, file);
  const name = basename(path);
  if (/\.(c|m)?[jt]s$/.test(name)) {
    throw atStart(
      file,
      `this is a program, and pm does not run it; write what it comes to as JSON: node -p 'JSON.stringify(require("./${name}"))' > ecosystem.json`,
    );
  }
  let text: string;
  try {
    text = machine.readFile(path);
  } catch (error) {
    const message = `cannot read ${path}: ${systemErrorText(error)}`;
    throw new ProjectFileError([{ place: { file, line: 0, column: 0 }, message }]);
  }
  const hasEnvFile = machine.exists(join(dirname(path), ".env"));
  if (/procfile/i.test(name)) {
    return translateProcfile(text, file, hasEnvFile);
  }
  if (/\.(conf|ini)$/.test(name)) {
    return translateSupervisord(text, path, file, machine);
  }
  // The other tool takes them where it does not look, such as a mapping that only holds anchors.
  const duplicates: Note[] | undefined = /^process-compose\b/.test(name) ? [] : undefined;
  const value = parseYaml(text, file, duplicates);
  switch (formatOf(value, name)) {
    case "processCompose": {
      const extended = value.kind === "map" ? entryOf(value, "extends") : undefined;
      const base = extended === undefined ? undefined : readExtended(extended, path, machine, depth);
      const translation = translateProcessCompose(value, { hasEnvFile, extendsAnother: base !== undefined });
      return {
        value: base === undefined ? translation.value : mergeValues(base.value, translation.value),
        notes: [...(base?.notes ?? []), ...(duplicates ?? []), ...translation.notes],
      };
    }
    case "ecosystem":
      return translateEcosystem(value);
    default:
      return { value, notes: [] };
  }
}

/** The file over which another one of process-compose lies. */
function readExtended({ value, place }: Entry, path: string, machine: Machine, depth: number): Translation {
  if (value.kind !== "scalar" || depth >= maxExtended) {
    const message = depth >= maxExtended ? `more than ${maxExtended} files extend one another` : "expected a file";
    throw new ProjectFileError([{ place, message }]);
  }
  return readOne(resolve(dirname(path), value.text), machine, depth + 1);
}

/** By the name, else by what only one of them has. */
function formatOf(value: Value, name: string): "pm" | "processCompose" | "ecosystem" {
  if (/^pm\b/.test(name)) {
    return "pm";
  }
  if (/^process-compose\b/.test(name)) {
    return "processCompose";
  }
  if (value.kind === "list" || (value.kind === "map" && entryOf(value, "apps") !== undefined)) {
    return "ecosystem";
  }
  if (value.kind !== "map") {
    return "pm";
  }
  const processes = entryOf(value, "processes")?.value;
  const fields = processes?.kind === "map" ? processes.entries.map((entry) => entry.value) : [];
  const foreign = ["availability", "readiness_probe", "liveness_probe", "working_dir", "environment", "shutdown"];
  return fields.some((process) => process.kind === "map" && process.entries.some(({ key }) => foreign.includes(key)))
    ? "processCompose"
    : "pm";
}

function atStart(file: string, message: string): ProjectFileError {
  return new ProjectFileError([{ place: { file, line: 1, column: 1 }, message }]);
}

/** The project that a command is about. */

import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import type { Caller } from "../caller.ts";
import { repeated, text } from "../command.ts";
import { CommandError } from "../errors.ts";
import { formatProblem, type LoadedProject, loadProject, ProjectFileError, readFiles, writePmYaml } from "./library.ts";
import { callersMachine } from "./machine.ts";

const verbatim = (value: string): string => value;

/** Options of every command that reads project files. */
export const projectFileOptions = {
  file: repeated("FILE", verbatim, "A project file; several are merged, later ones take precedence", {
    short: "f",
    complete: "file",
  }),
  profile: repeated("NAME", verbatim, "Include the processes of this profile", { complete: "none" }),
  name: text("PROJECT", "Name of the project (default: the one in the file, or the name of its directory)", {
    short: "p",
    complete: "none",
  }),
} as const;

export interface ProjectFileValues {
  readonly file: readonly string[];
  readonly profile: readonly string[];
  readonly name: string | undefined;
}

/**
 * Reads the project and tells what could not be carried over from other formats.
 *
 * @throws CommandError that names file, line and column of everything that is wrong
 */
export function readProject({ file, profile, name }: ProjectFileValues, caller: Caller): LoadedProject["description"] {
  // Files that were there when the command began; a directory of its own for each caller.
  caller.ownProcess();
  const { description, notes } = orProblems(caller, () =>
    loadProject({ files: file, profiles: profile }, callersMachine(caller)),
  );
  for (const note of notes) {
    caller.note(`pm: ${escapeText(formatProblem(note))}\n`);
  }
  return name === undefined ? description : { ...description, name };
}

/** As {@link readProject}, as a pm.yaml. */
export function importProject(files: readonly string[], caller: Caller): string {
  caller.ownProcess();
  return orProblems(caller, () => writePmYaml(readFiles(files, callersMachine(caller))));
}

/** The name of the project, without reading more than is needed. */
export function projectName(values: ProjectFileValues, caller: Caller): string {
  return values.name ?? readProject(values, caller).name;
}

function orProblems<T>(caller: Caller, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProjectFileError) {
      const [first = "", ...more] = error.problems.map(formatProblem);
      if (more.length > 0) {
        caller.note([first, ...more].map((line) => `pm: ${escapeText(line)}\n`).join(""));
      }
      throw new CommandError(more.length === 0 ? first : `the project has ${more.length + 1} mistakes`, {
        exitCode: ExitCode.usage,
        cause: error,
      });
    }
    throw error;
  }
}

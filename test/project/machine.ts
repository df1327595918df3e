import type { ProjectDescription } from "../../src/project/description.ts";
import { loadProject, type Machine } from "../../src/project/load.ts";
import { ProjectFileError } from "../../src/project/yaml/tree.ts";

const directory = "/home/ada/shop";

/** A machine whose files are these, in /home/ada/shop unless they have a path of their own. */
export function machineWith(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Machine {
  const byPath = new Map(
    Object.entries(files).map(([path, text]) => [path.startsWith("/") ? path : `${directory}/${path}`, text]),
  );
  return {
    directory,
    environment,
    readFile: (path) => {
      const text = byPath.get(path);
      if (text === undefined) {
        throw Object.assign(new Error(path), { code: "ENOENT", errno: -2 });
      }
      return text;
    },
    exists: (path) => byPath.has(path),
    findFiles: (pattern, base) => {
      const absolute = pattern.startsWith("/") ? pattern : `${base}/${pattern}`;
      const rule = new RegExp(`^${absolute.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
      return [...byPath.keys()].filter((path) => rule.test(path)).sort();
    },
  };
}

/** What a pm.yaml describes. */
export function describePm(yaml: string, environment: Readonly<Record<string, string>> = {}): ProjectDescription {
  return loadProject({ files: ["pm.yaml"], profiles: [] }, machineWith({ "pm.yaml": yaml }, environment)).description;
}

/** Everything that is wrong with files, without the name of the file. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ProjectFileError) {
      return error.problems.map(({ place, message }) => `${place.line}:${place.column}: ${message}`);
    }
    throw error;
  }
  return [];
}

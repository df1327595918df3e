/** What every package says of the project. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.ts";

interface Project {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

export const project = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Project;

/** Exact versions of these dependencies. */
export function pinned(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const version = project.dependencies[name] ?? project.optionalDependencies[name];
      if (version === undefined) {
        throw new Error(`${name} is no dependency of the project`);
      }
      return [name, version];
    }),
  );
}

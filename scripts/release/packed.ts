/** Packs a directory as an npm package. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";

export interface Manifest {
  readonly name: string;
  readonly [field: string]: unknown;
}

/**
 * Writes the manifest and packs what it lists; npm gives every file one date.
 *
 * @returns the name of the file below `release`
 */
export function packed(directory: string, manifest: Manifest, release: string): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const json = run("npm", ["pack", "--silent", "--json", "--ignore-scripts", "--pack-destination", release], {
    cwd: directory,
  });
  const [entry] = Object.values(JSON.parse(json) as Record<string, { filename: string }>);
  if (entry === undefined) {
    throw new Error(`npm packed nothing: ${json}`);
  }
  return entry.filename;
}

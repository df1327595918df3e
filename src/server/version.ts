import { readFileSync } from "node:fs";
import { join } from "node:path";

declare const __PM_VERSION__: string | undefined;

/** The release that this is: put in when it was built; from the sources, what package.json says. */
export const version: string = typeof __PM_VERSION__ === "string" ? __PM_VERSION__ : versionOfSources();

function versionOfSources(): string {
  const text = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

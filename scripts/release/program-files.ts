/** The program as it is installed: the bundles of `npm run build`, licenses, and nothing else. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.ts";

/** Copies the bundles into `dist` of a directory. */
export function copyProgram(directory: string): void {
  const dist = join(root, "dist");
  mkdirSync(join(directory, "dist"), { recursive: true });
  for (const name of readdirSync(dist)) {
    // Not the code cache: V8 takes it from the very same processor and version only.
    if (/\.[cm]js$/.test(name) || name === "build-id" || name === "contract.binpb") {
      cpSync(join(dist, name), join(directory, "dist", name));
    }
  }
  cpSync(join(root, "LICENSE"), join(directory, "LICENSE"));
  writeFileSync(join(directory, "THIRD-PARTY-LICENSES"), thirdPartyLicenses());
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly optional?: boolean; readonly version?: string }>
  >;
}

/** The license of each package that is bundled, of those that the lock calls production. */
function thirdPartyLicenses(): string {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  const parts: string[] = [];
  for (const [path, { dev, optional, version }] of Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (path === "" || dev === true || optional === true) {
      continue;
    }
    const directory = join(root, path);
    const texts = readdirSync(directory).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
    const { license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { license?: string };
    const name = path.replace(/^.*node_modules\//, "");
    parts.push(`${name} ${version} (${license ?? "see below"})`);
    parts.push(...texts.sort().map((text) => readFileSync(join(directory, text), "utf8").trim()), "-".repeat(80));
  }
  return `${parts.join("\n\n")}\n`;
}

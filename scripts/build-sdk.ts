/**
 * Builds the library into dist/sdk, as other projects import it: modules and
 * their declarations as the compiler emits them, with the generated code that
 * they stand on. Not bundled, so that a bundler of the importing project can
 * leave the streaming transport in a file of its own.
 *
 * Usage: node scripts/build-sdk.ts [directory]
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "dist/sdk"));

rmSync(target, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.sdk.json"), "--outDir", target],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;

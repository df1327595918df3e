import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "./config-directory.ts";

/** Builds the shim once for all test files; each daemon of a test runs it. */
export default function setup(): () => void {
  const script = join(import.meta.dirname, "../../scripts/build-shim.ts");
  if (spawnSync(process.execPath, [script], { stdio: "inherit" }).status !== 0) {
    throw new Error("the shim could not be built");
  }
  return () => rmSync(configDirectory, { recursive: true, force: true });
}

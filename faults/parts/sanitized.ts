/** Other parts again, with the C code under AddressSanitizer and UndefinedBehaviorSanitizer. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PartContext } from "../support/part.ts";
import { aimed } from "./aimed.ts";
import { kills } from "./kills.ts";
import { trees } from "./trees.ts";

const root = join(import.meta.dirname, "../..");
/** Sanitized code is several times as slow. */
const share = 0.15;

export async function sanitized(context: PartContext): Promise<void> {
  const { report, programs } = context;
  const directory = mkdtempSync(join(tmpdir(), "pm-faults-sanitized-"));
  try {
    let binary: string;
    try {
      binary = programs.shim("pm-shim-sanitized", [
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-g",
        "-O1",
      ]);
    } catch (error) {
      report.skip(`the sanitizers: the compiler has none (${String(error).slice(0, 200)})`);
      return;
    }
    const reports = join(directory, "reports");
    mkdirSync(reports);
    const pm = install(directory, binary, join(reports, "report"));
    const rounds = (usual: number) => Math.max(1, Math.round(usual * share * context.scale));
    for (const part of [kills, aimed, trees]) await part({ ...context, pm, rounds, scale: context.scale * share });
    for (const name of readdirSync(reports)) {
      const text = readFileSync(join(reports, name), "utf8");
      // One that is killed while it looks for leaks says so, and no more.
      if (/ERROR:|runtime error/.test(text)) report.fail(text.slice(0, 4000));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A copy of the build with another shim. A shim has no standard error: what the sanitizers say goes to files. */
function install(directory: string, binary: string, log: string): string {
  const dist = join(directory, "dist");
  cpSync(join(root, "dist"), dist, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  const options = `log_path=${log}`;
  const script = `#!/bin/sh\nASAN_OPTIONS=${options} UBSAN_OPTIONS=${options}:print_stacktrace=1 exec ${binary} "$@"\n`;
  rmSync(join(dist, "pm-shim"));
  writeFileSync(join(dist, "pm-shim"), script, { mode: 0o755 });
  return join(dist, "pm");
}

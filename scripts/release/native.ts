/**
 * The two C programs, static against musl, for every architecture on one
 * machine: zig's compiler brings musl and the headers of all of them.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./architectures.ts";
import { runPython } from "./python-tools.ts";
import { root } from "./run.ts";

// musl's CMSG_NXTHDR compares a size with a difference; everything else is an error in the build with the system's compiler.
const flags = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-static", "-s"];

/** Writes `pm-shim` and the launcher `pm` into a directory. */
export function compileNative({ zig }: Architecture, directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [source, name] of [
    ["src/shim", "pm-shim"],
    ["src/launcher", "pm"],
  ] as const) {
    const files = readdirSync(join(root, source))
      .filter((file) => file.endsWith(".c"))
      .sort()
      .map((file) => join(source, file));
    runPython(["-m", "ziglang", "cc", "-target", zig, ...flags, "-o", join(directory, name), ...files], {
      ZIG_GLOBAL_CACHE_DIR: join(root, "node_modules/.cache/zig"),
      ZIG_LOCAL_CACHE_DIR: join(root, "node_modules/.cache/zig"),
    });
  }
}

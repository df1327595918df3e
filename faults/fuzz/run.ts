/**
 * The shim's spec parser under AFL++: `npm run faults:fuzz -- [SECONDS]`, 60 by
 * default. Needs afl++ (Debian: apt-get install afl++ libclang-rt-14-dev). Exit code 1: an input
 * crashed it or hung it; it is kept and named.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSpec, type ShimSpec } from "../../src/server/engine/shim/spec.ts";

const root = join(import.meta.dirname, "../..");
const seconds = Number(process.argv[2] ?? "60");
const usual: ShimSpec = {
  outputLimit: 65_536,
  stdin: "null",
  terminal: null,
  rlimits: [],
  umask: 0o022,
  nice: null,
  oomScoreAdj: null,
  notify: false,
  holdMs: 0,
  cwd: "/",
  cgroup: "",
  paths: ["/bin/true"],
  args: ["true"],
  env: [],
};
/** Each with another part of the format. */
const specs: readonly Partial<ShimSpec>[] = [
  {},
  { stdin: "pipe", args: ["sh", "-c", "echo x"], env: ["A=1", "B=2"] },
  { terminal: { rows: 24, columns: 80 }, nice: 5, oomScoreAdj: 100, notify: true },
  { rlimits: [{ resource: 7, soft: 64n, hard: null }], cgroup: "/sys/fs/cgroup/x", paths: ["/a", "/b", "/c"] },
];

/** With the first of AFL++'s compilers that is there with its sanitizers. */
function build(directory: string): string {
  const output = join(directory, "spec");
  const sources = [join(import.meta.dirname, "spec.c"), join(root, "src/shim/spec.c")];
  const problems: string[] = [];
  for (const compiler of ["afl-gcc-fast", "afl-clang-fast"]) {
    const run = spawnSync(compiler, ["-std=c17", "-D_GNU_SOURCE", "-O1", "-g", "-o", output, ...sources], {
      env: { ...process.env, AFL_USE_ASAN: "1", AFL_USE_UBSAN: "1", AFL_QUIET: "1" },
      encoding: "utf8",
    });
    if (run.status === 0) return output;
    problems.push(`${compiler}: ${run.error?.message ?? run.stderr}`);
  }
  throw new Error(
    `no compiler of afl++ (Debian: apt-get install afl++ libclang-rt-14-dev) can be used:\n${problems.join("\n")}`,
  );
}

function fuzz(directory: string): void {
  const inputs = join(directory, "in");
  const results = join(directory, "out");
  mkdirSync(inputs);
  for (const [number, spec] of specs.entries()) {
    writeFileSync(join(inputs, `${number}`), encodeSpec({ ...usual, ...spec }));
  }
  const program = build(directory);
  spawnSync("afl-fuzz", ["-V", String(seconds), "-m", "none", "-i", inputs, "-o", results, "--", program, "@@"], {
    env: {
      ...process.env,
      AFL_NO_UI: "1",
      AFL_SKIP_CPUFREQ: "1",
      AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES: "1",
      AFL_NO_AFFINITY: "1",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const statistics = join(results, "default/fuzzer_stats");
  if (!existsSync(statistics)) throw new Error("afl-fuzz did not run");
  const text = readFileSync(statistics, "utf8");
  const figure = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(text)?.[1];
  const found = ["crashes", "hangs"].flatMap((kind) => inputsIn(join(results, "default", kind)));
  process.stdout.write(
    `${figure("execs_done")} executions in ${figure("run_time")} s, ` +
      `${figure("edges_found")} of ${figure("total_edges")} edges, ${found.length} crashes and hangs\n`,
  );
  if (found.length === 0) return;
  const kept = mkdtempSync(join(tmpdir(), "pm-fuzz-found-"));
  for (const path of found) cpSync(path, join(kept, path.split("/").slice(-2).join("-")));
  process.stdout.write(`kept in ${kept}\n`);
  process.exitCode = 1;
}

function inputsIn(directory: string): string[] {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names.filter((name) => name.startsWith("id:")).map((name) => join(directory, name));
}

const directory = mkdtempSync(join(tmpdir(), "pm-fuzz-"));
try {
  fuzz(directory);
} finally {
  rmSync(directory, { recursive: true });
}

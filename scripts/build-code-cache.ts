/**
 * Makes dist/cli.cache: the bytecode of what everyday commands use. Runs them,
 * one after the other in one process, against a daemon of its own in a private
 * runtime directory, and has V8 write down what it compiled.
 *
 * Usage: node scripts/build-code-cache.ts
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Script } from "node:vm";
import { readScript, runScript } from "../src/cli/code-cache.ts";

const dist = join(import.meta.dirname, "../dist");
const file = join(dist, "cli.cjs");
const cacheFile = join(dist, "cli.cache");
const id = "00000000-0000-4000-8000-000000000001";

const commands: readonly (readonly string[])[] = [
  ["start", "--id", id, "-n", "one", "-l", "a=b", "-e", "A=B", "--", "sh", "-c", "echo text; exit 7"],
  ["start", "sleep", "3600"],
  ["ls"],
  ["ls", "--all", "-o", "json"],
  ["ls", "-q"],
  ["status", "one"],
  ["status", "-o", "json", "one"],
  ["status", "unknown"],
  ["wait", id],
  ["logs", id],
  ["kill", "-s", "CONT", "sleep"],
  ["restart", id],
  ["stop", id],
  ["rm", id],
  ["version", "--client"],
];
/** Milliseconds that the commands do not need on any machine. */
const limitMs = 120_000;

/** Runs a command in this process to where it would exit. */
function run(script: Script, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    process.argv = [process.execPath, file, ...args];
    process.exit = resolve as typeof process.exit;
    (runScript(script, file) as { runHere(): void }).runHere();
  });
}

async function record(): Promise<void> {
  const exit = process.exit;
  const script = readScript(file, cacheFile);
  for (const command of commands) {
    await run(script, command);
  }
  writeFileSync(cacheFile, script.createCachedData());
  exit(0);
}

function build(): void {
  const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pm-build-"));
  const env = {
    PATH: process.env["PATH"],
    PM_RUNTIME_DIR: directory,
    XDG_CONFIG_HOME: directory,
    PM_NODE: process.execPath,
  };
  try {
    // With the flags of bin/pm: V8 refuses a cache of others.
    const { status, stderr } = spawnSync(process.execPath, ["--min-semi-space-size=16", import.meta.filename], {
      env: { ...env, PM_RECORD_CODE: "1" },
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    if (status !== 0) {
      console.error(`build: no code cache, commands start slower: ${stderr}`);
    }
  } finally {
    // However the recording ended, its daemon ends with it.
    spawnSync(process.execPath, [join(dist, "pm.cjs"), "daemon", "stop", "--stop-processes", "-t", "0"], {
      env,
      stdio: "ignore",
    });
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.env["PM_RECORD_CODE"] === "1") {
  await record();
} else {
  build();
}

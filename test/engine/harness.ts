import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { Engine } from "../../src/server/engine/api/engine.ts";
import type { ProcessFilter } from "../../src/server/engine/api/list.ts";
import type { OutputFrame, StreamOutputOptions } from "../../src/server/engine/api/output.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";
import { EngineError, type EngineErrorReason } from "../../src/server/engine/errors.ts";
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import type { EngineOptions } from "../../src/server/engine/options.ts";

vi.setConfig({ testTimeout: 30_000 });

export const shimPath = process.env["PM_TEST_SHIM"] ?? join(import.meta.dirname, "../../dist/pm-shim");
export const everything: ProcessFilter = { labels: [], states: [], ids: [] };
/** A limit that only a hang reaches. */
const limitMs = 25_000;

export function limit(): AbortSignal {
  return AbortSignal.timeout(limitMs);
}

/** A private runtime directory; the test leaves neither it nor a process behind. */
export function runtimeDirectory(): string {
  const base = mkdtempSync(join(tmpdir(), "pm-engine-"));
  const directory = join(base, "run");
  prepareRuntimeDirectory(directory);
  onTestFinished(async () => {
    const engine = await openEngine({ runtimeDir: directory, shimPath, cgroupRoot: null });
    try {
      await engine.stopAll(0);
      for (const { id } of (await engine.list(everything, { size: 10_000, token: "" })).processes)
        await engine.remove(id, true);
    } finally {
      await engine.close();
      rmSync(base, { recursive: true, force: true });
    }
  });
  return directory;
}

/** An engine that closes with the test, before its directory is cleaned. */
export async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await openEngine({
    runtimeDir: options.runtimeDir ?? runtimeDirectory(),
    shimPath,
    cgroupRoot: null,
    ...options,
  });
  onTestFinished(() => engine.close());
  return engine;
}

export function spec(executable: string, args: readonly string[] = [], more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    executable,
    args,
    env: {},
    envMode: "extend",
    cwd: "/",
    name: "",
    labels: {},
    outputLimitBytes: 0,
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "", graceMs: null },
    ...more,
  };
}

export function shell(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return spec("sh", ["-c", script], more);
}

export async function start(engine: Engine, wanted: ProcessSpec, id = ""): Promise<ProcessInfo> {
  return (await engine.start({ id, spec: wanted })).process;
}

/** Starts a process and waits until nothing of it is left and its output is complete. */
export async function complete(engine: Engine, wanted: ProcessSpec): Promise<ProcessInfo> {
  const { id } = await start(engine, wanted);
  await engine.wait(id, "treeGone", 0, limit());
  return await engine.wait(id, "outputComplete", 0, limit());
}

export async function text(engine: Engine, id: string, run = 0): Promise<string> {
  const read = await engine.readOutput(id, {
    run,
    start: { kind: "offset", offset: 0 },
    streams: [],
    maxBytes: 4 * 1024 * 1024,
  });
  return Buffer.concat(read.chunks.map(({ data }) => data)).toString("utf8");
}

export function stream(
  engine: Engine,
  id: string,
  options: Partial<StreamOutputOptions> = {},
  signal: AbortSignal = limit(),
): AsyncIterable<OutputFrame> {
  const given = { run: 0, streams: [], follow: true, heartbeatMs: 15_000, ...options };
  return engine.streamOutput(id, { start: { kind: "offset", offset: 0 }, ...given }, signal);
}

/** Waits until a process has written this text. */
export async function untilOutput(engine: Engine, id: string, wanted: string): Promise<void> {
  let seen = "";
  for await (const frame of stream(engine, id)) {
    if (frame.kind === "chunk") seen += Buffer.from(frame.chunk.data).toString("utf8");
    if (seen.includes(wanted)) return;
  }
  throw new Error(`the output ended without ${JSON.stringify(wanted)}: ${JSON.stringify(seen)}`);
}

export async function refused(work: Promise<unknown> | (() => unknown)): Promise<EngineError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

export async function reasonOf(work: Promise<unknown> | (() => unknown)): Promise<EngineErrorReason> {
  return (await refused(work)).reason;
}

/** Whether a process is there and not a zombie. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** The zygote that serves a runtime directory. */
export function zygoteIn(runtimeDir: string): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, "utf8") !== "pm-zygote\n") continue;
      if (readlinkSync(`/proc/${pid}/cwd`) === runtimeDir) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`no zygote serves ${runtimeDir}`);
}

export const stopDefaults = { signal: "", graceMs: null, force: false } as const;

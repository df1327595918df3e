import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { RequestContext, SignalTarget, StopOptions, WaitCondition } from "../../src/server/engine/api/control.ts";
import { everything, type PageRequest, type ProcessFilter } from "../../src/server/engine/api/list.ts";
import type { OutputFrame, OutputRead, OutputStart, OutputStreamName } from "../../src/server/engine/api/output.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { RunInfo, StopReceipt } from "../../src/server/engine/api/run.ts";
import { type ProcessSpec, plainSpec, type TerminalSize } from "../../src/server/engine/api/spec.ts";
import type { UsageSample } from "../../src/server/engine/api/usage.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import type { ProcessEngine } from "../../src/server/engine/engine.ts";
import { EngineError, type EngineErrorReason } from "../../src/server/engine/errors.ts";
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import type { EngineOptions } from "../../src/server/engine/options.ts";

vi.setConfig({ testTimeout: 180_000 });

export const shimPath = process.env["PM_TEST_SHIM"] ?? join(import.meta.dirname, "../../dist/pm-shim");
export const somebody: RequestContext = { principal: "local", requestId: "", precondition: null };
/** A limit that only a hang reaches. */
const limitMs = 90_000;

export function limit(): AbortSignal {
  return AbortSignal.timeout(limitMs);
}

/** What most tests ask of a process: it and its current run in one. */
export interface Shown extends Omit<ProcessInfo, "run" | "state">, Omit<RunInfo, "number"> {
  readonly run: number;
}

export function shown(process: ProcessInfo): Shown {
  const { number, ...run } = process.run;
  return { ...process, ...run, run: number };
}

/** What is to be started, with the defaults that tests want. */
export interface Wanted extends ProcessSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type More = Partial<Omit<Wanted, "env" | "output">> & {
  readonly env?: Readonly<Record<string, string>>;
  readonly outputLimitBytes?: number;
};

export type Begin =
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "tailBytes"; readonly bytes: number }
  | { readonly kind: "tailLines"; readonly lines: number }
  | { readonly kind: "since"; readonly time: bigint };

export interface Following {
  readonly run: number;
  readonly start: Begin;
  readonly streams: readonly OutputStreamName[];
  readonly follow: boolean;
  readonly heartbeatMs: number;
}

/** An engine as most tests use it: by id, in nobody's name, without conditions. */
export class Bench {
  readonly engine: ProcessEngine;

  constructor(engine: ProcessEngine) {
    this.engine = engine;
  }

  async start({ id, spec }: { id: string; spec: Wanted }): Promise<{ process: Shown; existing: boolean }> {
    const { name, labels, ...rest } = spec;
    const { process, existing } = await this.engine.start({ id, name, labels, spec: rest }, somebody);
    return { process: shown(process), existing };
  }

  async stop(id: string, options: StopOptions): Promise<Stopped> {
    const { process, receipt } = await this.engine.stop({ id }, { ...options, wait: true }, somebody);
    const stopped = receipt.outcome === "stopped" || receipt.outcome === "alreadyStopped";
    return { process: shown(process), receipt, stopped, survivors: receipt.survivors };
  }

  async signal(id: string, name: string, target: SignalTarget): Promise<Shown> {
    return shown(await this.engine.signal({ id }, name, target, somebody));
  }

  async restart(id: string, options: StopOptions): Promise<Shown> {
    return shown(await this.engine.restart({ id }, options, null, somebody));
  }

  get(id: string): Shown {
    return shown(this.engine.get({ id }));
  }

  async list(filter: ProcessFilter, page: Omit<PageRequest, "order">): Promise<Listed> {
    const { processes, ...rest } = await this.engine.list(filter, { order: "created", ...page });
    return { ...rest, processes: processes.map(shown) };
  }

  watch(
    options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent> {
    return this.engine.watch(options, signal);
  }

  stats(options: Parameters<ProcessEngine["stats"]>[0], signal: AbortSignal): AsyncIterable<UsageSample> {
    return this.engine.stats(options, signal);
  }

  async wait(id: string, condition: WaitCondition, run: number, signal: AbortSignal): Promise<Shown> {
    const met = await this.engine.wait({ id }, condition, run === 0 ? null : run, signal);
    return shown(met.process);
  }

  async readOutput(
    id: string,
    options: Omit<Following, "follow" | "heartbeatMs"> & { readonly maxBytes: number },
  ): Promise<OutputRead> {
    return await this.engine.readOutput({ id }, { ...options, ...place(options), maxBytes: options.maxBytes });
  }

  streamOutput(id: string, options: Following, signal: AbortSignal): AsyncIterable<OutputFrame> {
    return this.engine.streamOutput({ id }, { ...options, ...place(options), hold: null }, signal);
  }

  async writeInput(id: string, data: Uint8Array, close: boolean, signal: AbortSignal): Promise<number> {
    return await this.engine.writeInput({ id }, { data, close, inputOffset: null }, somebody, signal);
  }

  async resizeTerminal(id: string, size: TerminalSize): Promise<void> {
    await this.engine.resizeTerminal({ id }, size, somebody);
  }

  async remove(id: string, force: boolean): Promise<string> {
    return await this.engine.remove({ id }, force, somebody);
  }

  async prune(
    filter: ProcessFilter,
    olderThanMs: number,
    dryRun: boolean,
  ): Promise<{ ids: string[]; freedBytes: number }> {
    return await this.engine.prune(filter, olderThanMs, dryRun, somebody);
  }

  async stopAll(graceMs: number | null): Promise<void> {
    await this.engine.stopAll(graceMs, somebody);
  }

  info(): ReturnType<ProcessEngine["info"]> {
    return this.engine.info();
  }

  async close(): Promise<void> {
    await this.engine.close();
  }
}

export interface Stopped {
  readonly process: Shown;
  readonly receipt: StopReceipt;
  readonly stopped: boolean;
  readonly survivors: StopReceipt["survivors"];
}

export interface Listed {
  readonly processes: readonly Shown[];
  readonly nextPageToken: string;
  readonly resourceVersion: string;
  readonly totalSize: number;
}

function place({ run, start }: { readonly run: number; readonly start: Begin }): {
  readonly run: number | null;
  readonly start: OutputStart;
  readonly until: null;
} {
  const first = { kind: "offset", offset: 0 } as const;
  const begin: OutputStart =
    start.kind === "since" ? { position: first, since: start.time } : { position: start, since: null };
  return { run: run === 0 ? null : run, start: begin, until: null };
}

/** A private runtime directory; the test leaves neither it nor a process behind. */
export function runtimeDirectory(): string {
  const base = mkdtempSync(join(tmpdir(), "pm-engine-"));
  const directory = join(base, "run");
  prepareRuntimeDirectory(directory);
  onTestFinished(async () => {
    await emptyDirectory(directory);
    rmSync(base, { recursive: true, force: true });
  });
  return directory;
}

/** Ends and removes whatever processes a runtime directory has. */
export async function emptyDirectory(directory: string): Promise<void> {
  const bench = new Bench(await openEngine({ runtimeDir: directory, shimPath, cgroupRoot: null }));
  try {
    await bench.stopAll(0);
    for (const { id } of (await bench.list(everything, { size: 10_000, token: "" })).processes) {
      await bench.remove(id, true).catch(() => {});
    }
  } finally {
    await bench.close();
  }
}

/** An engine that closes with the test, before its directory is cleaned. */
export async function open(options: Partial<EngineOptions> = {}): Promise<Bench> {
  const engine = await openEngine({
    runtimeDir: options.runtimeDir ?? runtimeDirectory(),
    shimPath,
    cgroupRoot: null,
    environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/" },
    ...options,
  });
  onTestFinished(() => engine.close());
  return new Bench(engine);
}

export function spec(executable: string, args: readonly string[] = [], more: More = {}): Wanted {
  const { env = {}, outputLimitBytes = 0, ...rest } = more;
  return {
    ...plainSpec(executable, args),
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    name: "",
    labels: {},
    output: { limitBytes: outputLimitBytes, whenFull: "dropOldest" },
    ...rest,
  };
}

export function shell(script: string, more: More = {}): Wanted {
  return spec("sh", ["-c", script], more);
}

export async function start(bench: Bench, wanted: Wanted, id = ""): Promise<Shown & { readonly pid: number }> {
  const { process } = await bench.start({ id, spec: wanted });
  // What has ended at once has none.
  return { ...process, pid: process.pid ?? 0 };
}

/** Starts a process and waits until nothing of it is left and its output is complete. */
export async function complete(bench: Bench, wanted: Wanted): Promise<Shown> {
  const { id } = await start(bench, wanted);
  await bench.wait(id, "treeGone", 0, limit());
  return await bench.wait(id, "outputComplete", 0, limit());
}

export async function text(bench: Bench, id: string, run = 0): Promise<string> {
  const read = await bench.readOutput(id, {
    run,
    start: { kind: "offset", offset: 0 },
    streams: [],
    maxBytes: 4 * 1024 * 1024,
  });
  return Buffer.concat(read.chunks.map(({ data }) => data)).toString("utf8");
}

export function stream(
  bench: Bench,
  id: string,
  options: Partial<Following> = {},
  signal: AbortSignal = limit(),
): AsyncIterable<OutputFrame> {
  const given = { run: 0, streams: [], follow: true, heartbeatMs: 15_000, ...options };
  return bench.streamOutput(id, { start: { kind: "offset", offset: 0 }, ...given }, signal);
}

/** Waits until a process has written this text. */
export async function untilOutput(bench: Bench, id: string, wanted: string): Promise<void> {
  let seen = "";
  for await (const frame of stream(bench, id)) {
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

/** The process id of a process's parent: of a main process, its shim. */
export function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
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

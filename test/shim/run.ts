import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { sendControl } from "../../src/server/engine/shim/control.ts";
import { EventFifo, type ShimEvent } from "../../src/server/engine/shim/events.ts";
import { Control } from "../../src/server/engine/shim/layout.ts";
import { type RunPaths, runPaths, runtimePaths } from "../../src/server/engine/shim/paths.ts";
import { Ring, type RingChunk } from "../../src/server/engine/shim/ring.ts";
import type { RingHeader } from "../../src/server/engine/shim/ring-header.ts";
import { type ByteString, encodeSpec, type ShimSpec } from "../../src/server/engine/shim/spec.ts";
import { type ShimFailure, Zygote } from "../../src/server/engine/shim/zygote.ts";

export const shimPath = process.env["PM_TEST_SHIM"] ?? join(import.meta.dirname, "../../dist/pm-shim");

const PATH = process.env["PATH"] ?? "/usr/bin:/bin";
const LIMIT_MS = 90_000;
vi.setConfig({ testTimeout: 2 * LIMIT_MS, hookTimeout: 2 * LIMIT_MS });

export interface Gone {
  readonly pid: number;
  readonly failure: ShimFailure | null;
}

/** Rejects after the suite's general limit, so that a hang names what it waited for. */
async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), LIMIT_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For states of the system that no event tells. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`waited too long for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Whether a process is there and not a zombie. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3));
  } catch {
    return false;
  }
}

/** The zygote that is this process's child in `dir`; NaN: none. */
export function zygotePid(dir: string): number {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, "utf8") === "pm-zygote\n" && readlinkSync(`/proc/${pid}/cwd`) === dir;
      } catch {
        return false;
      }
    });
  return Number(found);
}

/** A daemon reduced to what a shim sees of it. */
export class Bench {
  readonly dir: string;
  readonly warnings: string[] = [];
  readonly kinds: ShimEvent[] = [];
  readonly zygote: Zygote;
  readonly #gone = new Map<string, PromiseWithResolvers<Gone>>();
  readonly #runs = new Map<string, Run>();
  readonly #waiters = new Set<() => void>();
  #fifo: EventFifo | null = null;
  #abandoned = false;

  private constructor(dir: string, shim: string) {
    this.dir = dir;
    this.zygote = new Zygote({
      shimPath: shim,
      runtimeDir: dir,
      startLimitMs: 60_000,
      onGone: (uuid, run, pid, failure) => this.#answer(uuid, run).resolve({ pid, failure }),
      onWarning: (message) => this.warnings.push(message),
    });
  }

  static async open(
    options: { dir?: string; shim?: string; listen?: boolean; prepare?: (dir: string) => void } = {},
  ): Promise<Bench> {
    const dir = options.dir ?? mkdtempSync(join(tmpdir(), "pm-shim-"));
    options.prepare?.(dir);
    const bench = new Bench(dir, options.shim ?? shimPath);
    await within("the zygote", bench.zygote.ready());
    if (options.listen !== false) {
      bench.listen();
    }
    return bench;
  }

  listen(): void {
    this.#fifo = new EventFifo(
      runtimePaths(this.dir).events,
      (event) => {
        this.kinds.push(event);
        this.wake();
      },
      (error) => this.warnings.push(String(error)),
    );
  }

  wake(): void {
    for (const waiter of [...this.#waiters]) {
      waiter();
    }
  }

  #answer(uuid: string, run: number): PromiseWithResolvers<Gone> {
    const key = `${uuid}/${run}`;
    const known = this.#gone.get(key) ?? Promise.withResolvers<Gone>();
    this.#gone.set(key, known);
    return known;
  }

  goneOf(uuid: string, run: number): Promise<Gone> {
    return within("the shim's end", this.#answer(uuid, run).promise);
  }

  gone(run: Run): Promise<Gone> {
    return this.goneOf(run.uuid, run.number);
  }

  /** Resolves when `condition` holds, looking again at every event. */
  async when(what: string, condition: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (condition()) {
          resolve();
        }
      } catch (error) {
        reject(error);
      }
    };
    this.#waiters.add(look);
    look();
    try {
      await within(what, promise);
    } finally {
      this.#waiters.delete(look);
    }
  }

  async start(args: readonly string[], options: Partial<ShimSpec> = {}): Promise<Run> {
    return this.launch(this.prepare(args, options));
  }

  /** The first argument is the path. */
  startBytes(args: readonly ByteString[], options: Partial<ShimSpec> = {}): Promise<Run> {
    return this.launch(this.prepare(["/"], { paths: args.slice(0, 1), ...options, args }));
  }

  /** Writes a spec; its UUID, for `launch`. */
  prepare(args: readonly string[], options: Partial<ShimSpec> = {}): string {
    return this.prepareWith(() => this.spec(args, options));
  }

  /** The same for a spec that depends on where the run is. */
  prepareWith(specAt: (paths: RunPaths) => ShimSpec): string {
    const uuid = randomUUID();
    const paths = runPaths(this.dir, uuid, 1);
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    writeFileSync(paths.spec, encodeSpec(specAt(paths)), { mode: 0o600 });
    return uuid;
  }

  spec(args: readonly string[], options: Partial<ShimSpec> = {}): ShimSpec {
    const name = args[0] ?? "";
    return {
      outputLimit: 1 << 20,
      holdMs: 0,
      stdin: "null",
      terminal: null,
      rlimits: [],
      umask: 0o022,
      nice: null,
      oomScoreAdj: null,
      notify: false,
      cwd: "/",
      cgroup: "",
      paths: name.includes("/") ? [name] : PATH.split(":").map((dir) => join(dir, name)),
      env: [`PATH=${PATH}`, "A=b c"],
      args,
      ...options,
    };
  }

  async launch(uuid: string): Promise<Run> {
    const paths = runPaths(this.dir, uuid, 1);
    const pid = await within("FORKED", this.zygote.start(uuid, 1));
    const run = new Run(this, uuid, paths, pid);
    this.#runs.set(uuid, run);
    return run;
  }

  sh(script: string, options: Partial<ShimSpec> = {}): Promise<Run> {
    return this.start(["sh", "-c", script], options);
  }

  /** Ends as a daemon does: processes and files stay. */
  abandon(): void {
    this.#abandoned = true;
    this.#fifo?.close();
    this.zygote.close();
    this.#runs.clear();
  }

  /** Takes over a run of an abandoned bench. */
  adopt(run: Run, shimStart: bigint): void {
    run.bench = this;
    this.#runs.set(run.uuid, run);
    this.zygote.adopt(run.uuid, run.number, run.shimPid, shimStart);
  }

  /** Kills what is left and removes everything. */
  async close(): Promise<void> {
    if (this.#abandoned) {
      return;
    }
    for (const run of this.#runs.values()) {
      run.destroy();
    }
    await Promise.all([...this.#runs.values()].map((run) => until("shims to end", () => !alive(run.shimPid))));
    this.#fifo?.close();
    this.zygote.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class Run {
  readonly number = 1;
  bench: Bench;
  readonly uuid: string;
  readonly paths: RunPaths;
  readonly shimPid: number;
  #ring: Ring | null = null;
  #seq = 0;

  constructor(bench: Bench, uuid: string, paths: RunPaths, shimPid: number) {
    this.bench = bench;
    this.uuid = uuid;
    this.paths = paths;
    this.shimPid = shimPid;
  }

  ring(): Ring {
    this.#ring ??= Ring.open(this.paths.ring);
    return this.#ring;
  }

  async header(what: string, condition: (header: RingHeader) => boolean): Promise<RingHeader> {
    await this.bench.when(what, () => {
      try {
        this.ring().arm();
        return condition(this.ring().header());
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") {
          return false;
        }
        throw error;
      }
    });
    return this.ring().header();
  }

  running(): Promise<RingHeader> {
    return this.header("running", (h) => h.state >= 2);
  }

  done(): Promise<RingHeader> {
    return this.header("done", (h) => h.done);
  }

  /** Waits until the output kept contains `text`; the match. */
  async says(text: RegExp): Promise<RegExpMatchArray> {
    let match: RegExpMatchArray | null = null;
    await this.header(`output ${text}`, (h) => {
      match = this.text().match(text);
      if (!match && h.done) {
        throw new Error(`ended without ${text}: ${JSON.stringify(this.text())}`);
      }
      return match !== null;
    });
    if (!match) {
      throw new Error(`lost ${text}`);
    }
    return match;
  }

  chunks(from = 0): RingChunk[] {
    const chunks: RingChunk[] = [];
    for (let at = from; ; ) {
      const read = this.ring().read(at, 1 << 18);
      chunks.push(...read.chunks);
      if (read.nextOffset === at) {
        return chunks;
      }
      at = read.nextOffset;
    }
  }

  output(stream?: number): Buffer {
    return Buffer.concat(
      this.chunks()
        .filter((chunk) => stream === undefined || chunk.stream === stream)
        .map((chunk) => chunk.data),
    );
  }

  text(stream?: number): string {
    return this.output(stream).toString("latin1");
  }

  sha256(): string {
    return createHash("sha256").update(this.output()).digest("hex");
  }

  /** Sends a message and waits for its acknowledgement; the errno. */
  async control(type: number, a = 0, b = 0, value = 0): Promise<number> {
    const seq = ++this.#seq;
    sendControl(this.paths.control, { type, seq, a, b, value });
    const header = await this.header("an acknowledgement", (h) => h.controlSeq === seq || h.done);
    return header.controlErrno;
  }

  destroy(): void {
    try {
      sendControl(this.paths.control, { type: Control.killTree, seq: 0xffff, a: 0, b: 0 });
      sendControl(this.paths.control, { type: Control.hold, seq: 0xfffd, a: 0, b: 0 });
      sendControl(this.paths.control, { type: Control.release, seq: 0xfffe, a: 0, b: 0 });
    } catch {
      // Gone already.
    }
    this.#ring?.close();
    this.#ring = null;
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { Reply, Request, replyLayout, requestLayout } from "./layout.ts";
import { runPaths, runtimePaths } from "./paths.ts";
import { type ProbeOptions, type ProbeOutcome, Probes } from "./probes.ts";
import { Ring } from "./ring.ts";
import type { ShimSpec } from "./spec.ts";
import { hasCode } from "./system-error.ts";
import { uuidFromBytes, uuidToBytes } from "./uuid.ts";
import { ZygoteWatch } from "./zygote-watch.ts";

/** Why there is no ring: the failed step (prepare, shim or output) and its errno. */
export interface ShimFailure {
  readonly step: 1 | 2 | 3;
  readonly errno: number;
}

/** A start that did not even get a shim. */
export class ForkFailedError extends Error {
  override readonly name = "ForkFailedError";
  readonly failure: ShimFailure;

  constructor(failure: ShimFailure) {
    super(`the zygote could not fork a shim (errno ${failure.errno})`);
    this.failure = failure;
  }
}

/** No zygote has taken a start in time. It will not be carried out later either, unless its shim was forked already. */
export class ZygoteUnresponsiveError extends Error {
  override readonly name = "ZygoteUnresponsiveError";

  constructor(afterMs: number) {
    super(`no helper process (zygote) took the start within ${afterMs / 1000} s`);
  }
}

export interface ZygoteOptions {
  readonly shimPath: string;
  readonly runtimeDir: string;
  /**
   * A shim has exited, having finished or not: the ring says. `failure` is null
   * unless the shim could not publish a ring at all.
   */
  readonly onGone: (uuid: string, run: number, pid: number, failure: ShimFailure | null) => void;
  /** What an operator should know: the zygote died, could not start, or wrote to stderr. */
  readonly onWarning: (message: string) => void;
  /** Milliseconds that a start may wait for a zygote. */
  readonly startLimitMs: number;
  /** Milliseconds that a zygote may be silent while a start waits, until it is replaced. Default: 10 seconds. */
  readonly silenceLimitMs?: number;
}

interface Shim {
  readonly uuid: string;
  readonly run: number;
  pid: number;
  /** Clock ticks since boot; 0n: forked by us, to be looked up in the ring. */
  start: bigint;
}

/** The fields of `struct pm_request`; what a type does not use is 0. */
interface RequestFields {
  readonly uuid: string;
  readonly run?: number;
  readonly pid?: number;
  readonly start?: bigint;
  readonly timeoutMs?: number;
}

/** Whose a run is, as its ring says. */
interface Published {
  readonly shimPid: number;
  readonly shimStart: bigint;
}

interface PendingStart {
  readonly uuid: string;
  readonly run: number;
  readonly promise: Promise<number>;
  readonly resolve: (pid: number) => void;
  readonly reject: (error: Error) => void;
}

const FIRST_BACKOFF_MS = 10;
const LAST_BACKOFF_MS = 2_000;
/** A zygote that lived this long was healthy. */
const HEALTHY_MS = 5_000;

function key(uuid: string, run: number): string {
  return `${uuid}/${run}`;
}

/**
 * The process that forks shims. When it dies another takes its place: starts
 * in flight are sent again, and it watches the shims that the dead one had.
 */
export class Zygote {
  readonly #options: ZygoteOptions;
  readonly #starts = new Map<string, PendingStart>();
  /** Every shim whose exit has not been reported yet. */
  readonly #shims = new Map<string, Shim>();
  #child: ChildProcess | null = null;
  #ready = Promise.withResolvers<void>();
  #isReady = false;
  #closed = false;
  #backoff = FIRST_BACKOFF_MS;
  #timer: NodeJS.Timeout | undefined;
  #outgoing: Buffer[] = [];
  readonly #probes: Probes;
  readonly #watch: ZygoteWatch;

  constructor(options: ZygoteOptions) {
    this.#options = options;
    this.#probes = new Probes(options.runtimeDir, {
      run: (id, timeoutMs) => this.#send(Request.probe, { uuid: id, timeoutMs }),
      cancel: (id) => this.#send(Request.cancel, { uuid: id }),
      onOverdue: () => this.#watch.begin(),
    });
    this.#watch = new ZygoteWatch({
      lockPath: runtimePaths(options.runtimeDir).zygoteLock,
      pid: () => this.#child?.pid ?? null,
      ready: () => this.#isReady,
      owes: () => this.#starts.size > 0 || this.#probes.overdue,
      onWarning: options.onWarning,
      ...(options.silenceLimitMs === undefined ? {} : { patienceMs: options.silenceLimitMs }),
    });
    this.#ready.promise.catch(() => {});
    this.#spawn();
  }

  /** Resolves when a zygote serves; rejects when closed. Waits through respawns. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Forks a shim for a run whose spec file exists. Asking again before `onGone`
   * answers the same shim.
   *
   * @returns the shim's process id. What becomes of the run is told by its ring
   * and by `onGone`.
   * @throws ForkFailedError; ZygoteUnresponsiveError; RingUnreadableError or
   * RingVersionError if the run has a ring that cannot be read; Error when closed.
   */
  start(uuid: string, run: number): Promise<number> {
    if (this.#closed) {
      return Promise.reject(new Error("the zygote is closed"));
    }
    const id = key(uuid, run);
    const known = this.#starts.get(id)?.promise ?? this.#shims.get(id)?.pid;
    if (known !== undefined) {
      return Promise.resolve(known);
    }
    const pending = { uuid, run, ...Promise.withResolvers<number>() };
    this.#starts.set(id, pending);
    if (this.#isReady) {
      this.#send(Request.start, { uuid, run });
    }
    const { startLimitMs: limitMs } = this.#options;
    const timer = setTimeout(() => {
      if (this.#starts.get(id) === pending) this.#starts.delete(id);
      pending.reject(new ZygoteUnresponsiveError(limitMs));
    }, limitMs);
    const done = () => clearTimeout(timer);
    pending.promise.then(done, done);
    this.#watch.begin();
    return pending.promise;
  }

  /**
   * Watches a shim that an earlier daemon's zygote forked; calls `onGone` soon if
   * it is not there. Without a descriptor to watch it by, warns.
   */
  adopt(uuid: string, run: number, pid: number, shimStart: bigint): void {
    this.#shims.set(key(uuid, run), { uuid, run, pid, start: shimStart });
    if (this.#isReady) {
      this.#send(Request.adopt, { uuid, run, pid, start: shimStart });
    }
  }

  /**
   * Runs a command to see how a process fares: `spec` says how, its limit of
   * output, its terminal and its standard input are ignored. At most 64 run at
   * once; more wait for their turn, in which their time does not run yet. When
   * the command ends, or its time is up, nothing of its tree is left.
   *
   * @throws the signal's reason if it is aborted, the command is then killed;
   * ProbeLostError if the zygote died meanwhile; Error when closed; a Node
   * system error if the spec cannot be written.
   */
  probe(spec: ShimSpec, options: ProbeOptions): Promise<ProbeOutcome> {
    return this.#probes.run(spec, options);
  }

  /**
   * A run was removed whose shim has finished, or is about to: what becomes of
   * that shim concerns nobody, and least of all a new run of the same name.
   */
  forget(uuid: string, run: number): void {
    this.#shims.delete(key(uuid, run));
  }

  /** Lets the zygote exit. Shims and processes live on. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch.close();
    const error = new Error("the zygote is closed");
    this.#probes.close(error);
    this.#ready.reject(error);
    for (const pending of this.#starts.values()) {
      pending.reject(error);
    }
    this.#starts.clear();
    this.#shims.clear();
    // One that somebody stopped would keep the lock from the next.
    this.#child?.kill("SIGCONT");
    this.#child?.stdin?.destroy();
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    this.#child?.unref();
  }

  #spawn(): void {
    const spawnedAt = performance.now();
    let child: ChildProcess;
    try {
      child = spawn(this.#options.shimPath, ["zygote"], {
        cwd: this.#options.runtimeDir,
        detached: true,
        env: {},
        stdio: ["pipe", "pipe", "pipe"],
      });
    } catch (error) {
      // Most errors come as an event, but not all: ENOMEM is thrown.
      this.#onEnd(String(error), 0);
      return;
    }
    this.#child = child;
    this.#watch.begin();
    let rest: Buffer = Buffer.alloc(0);
    // Without descriptors to spare (EMFILE) Node makes no streams at all.
    child.stdout?.on("data", (data: Buffer) => {
      const bytes = rest.length > 0 ? Buffer.concat([rest, data]) : data;
      let at = 0;
      while (at + replyLayout.size <= bytes.length) {
        const end = at + replyLayout.size + bytes.readUInt32LE(at + replyLayout.length);
        if (end > bytes.length) {
          break;
        }
        this.#onReply(bytes.subarray(at, end));
        at = end;
      }
      rest = Buffer.from(bytes.subarray(at));
    });
    child.stderr?.on("data", (data: Buffer) => this.#options.onWarning(data.toString("utf8").trim()));
    // Writing to a zygote that has just died: "close" follows and puts it right.
    child.stdin?.on("error", () => {});
    let ended = false;
    const onEnd = (reason: string): void => {
      if (ended) {
        return;
      }
      ended = true;
      this.#onEnd(reason, performance.now() - spawnedAt);
    };
    child.on("error", (error) => onEnd(error.message));
    child.on("close", (code, signal) => onEnd(signal ? `it was ended by ${signal}` : `it exited with ${code}`));
  }

  #onEnd(reason: string, livedMs: number): void {
    this.#child = null;
    if (this.#closed) {
      return;
    }
    this.#outgoing = [];
    this.#probes.onZygoteGone();
    if (this.#isReady) {
      this.#isReady = false;
      this.#ready = Promise.withResolvers<void>();
      this.#ready.promise.catch(() => {});
    }
    this.#backoff = livedMs > HEALTHY_MS ? FIRST_BACKOFF_MS : Math.min(this.#backoff * 2, LAST_BACKOFF_MS);
    this.#options.onWarning(`the zygote is gone: ${reason}; starting another in ${this.#backoff} ms`);
    this.#timer = setTimeout(() => this.#spawn(), this.#backoff);
  }

  #onReply(reply: Buffer): void {
    if (this.#closed) {
      return;
    }
    this.#watch.heard();
    const run = reply.readUInt32LE(replyLayout.run);
    const uuid = uuidFromBytes(reply, replyLayout.uuid);
    const pid = reply.readUInt32LE(replyLayout.pid);
    const errno = reply.readInt32LE(replyLayout.error);
    const step = reply.readUInt32LE(replyLayout.step) as ShimFailure["step"];
    const id = key(uuid, run);
    const pending = this.#starts.get(id);
    switch (reply.readUInt32LE(replyLayout.type)) {
      case Reply.ready:
        this.#onReady();
        break;
      case Reply.forked:
        this.#shims.set(id, { uuid, run, pid, start: 0n });
        this.#starts.delete(id);
        pending?.resolve(pid);
        break;
      case Reply.failed:
        if (pending) {
          this.#starts.delete(id);
          pending.reject(new ForkFailedError({ step, errno }));
        } else {
          this.#options.onWarning(`cannot watch the shim ${pid} of process ${uuid} (errno ${errno})`);
        }
        break;
      case Reply.gone:
        if (this.#shims.get(id)?.pid === pid) {
          this.#shims.delete(id);
          this.#options.onGone(uuid, run, pid, errno === 0 ? null : { step, errno });
        }
        break;
      case Reply.probed:
        this.#probes.onReply(uuid, reply);
        break;
    }
  }

  /**
   * The new zygote holds the lock: no older one lives, and no shim is between
   * making its ring and publishing it.
   */
  #onReady(): void {
    this.#isReady = true;
    for (const shim of [...this.#shims.values()]) {
      if (shim.start === 0n) {
        this.#adoptForked(shim);
      } else {
        this.#send(Request.adopt, shim);
      }
    }
    for (const pending of [...this.#starts.values()]) {
      this.#resend(pending);
    }
    this.#probes.onZygoteReady();
    this.#ready.resolve();
  }

  /** A shim that the dead zygote forked: what its ring says counts. */
  #adoptForked(shim: Shim): void {
    let published: Published | null = null;
    try {
      published = this.#published(shim.uuid, shim.run);
    } catch (error) {
      this.#options.onWarning(`cannot read the ring of process ${shim.uuid}: ${String(error)}`);
    }
    if (published?.shimPid === shim.pid) {
      shim.start = published.shimStart;
      this.#send(Request.adopt, shim);
    } else {
      this.#shims.delete(key(shim.uuid, shim.run));
      this.#options.onGone(shim.uuid, shim.run, shim.pid, null);
    }
  }

  /** A start whose answer the dead zygote did not give: it may have forked or not. */
  #resend(pending: PendingStart): void {
    const { uuid, run } = pending;
    let published: Published | null;
    try {
      published = this.#published(uuid, run);
    } catch (error) {
      // Its shim may live: nothing is removed, and nothing is started beside it.
      this.#starts.delete(key(uuid, run));
      pending.reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (published) {
      this.#starts.delete(key(uuid, run));
      this.adopt(uuid, run, published.shimPid, published.shimStart);
      pending.resolve(published.shimPid);
      return;
    }
    // A shim that died before it published left a file in the way of the next.
    const paths = runPaths(this.#options.runtimeDir, uuid, run);
    for (const path of [paths.ring, paths.control, paths.stdin]) {
      rmSync(path, { force: true });
    }
    this.#send(Request.start, { uuid, run });
  }

  /** @throws what Ring throws, but for a ring that does not exist. */
  #published(uuid: string, run: number): Published | null {
    try {
      const ring = Ring.open(runPaths(this.#options.runtimeDir, uuid, run).ring);
      try {
        const header = ring.header();
        return header.published ? header : null;
      } finally {
        ring.close();
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) {
        throw error;
      }
      return null;
    }
  }

  #send(type: number, request: RequestFields): void {
    const bytes = Buffer.alloc(requestLayout.size);
    bytes.writeUInt32LE(type, requestLayout.type);
    bytes.writeUInt32LE(request.run ?? 0, requestLayout.run);
    uuidToBytes(request.uuid).copy(bytes, requestLayout.uuid);
    bytes.writeBigUInt64LE(request.start ?? 0n, requestLayout.shim_start);
    bytes.writeUInt32LE(request.pid ?? 0, requestLayout.shim_pid);
    bytes.writeUInt32LE(request.timeoutMs ?? 0, requestLayout.timeout_ms);
    this.#outgoing.push(bytes);
    // What is asked for in one go is one write: a recovery adopts thousands.
    if (this.#outgoing.length === 1) {
      queueMicrotask(() => {
        this.#child?.stdin?.write(Buffer.concat(this.#outgoing));
        this.#outgoing = [];
      });
    }
  }
}

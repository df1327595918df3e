import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE, PROBES_MOST, ProbeFlag, replyLayout, type StepNumber } from "./layout.ts";
import { runtimePaths } from "./paths.ts";
import { encodeSpec, type ShimSpec } from "./spec.ts";

export interface ProbeOptions {
  /** At most this long, from the moment at which its turn came; at least 1. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How a probe's command ended. */
export interface ProbeOutcome {
  /** Its exit code; null: it was killed by `signal`, or could not be executed. */
  readonly code: number | null;
  readonly signal: number | null;
  /** It was killed because its time was up; `signal` then says by what, if it had not just ended. */
  readonly timedOut: boolean;
  /** Why it could not be executed; null: it was. */
  readonly failure: { readonly step: StepNumber; readonly errno: number } | null;
  /** The first 4 KiB of what it wrote to standard output and standard error. */
  readonly output: Buffer;
  /** There was more. */
  readonly truncated: boolean;
}

/** The zygote died while a probe was under way: nothing is known of its outcome. */
export class ProbeLostError extends Error {
  override readonly name = "ProbeLostError";

  constructor() {
    super("the zygote died while a probe was running");
  }
}

/** How probes reach the zygote. */
interface ProbeRequests {
  run(id: string, timeoutMs: number): void;
  cancel(id: string): void;
  /** One has had its time and more, and nothing was heard of it. */
  onOverdue(): void;
}

interface Probe {
  readonly id: string;
  readonly spec: Buffer;
  readonly timeoutMs: number;
  readonly resolve: (outcome: ProbeOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** How much longer than its time-out a probe may take until its zygote is looked after, in milliseconds. */
const slackMs = 2_000;

/** The probes that are under way or wait for their turn. */
export class Probes {
  readonly #directory: string;
  readonly #requests: ProbeRequests;
  readonly #running = new Map<string, Probe>();
  /** In the order in which they came. */
  readonly #waiting = new Map<string, Probe>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #overdue = new Set<string>();
  #isReady = false;
  #closed: Error | null = null;

  constructor(runtimeDir: string, requests: ProbeRequests) {
    this.#directory = runtimePaths(runtimeDir).probes;
    this.#requests = requests;
  }

  get overdue(): boolean {
    return this.#overdue.size > 0;
  }

  async run(spec: ShimSpec, options: ProbeOptions): Promise<ProbeOutcome> {
    options.signal.throwIfAborted();
    if (this.#closed !== null) {
      throw this.#closed;
    }
    const { promise, resolve, reject } = Promise.withResolvers<ProbeOutcome>();
    const id = randomUUID();
    const plain: ShimSpec = { ...spec, outputLimit: PAGE, holdMs: 0, stdin: "null", terminal: null, notify: false };
    const timeoutMs = Math.min(Math.max(1, Math.round(options.timeoutMs)), 0xffff_ffff);
    this.#waiting.set(id, { id, spec: encodeSpec(plain), timeoutMs, resolve, reject });
    const onAbort = () => this.#cancel(id, options.signal.reason);
    options.signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#launch();
      return await promise;
    } finally {
      options.signal.removeEventListener("abort", onAbort);
    }
  }

  /** A reply of type `Reply.probed`, with the output behind it. */
  onReply(id: string, reply: Buffer): void {
    const probe = this.#running.get(id);
    if (probe === undefined) {
      return;
    }
    this.#finish(id);
    const errno = reply.readInt32LE(replyLayout.error);
    const step = reply.readUInt32LE(replyLayout.step) as StepNumber;
    const status = reply.readInt32LE(replyLayout.wait_status);
    const flags = reply.readUInt32LE(replyLayout.flags);
    const signal = status & 0x7f;
    probe.resolve({
      code: errno === 0 && signal === 0 ? (status >> 8) & 0xff : null,
      signal: errno === 0 && signal !== 0 ? signal : null,
      timedOut: (flags & ProbeFlag.timedOut) !== 0,
      failure: errno === 0 ? null : { step, errno },
      output: Buffer.from(reply.subarray(replyLayout.size)),
      truncated: (flags & ProbeFlag.cut) !== 0,
    });
    this.#launch();
  }

  /** Nothing is left of an earlier daemon's probes either: a zygote's end kills them. */
  onZygoteReady(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory, { mode: 0o700 });
    this.#isReady = true;
    this.#launch();
  }

  onZygoteGone(): void {
    this.#isReady = false;
    for (const probe of [...this.#running.values()]) {
      this.#finish(probe.id);
      probe.reject(new ProbeLostError());
    }
  }

  close(error: Error): void {
    this.#closed = error;
    for (const probe of [...this.#running.values(), ...this.#waiting.values()]) {
      this.#finish(probe.id);
      probe.reject(error);
    }
    this.#waiting.clear();
  }

  #launch(): void {
    while (this.#isReady && this.#running.size < PROBES_MOST) {
      const [probe] = this.#waiting.values();
      if (probe === undefined) {
        return;
      }
      this.#waiting.delete(probe.id);
      try {
        writeFileSync(join(this.#directory, probe.id), probe.spec, { mode: 0o600, flag: "wx" });
      } catch (error) {
        probe.reject(error);
        continue;
      }
      this.#running.set(probe.id, probe);
      this.#requests.run(probe.id, probe.timeoutMs);
      const onLate = () => {
        this.#overdue.add(probe.id);
        this.#requests.onOverdue();
      };
      this.#timers.set(probe.id, setTimeout(onLate, Math.min(probe.timeoutMs + slackMs, 0x7fff_ffff)));
    }
  }

  /** One that runs keeps its place until the zygote has said that it is over. */
  #cancel(id: string, reason: unknown): void {
    const running = this.#running.get(id);
    if (running !== undefined) {
      this.#requests.cancel(id);
      running.reject(reason);
    }
    this.#waiting.get(id)?.reject(reason);
    this.#waiting.delete(id);
  }

  #finish(id: string): void {
    this.#running.delete(id);
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#overdue.delete(id);
    rmSync(join(this.#directory, id), { force: true });
  }
}

import type { Cause } from "../../engine/api/cause.ts";
import type { Probe } from "../../engine/api/policy.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import type { NotifyMessage, Supervision, SupervisionEventType } from "../../engine/api/supervision.ts";
import type { Ground } from "../ground.ts";
import { same } from "../project/changes.ts";
import { seeded } from "../restart/random.ts";
import { causeOf, eventOf, forRun, keptOf, policyOf } from "../status.ts";
import { type ActiveCheck, runCheck } from "./check.ts";
import { afterCheck, intervalMs, type ProbeState, timeoutMs, unprobed } from "./machine.ts";
import { compilePattern } from "./pattern.ts";
import { Slots } from "./slots.ts";

/** Commands at a time: each is a fork and an execution of some program. */
const maxCommands = 32;
const maxConnections = 256;
const maxTextLength = 1024;
const maxLineBytes = 64 * 1024;
const memoryIntervalMs = 5000;

type Which = "readiness" | "liveness";

interface Watched {
  readonly id: string;
  readonly run: number;
  readonly ending: AbortController;
  readonly states: Record<Which, ProbeState>;
  readonly probes: Record<Which, Probe | null>;
}

/** Asks that supervision stops a run: a probe failed, or a limit is exceeded. */
export type StopRun = (id: string, run: number, cause: Cause) => void;

/** Watches the runs that are under way: probes, the longest time, memory. */
export class Prober {
  readonly #ground: Ground;
  readonly #stopRun: StopRun;
  readonly #watched = new Map<string, Watched>();
  readonly #memoryBound = new Map<string, number>();
  readonly #commands = new Slots(maxCommands);
  readonly #connections = new Slots(maxConnections);

  constructor(ground: Ground, stopRun: StopRun) {
    this.#ground = ground;
    this.#stopRun = stopRun;
  }

  /** Takes note of what a process has become. */
  update(process: ProcessInfo): void {
    const { id, run } = process;
    const policy = policyOf(process);
    const runs = run.number > 0 && run.state === "running" && run.startTime !== null;
    const current = this.#watched.get(id);
    if (!runs) {
      if (current !== undefined) {
        this.remove(id);
      }
      return;
    }
    const probes = { readiness: policy.readiness, liveness: policy.liveness };
    if (current === undefined || current.run !== run.number || !same(current.probes, probes)) {
      this.remove(id);
      this.#begin(process, probes);
    }
    this.#boundTime(process);
    this.#boundMemory(process);
  }

  remove(id: string): void {
    const watched = this.#watched.get(id);
    watched?.ending.abort();
    this.#watched.delete(id);
    this.#memoryBound.delete(id);
    for (const what of ["readiness", "liveness", "longest"]) {
      this.#ground.timers.clear(`${what}/${id}`);
    }
  }

  close(): void {
    for (const id of [...this.#watched.keys()]) {
      this.remove(id);
    }
  }

  notified(message: NotifyMessage): void {
    const watched = this.#watched.get(message.id);
    if (watched === undefined || watched.run !== message.run) {
      return;
    }
    if (message.status !== null) {
      const notifyStatus = message.status.slice(0, maxTextLength);
      this.#change(watched, (kept) => ({ ...kept, notifyStatus }), null, causeOf("probe", "notify"));
    }
    const { readiness, liveness } = watched.probes;
    if (readiness?.check.kind === "notify" && (message.ready || message.stopping)) {
      // What it says of itself needs no threshold.
      watched.states.readiness = { ...unprobed, verdict: message.ready && !message.stopping ? "passing" : "failing" };
      this.#publish(watched, "readiness", message.stopping ? "it is stopping" : "");
    }
    if (liveness?.check.kind === "notify" && message.watchdog !== null) {
      watched.states.liveness = { ...unprobed, verdict: "passing" };
      this.#publish(watched, "liveness", "");
      this.#armWatchdog(watched, liveness, message.watchdog);
    }
  }

  #begin(process: ProcessInfo, probes: Watched["probes"]): void {
    const { id, run } = process;
    const kept = keptOf(process);
    if (probes.readiness === null && probes.liveness === null) {
      if (kept.run !== run.number && process.supervision !== undefined) {
        this.#set(process, forRun(kept, run.number, policyOf(process)), null, causeOf("probe", ""));
      }
      return;
    }
    // What an earlier daemon found of this run still counts, until a check says otherwise.
    const known = kept.run === run.number;
    const watched: Watched = {
      id,
      run: run.number,
      ending: new AbortController(),
      probes,
      states: {
        readiness:
          known && kept.readiness === "ready" ? { ...unprobed, verdict: "passing", succeeded: true } : unprobed,
        liveness: known && kept.health === "healthy" ? { ...unprobed, verdict: "passing", succeeded: true } : unprobed,
      },
    };
    this.#watched.set(id, watched);
    const fresh = known ? kept : forRun(kept, run.number, policyOf(process));
    const full: Supervision = {
      ...fresh,
      readiness: probes.readiness === null ? null : (fresh.readiness ?? "notReady"),
      health: probes.liveness === null ? null : (fresh.health ?? "unknown"),
    };
    if (!same(full, kept)) {
      this.#set(process, full, null, causeOf("probe", ""));
    }
    for (const which of ["readiness", "liveness"] as const) {
      const probe = probes[which];
      if (probe !== null) {
        this.#start(process, watched, which, probe);
      }
    }
  }

  #start(process: ProcessInfo, watched: Watched, which: Which, probe: Probe): void {
    switch (probe.check.kind) {
      case "notify":
        if (which === "liveness") {
          this.#armWatchdog(watched, probe);
        }
        break;
      case "output":
        if (watched.states[which].verdict !== "passing") {
          void this.#watchOutput(process, watched, which, probe.check.pattern);
        }
        break;
      default: {
        // Spread over the interval, so that what started together is not asked together; readiness is waited for.
        const delay =
          which === "readiness" ? 0 : Math.floor(intervalMs(probe, false) * seeded(`${which}/${watched.id}`));
        this.#schedule(watched, which, probe, delay);
      }
    }
  }

  #schedule(watched: Watched, which: Which, probe: Probe, delayMs: number): void {
    this.#ground.timers.set(`${which}/${watched.id}`, delayMs, () => {
      void this.#check(watched, which, probe);
    });
  }

  async #check(watched: Watched, which: Which, probe: Probe): Promise<void> {
    const { engine, now } = this.#ground;
    const check = probe.check as ActiveCheck;
    const slots = check.kind === "exec" ? this.#commands : this.#connections;
    const { signal } = watched.ending;
    const outcome = await slots.run(async () => {
      if (signal.aborted) {
        return null;
      }
      const process = this.#current(watched);
      if (process === null) {
        return null;
      }
      const started = Number((process.run.startTime ?? 0n) / 1_000_000n);
      const elapsedMs = Math.max(0, now() - started);
      return { ...(await runCheck(check, watched.id, timeoutMs(probe), engine, signal)), elapsedMs };
    });
    if (outcome === null || signal.aborted) {
      return;
    }
    watched.states[which] = afterCheck(probe, watched.states[which], outcome.success, outcome.elapsedMs);
    this.#publish(watched, which, outcome.message);
    // The interval begins when the check is over: a slow one is not asked again at once.
    const eager = which === "readiness" && !watched.states[which].succeeded;
    this.#schedule(watched, which, probe, intervalMs(probe, eager));
  }

  /** @param fedMs How many milliseconds ago it was fed. */
  #armWatchdog(watched: Watched, probe: Probe, fedMs = 0): void {
    const { timers } = this.#ground;
    const key = `liveness/${watched.id}`;
    const watchdogMs = probe.check.kind === "notify" ? (probe.check.watchdogMs ?? 0) : 0;
    const grace = watched.states.liveness.verdict === "passing" ? 0 : (probe.startPeriodMs ?? 0);
    timers.set(key, Math.max(watchdogMs - fedMs, grace), () => {
      // Being fed wakes nobody: to look is to hear of it, which arms this anew.
      if (this.#current(watched) === null || timers.has(key)) {
        return;
      }
      watched.states.liveness = { ...unprobed, verdict: "failing" };
      this.#publish(watched, "liveness", `no WATCHDOG=1 for ${watchdogMs} ms`);
    });
  }

  /** Follows the output of the run until a line matches. */
  async #watchOutput(process: ProcessInfo, watched: Watched, which: Which, pattern: string): Promise<void> {
    const { engine, log } = this.#ground;
    try {
      const expression = compilePattern(pattern);
      const frames = engine.streamOutput(
        { id: process.id },
        {
          run: watched.run,
          start: { position: { kind: "offset", offset: process.run.output.firstOffset }, since: null },
          streams: [],
          until: null,
          follow: true,
          heartbeatMs: 3_600_000,
          hold: null,
        },
        watched.ending.signal,
      );
      // A line of one stream may come in several pieces, with those of the other between them.
      const lines = new Map<string, Buffer>();
      for await (const frame of frames) {
        if (frame.kind === "gap") {
          lines.clear();
        }
        if (frame.kind !== "chunk") {
          continue;
        }
        const { stream, data } = frame.chunk;
        const buffer = Buffer.concat([lines.get(stream) ?? Buffer.alloc(0), data]);
        const parts = buffer.toString("latin1").split("\n");
        const rest = parts.pop() ?? "";
        // A prompt has no newline and counts as well.
        const found = [...parts, rest].some((line) =>
          expression.matcher(Buffer.from(line.slice(0, maxLineBytes), "latin1").toString("utf8")).find(),
        );
        if (found) {
          watched.states[which] = { ...unprobed, verdict: "passing", succeeded: true };
          this.#publish(watched, which, "");
          return;
        }
        lines.set(stream, Buffer.from(rest.slice(0, maxLineBytes), "latin1"));
      }
    } catch (error) {
      if (!watched.ending.signal.aborted) {
        log.warn({ err: error, process: process.id }, "cannot look for a pattern in the output");
      }
    }
  }

  /** Records what a probe has come to, and acts on it. */
  #publish(watched: Watched, which: Which, message: string): void {
    const { verdict } = watched.states[which];
    const cause = causeOf("probe", message);
    if (which === "readiness") {
      const readiness = verdict === "passing" ? "ready" : "notReady";
      const type = readiness === "ready" ? "ready" : "notReady";
      this.#change(
        watched,
        (kept) => ({ ...kept, readiness, probeMessage: message || kept.probeMessage }),
        type,
        cause,
      );
      return;
    }
    const health = verdict === "passing" ? "healthy" : verdict === "failing" ? "unhealthy" : "unknown";
    const type = health === "unhealthy" ? "unhealthy" : "healthy";
    this.#change(watched, (kept) => ({ ...kept, health, probeMessage: message || kept.probeMessage }), type, cause);
    if (verdict === "failing") {
      this.#stopRun(watched.id, watched.run, causeOf("probe", message === "" ? "unhealthy" : message));
    }
  }

  /** `type`: of the event, if readiness or health is what changed. */
  #change(
    watched: Watched,
    change: (kept: Supervision) => Supervision,
    type: SupervisionEventType | null,
    cause: Cause,
  ): void {
    const process = this.#current(watched);
    if (process === null) {
      return;
    }
    const kept = keptOf(process);
    const next = change(kept);
    if (!same(kept, next)) {
      const turned = kept.readiness !== next.readiness || kept.health !== next.health;
      this.#set(process, next, turned ? type : null, cause);
    }
  }

  #set(process: ProcessInfo, supervision: Supervision, type: SupervisionEventType | null, cause: Cause): void {
    try {
      const event = type === null ? null : eventOf(type);
      this.#ground.engine.setSupervision(process.id, process.run.number, { supervision, event, cause });
    } catch (error) {
      // It was removed, or another run has begun, between the look and the change.
      this.#ground.log.debug({ err: error, process: process.id }, "a probe's result came too late");
    }
  }

  #current(watched: Watched): ProcessInfo | null {
    try {
      const process = this.#ground.engine.get({ id: watched.id });
      return process.run.number === watched.run ? process : null;
    } catch {
      return null;
    }
  }

  #boundTime(process: ProcessInfo): void {
    const { timers, now } = this.#ground;
    const key = `longest/${process.id}`;
    const { maxRunMs } = policyOf(process);
    const { number, startTime } = process.run;
    if (maxRunMs === null || startTime === null) {
      timers.clear(key);
      return;
    }
    const elapsed = Math.max(0, now() - Number(startTime / 1_000_000n));
    timers.set(key, maxRunMs - elapsed, () => {
      this.#stopRun(process.id, number, causeOf("limit", `it ran longer than ${maxRunMs} ms`));
    });
  }

  #boundMemory(process: ProcessInfo): void {
    const bound = policyOf(process).restart?.memoryBytes ?? null;
    if (bound === null) {
      this.#memoryBound.delete(process.id);
      return;
    }
    this.#memoryBound.set(process.id, bound);
    if (!this.#ground.timers.has("memory")) {
      this.#ground.timers.set("memory", memoryIntervalMs, () => this.#sampleMemory());
    }
  }

  /** Only those that ask for it, and nobody if nobody does. */
  #sampleMemory(): void {
    if (this.#memoryBound.size === 0) {
      return;
    }
    const { engine, timers } = this.#ground;
    for (const [id, bytes] of engine.residentMemory([...this.#memoryBound.keys()])) {
      const bound = this.#memoryBound.get(id);
      if (bound !== undefined && bytes > bound) {
        this.#stopRun(id, engine.get({ id }).run.number, causeOf("limit", `${bytes} bytes of memory, above ${bound}`));
      }
    }
    timers.set("memory", memoryIntervalMs, () => this.#sampleMemory());
  }
}

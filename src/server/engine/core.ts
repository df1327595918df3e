import { randomInt } from "node:crypto";
import type { Cause } from "./api/cause.ts";
import type { ProcessRef, ProcessState } from "./api/process.ts";
import type { ExitStatus, StartFailure } from "./api/run.ts";
import type { SupervisionChange, SupervisionEventDetail, SupervisionHook } from "./api/supervision.ts";
import { EngineError } from "./errors.ts";
import type { EntryType } from "./history/entry.ts";
import type { Journal } from "./history/journal.ts";
import type { Cgroups } from "./limits/cgroup.ts";
import type { ResolvedOptions } from "./options.ts";
import { EngineOutputs } from "./output/engine-outputs.ts";
import type { ManagedProcess } from "./process/process.ts";
import { writeRecord } from "./process/record.ts";
import { resolveReference } from "./process/references.ts";
import { Table } from "./process/table.ts";
import { show } from "./process/text.ts";
import { toRecord } from "./process/to-record.ts";
import type { Quarantine } from "./quarantine.ts";
import { adoptShim } from "./run/adopt.ts";
import { findShim, isShimOf } from "./run/find-shims.ts";
import { KeptRings } from "./run/kept-rings.ts";
import { detailsDiffer, eventsBetween } from "./run/observe.ts";
import { findRemains, type Remnant, refreshRemains } from "./run/remains.ts";
import type { Run, RunView } from "./run/run.ts";
import { failure, ringFailure } from "./run/start-failure.ts";
import { pathCandidates } from "./run/to-shim-spec.ts";
import type { RunEffect, RunEvent } from "./run/transition.ts";
import { RunState as RingState, Step } from "./shim/layout.ts";
import { type RunPaths, runPaths } from "./shim/paths.ts";
import { Ring } from "./shim/ring.ts";
import { RingUnreadableError, RingVersionError } from "./shim/ring-errors.ts";
import { hasCode } from "./shim/system-error.ts";
import type { ShimFailure, Zygote } from "./shim/zygote.ts";

export interface CoreParts {
  readonly options: ResolvedOptions;
  readonly cgroups: Cgroups;
  readonly zygote: Zygote;
  readonly journal: Journal;
  readonly quarantine: Quarantine;
}

/** What the engine's operations share, and the one place where events become changes. */
export class Core {
  readonly options: ResolvedOptions;
  readonly cgroups: Cgroups;
  readonly zygote: Zygote;
  readonly journal: Journal;
  readonly quarantine: Quarantine;
  readonly table: Table;
  readonly outputs = new EngineOutputs(this);
  readonly rings = new KeptRings();
  /** Null: nobody supervises. */
  supervision: SupervisionHook | null = null;
  /** Called when a process has settled, or a settled one could be removed. */
  onSettled: () => void = () => {};
  /** Hears the events that shims write to a FIFO other than the runtime directory's. */
  listenTo: (path: string) => void = () => {};
  /** Removes what can be spared to make room; answers whether there was something. */
  dropOldest: (except: ManagedProcess) => Promise<boolean> = async () => false;
  readonly #closeListeners = new Set<() => void>();
  #quiet: ManagedProcess | null = null;
  #refusingStarts = false;
  #closed = false;
  #controlSeq = randomInt(1, 2 ** 31);

  constructor(parts: CoreParts) {
    this.options = parts.options;
    this.cgroups = parts.cgroups;
    this.zygote = parts.zygote;
    this.journal = parts.journal;
    this.quarantine = parts.quarantine;
    this.table = new Table(parts.journal);
  }

  get closed(): boolean {
    return this.#closed;
  }

  resolve(ref: ProcessRef): ManagedProcess {
    this.checkOpen();
    return resolveReference(this.table, ref);
  }

  paths(process: ManagedProcess, run = process.current.number): RunPaths {
    return runPaths(this.options.runtimeDir, process.id, run);
  }

  checkOpen(): void {
    if (this.#closed) throw shuttingDown();
  }

  checkAccepting(): void {
    if (this.#closed || this.#refusingStarts) throw shuttingDown();
  }

  checkPresent(process: ManagedProcess): void {
    if (process.removed || process.removing) {
      throw new EngineError("PROCESS_NOT_FOUND", `process ${process.id} was removed`, { id: process.id });
    }
  }

  /** As `checkPresent`, for what a removal does itself. */
  checkListed(process: ManagedProcess): void {
    if (process.removed) {
      throw new EngineError("PROCESS_NOT_FOUND", `process ${process.id} was removed`, { id: process.id });
    }
  }

  refuseStarts(): void {
    this.#refusingStarts = true;
  }

  /** Ends all waiting. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#closeListeners) listener();
    this.rings.close(this.table.ordered.flatMap(({ runs }) => runs));
    this.table.wakeAll();
    this.outputs.wakeAll();
  }

  /** Calls `listener` when the engine closes; the result takes that back. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  nextControlSeq(): number {
    this.#controlSeq = this.#controlSeq >= 0xffff_fff0 ? 1 : this.#controlSeq + 1;
    return this.#controlSeq;
  }

  /** @throws a Node system error. */
  save(process: ManagedProcess): void {
    if (!process.readOnly && !process.removed) writeRecord(this.paths(process).process, toRecord(process));
  }

  /** For what is worth less than the operation that it records: a full file system stops nothing. */
  trySave(process: ManagedProcess): void {
    try {
      this.save(process);
    } catch (error) {
      this.options.logger.warn({ id: process.id, error: String(error) }, "cannot write the record of a process");
    }
  }

  /** What happens meanwhile goes neither on record nor to anybody. */
  quietly(process: ManagedProcess, action: () => void): void {
    this.#quiet = process;
    try {
      action();
    } finally {
      this.#quiet = null;
    }
  }

  /** Puts something that happened to a process on record, and tells everybody. */
  note(process: ManagedProcess, type: EntryType, cause: Cause, change: Partial<StateChange> = {}): void {
    if (this.#quiet === process || (process.removed && type !== "removed")) return;
    const { from = "", to = "", exit = null, supervision } = change;
    const entry = this.journal.append({
      type,
      processId: process.id,
      processName: process.name,
      run: process.current.number,
      from,
      to,
      cause,
      exit,
      ...(supervision === undefined ? {} : { supervision }),
    });
    process.changedAt = entry.sequence;
    if (type === "removed") process.removalCause = cause;
    if (to !== "") {
      const time = BigInt(entry.timeMicros) * 1000n;
      const { sequence, run } = entry;
      process.lastChange = { sequence, time, run, from: from === "" ? null : from, to, cause };
      if (process.announcedAt === 0 && to === "running") process.announcedAt = sequence;
    }
    this.table.announce(process);
  }

  /**
   * What an event makes of a run: its state, what follows from that, and the
   * entry in the journal. Answers the effects that are the caller's to carry out.
   *
   * @param cause Null: it follows from what happened.
   */
  apply(process: ManagedProcess, run: Run, event: RunEvent, cause: Cause | null = null): readonly RunEffect[] {
    const before = process.state;
    const { ended } = run;
    const { effects, impossible } = run.apply(event);
    if (impossible) {
      const { id } = process;
      this.options.logger.error(
        { id, run: run.number, state: run.machineState, event },
        "an impossible event; ignored",
      );
      return [];
    }
    if (run === process.current) {
      if (run.ended && !ended) this.#decideEnd(process);
      this.#noteEvent(process, run, event, before, cause);
    }
    for (const effect of effects) this.#carryOut(process, run, effect);
    return effects;
  }

  /** Looks at the ring again, and tells whoever waits if something changed. */
  refresh(process: ManagedProcess, run: Run = process.current): void {
    if (run.shimGone && run.treeAlive) run.remains = refreshRemains(run.remains);
    if (run.final || run.unreadable || process.removed) return;
    const before = run.view;
    try {
      const view = this.rings.look(run, () => this.openRing(process, run));
      if (view === null || view === before) return;
      run.view = view;
      run.tellAcknowledged();
    } catch (error) {
      if (!hasCode(error, "ENOENT")) this.#noteUnreadable(process, run, error);
      return;
    }
    this.applyView(process, run, before, run.view);
  }

  /** Draws the conclusions from what a ring says now. */
  applyView(process: ManagedProcess, run: Run, before: RunView | null, now: RunView): void {
    if (now.header.state === RingState.failed) {
      const cwd = run.effective.cwd;
      run.failure ??= ringFailure(now.header, process.spec, cwd, pathCandidates(process.spec, this.options).map(show));
    }
    const events = eventsBetween(before?.header ?? null, now.header);
    for (const event of events) {
      // Seen together with the rest, it is no change of its own.
      if (event === "outputComplete" && events.length > 1) run.apply(event);
      else this.apply(process, run, event);
    }
    this.#passOnNotice(process, run, before, now);
    const isQuiet = events.length === 0 && run === process.current && run.running;
    if (isQuiet && detailsDiffer(before?.header ?? null, now.header)) this.note(process, "changed", ofItself(""));
  }

  /** What a process said over its notify socket. */
  #passOnNotice(process: ManagedProcess, run: Run, before: RunView | null, { header: is }: RunView): void {
    if (this.supervision === null || run !== process.current) return;
    const was = before?.header;
    const isFed = is.watchdogBoot !== (was?.watchdogBoot ?? 0n);
    const statusChanged = is.status !== (was?.status ?? "");
    const saidReady = is.notifyReady && was?.notifyReady !== true;
    const saidStopping = is.notifyStopping && was?.notifyStopping !== true;
    if (!isFed && !statusChanged && !saidReady && !saidStopping) return;
    this.supervision.notified({
      id: process.id,
      run: run.number,
      ready: saidReady,
      stopping: saidStopping,
      watchdog: isFed ? Math.max(0, this.options.clock.boot() - Number(is.watchdogBoot / 1_000_000n)) : null,
      status: statusChanged ? is.status : null,
    });
  }

  /** @throws a Node system error, ENOENT if there is none (yet). */
  openRing(process: ManagedProcess, run: Run): Ring {
    return Ring.open(this.ringPath(process, run));
  }

  ringPath(process: ManagedProcess, run: Run): string {
    return run.adoption?.ring ?? this.paths(process, run.number).ring;
  }

  /** A run could not begin, for a reason that no ring tells. */
  fail(process: ManagedProcess, run: Run, why: StartFailure, event: "shimFailed" | "startFailed" | "shimGone"): void {
    if (!run.starting) return;
    run.failure = why;
    this.apply(process, run, event);
  }

  /** The zygote says that a process has ended that it was to watch. */
  onGone(id: string, number: number, pid: number, why: ShimFailure | null): void {
    const process = this.table.byId(id);
    const run = process?.run(number);
    if (process === undefined || run === undefined) return;
    if (run.shimGone && run.treeAlive) this.#refreshRemains(process, run);
    else this.shimGone(process, run, why);
    if (pid > 0) process.changed.notify();
  }

  /** A shim is gone. If its ring has no last word, nobody will ever write one. */
  shimGone(process: ManagedProcess, run: Run, why: ShimFailure | null): void {
    if (process.removed) return;
    this.refresh(process, run);
    if (!run.final) {
      if (run.shimIsUnproven && this.#findOtherShim(process, run)) return;
      run.shimGone = true;
      run.shimFailure = why;
      const { logger } = this.options;
      if (run.starting) {
        const reason =
          why === null ? killedEarly() : failure(why.step, why.errno, this.paths(process, run.number).ring);
        this.fail(process, run, reason, why === null ? "shimGone" : "shimFailed");
      } else {
        logger.warn({ id: process.id, run: run.number }, "a shim was killed");
        this.apply(process, run, "shimGone");
      }
      this.rings.release(run);
      process.changed.notify();
    }
    this.outputs.notify(run);
  }

  /** A garbled ring names another process than the one that is its shim. */
  #findOtherShim(process: ManagedProcess, run: Run): boolean {
    run.shimIsUnproven = false;
    const shim = findShim(this.options.runtimeDir, process.id, run.number);
    if (shim === null) return false;
    this.options.logger.warn(
      { id: process.id, run: run.number, pid: shim.pid },
      "a ring names a shim that is not its own",
    );
    adoptShim(this, process, run, shim);
    return true;
  }

  /** After a removal: a new process may take the same id, and begins with run 1 again. */
  forgetRuns(process: ManagedProcess): void {
    this.outputs.notifyAll(process);
    for (const run of process.runs) this.forgetRun(process, run);
  }

  /** Its files are about to be removed. */
  forgetRun(process: ManagedProcess, run: Run): void {
    this.rings.release(run);
    this.zygote.forget(process.id, run.number);
  }

  /** What becomes of a process whose run has ended is published with the end. */
  #decideEnd(process: ManagedProcess): void {
    // Of a first start that fails nothing is left. One that was executed may have ended before its start is answered.
    const isFailedStart =
      process.starting !== null && process.isFirstStart && process.current.machineState === "failed";
    if (this.#quiet === process || isFailedStart) return;
    process.endIsUndecided = process.isToBeReplaced;
    if (process.endIsUndecided) return;
    const change = this.supervision?.runEnded(this.table.info(process)) ?? null;
    if (change === null) {
      if (process.restarting === null && !process.endsWithDaemon) process.desired = "stopped";
      return;
    }
    this.takeSupervision(process, change);
    this.trySave(process);
    if (change.event !== null)
      this.note(process, change.event.type, change.cause, { supervision: change.event.detail });
  }

  /** Changes what is known of a process; the caller puts it on record. */
  takeSupervision(process: ManagedProcess, change: SupervisionChange): void {
    process.supervision = change.supervision;
    // A state of its own it has only while no run is under way.
    if (change.state !== undefined) process.standing = process.current.ended ? change.state : null;
    if (change.desiredState !== undefined) process.desired = change.desiredState;
  }

  #noteEvent(process: ManagedProcess, run: Run, event: RunEvent, before: ProcessState, cause: Cause | null): void {
    const after = process.state;
    if (before !== after) {
      const exit = event === "mainExited" ? run.exit : null;
      this.note(process, "stateChanged", cause ?? causeOf(run), { from: before, to: after, exit });
    } else if (event === "treeGone" || event === "remainsGone") {
      this.note(process, "treeGone", cause ?? run.stop?.cause ?? ofItself(""));
    } else if (event === "outputComplete" || event === "shimGone") {
      this.note(process, "changed", cause ?? ofItself(""));
    }
  }

  #carryOut(process: ManagedProcess, run: Run, effect: RunEffect): void {
    switch (effect) {
      case "recordFailure":
        // A first start that fails leaves nothing; whoever asked for it is told.
        if (run.number > 1) this.trySave(process);
        break;
      case "settle":
        this.settle(process, run);
        break;
      case "findRemains":
        run.remains = findRemains([...run.members, ...mainOf(run)]);
        this.#watchRemains(process, run);
        break;
      default:
        // What the caller asked for, or has done.
        break;
    }
  }

  /** Nothing of a run lives any more. */
  settle(process: ManagedProcess, run: Run): void {
    const header = run.view?.header;
    const { clock } = this.options;
    run.end ??= {
      time: header?.exited || header?.finished || clock.wall(),
      bootMs: Number((header?.exitedBoot || header?.finishedBoot || 0n) / 1_000_000n) || clock.boot(),
    };
    this.leaveCgroup(process, run);
    this.onSettled();
  }

  leaveCgroup(process: ManagedProcess, run: Run): void {
    if (!this.cgroups.available) return;
    const killed = this.cgroups.leave(process.id, run.number);
    if (run.oomKilled === true) return;
    run.oomKilled = killed;
    if (killed && run.state === "exited") this.trySave(process);
  }

  #refreshRemains(process: ManagedProcess, run: Run): void {
    run.remains = refreshRemains(run.remains);
    this.#watchRemains(process, run);
    if (run.treeAlive) this.note(process, "changed", ofItself(""));
  }

  /** The zygote tells when the first of them ends; then it is looked again who lives. */
  #watchRemains(process: ManagedProcess, run: Run): void {
    const [first] = run.remains;
    if (first === undefined) this.apply(process, run, "remainsGone");
    else this.zygote.adopt(process.id, run.number, first.pid, first.start);
  }

  #noteUnreadable(process: ManagedProcess, run: Run, error: unknown): void {
    const path = this.ringPath(process, run);
    if (error instanceof RingUnreadableError || error instanceof RingVersionError) {
      run.unreadable = true;
      const newer = error instanceof RingVersionError && error.isNewer;
      this.quarantine.leave(path, error.message, { processId: process.id, newer });
      const said = run.view?.header ?? (error instanceof RingVersionError ? error : null);
      if (run.view !== null) run.members = mainOf(run);
      // Whoever it names will get signals: it must be the one.
      if (said !== null && isShimOf(this.options.runtimeDir, said.shimPid, process.id, run.number)) {
        run.adoption ??= { shimPid: said.shimPid, shimStart: said.shimStart, control: null, ring: null };
      }
      run.view = null;
      this.rings.release(run);
      return;
    }
    this.options.logger.warn({ id: process.id, path, error: String(error) }, "cannot read the ring of a process");
  }
}

interface StateChange {
  readonly supervision: SupervisionEventDetail;
  readonly from: ProcessState | "";
  readonly to: ProcessState | "";
  readonly exit: ExitStatus | null;
}

function mainOf({ view }: Run): Remnant[] {
  return view === null ? [] : [{ pid: view.header.childPid, start: view.header.childStart }];
}

/** Why a run is in its state, where nobody asked for that just now. */
function causeOf(run: Run): Cause {
  const { exit } = run;
  switch (run.state) {
    case "failed":
      return { ...run.cause, kind: "startFailure", detail: run.failure?.message ?? "" };
    case "exited": {
      const detail = exit === null ? "" : exit.code === null ? exit.signalName : `exit code ${exit.code}`;
      return run.stops > 0 && run.stop !== null ? { ...run.stop.cause, detail } : ofItself(detail);
    }
    case "lost":
      return ofItself("its shim was killed");
    default:
      return run.state === "running" && run.stop !== null ? run.stop.cause : run.cause;
  }
}

/** Nobody asked for it. */
export function ofItself(detail: string): Cause {
  return { kind: "exit", principal: "", requestId: "", detail };
}

function killedEarly(): StartFailure {
  return failure(Step.shim, 0, "", "the shim was killed before it had executed the program");
}

export function shuttingDown(): EngineError {
  return new EngineError(
    "SHUTTING_DOWN",
    "the daemon is stopping; processes keep running, try again when the next one is up",
  );
}

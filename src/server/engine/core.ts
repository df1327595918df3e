import { randomInt } from "node:crypto";
import { EngineError } from "./errors.ts";
import { pathCandidates, workingDirectory } from "./lifecycle/to-shim-spec.ts";
import type { Cgroups } from "./limits/cgroup.ts";
import type { ResolvedOptions } from "./options.ts";
import { Followers } from "./output/followers.ts";
import type { ManagedProcess, RunView } from "./process/process.ts";
import { writeRecord } from "./process/record.ts";
import { resolveReference } from "./process/references.ts";
import { Table } from "./process/table.ts";
import { ringFailure } from "./run/start-failure.ts";
import { RunState } from "./shim/layout.ts";
import { type RunPaths, runPaths } from "./shim/paths.ts";
import { Ring } from "./shim/ring.ts";
import { hasCode } from "./shim/system-error.ts";
import type { ShimFailure, Zygote } from "./shim/zygote.ts";

/** What the engine's operations share. */
export class Core {
  readonly options: ResolvedOptions;
  readonly cgroups: Cgroups;
  readonly table = new Table();
  readonly followers = new Followers();
  readonly zygote: Zygote;
  /** Called when a process has settled, or a settled one could be let go. */
  onSettled: () => void = () => {};
  readonly #closeListeners = new Set<() => void>();
  #refusingStarts = false;
  #closed = false;
  #controlSeq = randomInt(1, 2 ** 31);

  constructor(options: ResolvedOptions, cgroups: Cgroups, zygote: Zygote) {
    this.options = options;
    this.cgroups = cgroups;
    this.zygote = zygote;
  }

  get closed(): boolean {
    return this.#closed;
  }

  resolve(reference: string): ManagedProcess {
    this.checkOpen();
    return resolveReference(this.table, reference);
  }

  paths(process: ManagedProcess, run = process.run): RunPaths {
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
    this.table.wakeAll();
    this.followers.notifyAll();
  }

  /** Calls `listener` when the engine closes; the answer takes that back. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  nextControlSeq(): number {
    this.#controlSeq = this.#controlSeq >= 0xffff_fff0 ? 1 : this.#controlSeq + 1;
    return this.#controlSeq;
  }

  save(process: ManagedProcess): void {
    const { id, spec, createTime, run, failure, oomKilled } = process;
    writeRecord(this.paths(process).process, { id, spec, createTime, run, failure, oomKilled });
  }

  /** Looks at the ring again, and tells whoever waits if something changed. */
  refresh(process: ManagedProcess): void {
    if (process.final || process.removed) return;
    let view: RunView | null;
    try {
      view = this.readView(process, process.run);
    } catch (error) {
      this.options.logger.warn({ id: process.id, error: String(error) }, "cannot read the ring of a process");
      return;
    }
    if (view === null) return;
    const before = process.view;
    this.see(process, view);
    this.#afterLook(process, before);
  }

  /** Takes what a ring said into the table. */
  see(process: ManagedProcess, view: RunView): void {
    process.view = view;
    if (view.header.state !== RunState.failed) return;
    const { spec } = process;
    const cwd = workingDirectory(spec, this.options);
    process.failure ??= ringFailure(view.header, spec, cwd, pathCandidates(spec, this.options));
  }

  /**
   * The ring of a run as it is now; null if it is not (yet) published.
   *
   * @throws a Node system error other than ENOENT: then nothing is known.
   */
  readView(process: ManagedProcess, run: number): RunView | null {
    let ring: Ring;
    try {
      ring = Ring.open(this.paths(process, run).ring);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      return null;
    }
    try {
      const header = ring.header();
      return header.published ? { header, firstOffset: ring.firstOffset(header) } : null;
    } finally {
      ring.close();
    }
  }

  /** After a removal: a new process may take the same id, and begins with run 1 again. */
  forgetRuns(process: ManagedProcess): void {
    this.followers.forget(process.id);
    for (const run of [process.run, process.run - 1]) this.zygote.forget(process.id, run);
  }

  /** A shim is gone. If its ring has no last word, nobody will ever write one. */
  shimGone(process: ManagedProcess, run: number, failure: ShimFailure | null): void {
    try {
      this.#noteGone(process, run, failure);
    } finally {
      this.followers.notify(process.id, run);
    }
  }

  #noteGone(process: ManagedProcess, run: number, failure: ShimFailure | null): void {
    if (process.removed) return;
    if (run !== process.run) {
      try {
        if (this.readView(process, run)?.header.done !== true) process.lostRuns.add(run);
      } catch (error) {
        this.options.logger.warn(
          { id: process.id, run, error: String(error) },
          "cannot read the ring of an earlier run",
        );
      }
      return;
    }
    this.refresh(process);
    if (process.final) return;
    process.shimGone = true;
    process.shimFailure = failure;
    if (failure !== null) this.options.logger.warn({ id: process.id, run, ...failure }, "a shim made no ring");
    else if (process.view !== null) this.options.logger.warn({ id: process.id, run }, "a shim was killed");
    this.settle(process);
    this.table.touch(process);
  }

  #afterLook(process: ManagedProcess, before: RunView | null): void {
    const now = process.view;
    if (now === null) return;
    const was = before?.header;
    const is = now.header;
    const changed =
      was === undefined ||
      was.state !== is.state ||
      was.outputComplete !== is.outputComplete ||
      was.treeGone !== is.treeGone ||
      was.childPid !== is.childPid ||
      was.dataSize !== is.dataSize;
    // Waking others for nothing would have two waiters wake each other for ever.
    if (!changed) return;
    this.settle(process);
    this.table.touch(process);
  }

  /** Does what is due once a process's tree is gone. */
  settle(process: ManagedProcess): void {
    if (!process.ended || process.treeAlive) return;
    if (process.endTime === null) {
      const header = process.view?.header;
      process.endTime = header?.exited || header?.finished || BigInt(Date.now()) * 1_000_000n;
      this.#leaveCgroup(process);
    }
    this.onSettled();
  }

  #leaveCgroup(process: ManagedProcess): void {
    if (this.cgroups.leave(process.id, process.run) && process.view?.header.state === RunState.exited) {
      process.oomKilled = true;
      try {
        this.save(process);
      } catch (error) {
        this.options.logger.warn({ id: process.id, error: String(error) }, "cannot record an out-of-memory kill");
      }
    }
  }
}

export function shuttingDown(): EngineError {
  return new EngineError(
    "SHUTTING_DOWN",
    "the daemon is stopping; processes run on, try again when the next one is up",
  );
}

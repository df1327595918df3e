import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isUuid } from "../../../common/contract-rules.ts";
import type { Cause } from "../api/cause.ts";
import type { Change } from "../api/process.ts";
import { type ProcessSpec, plainSpec } from "../api/spec.ts";
import type { Core } from "../core.ts";
import { carryOutRemoval } from "../operations/remove.ts";
import { relaunch, resumeRestart } from "../operations/restart.ts";
import { decideSignal } from "../operations/signal.ts";
import { discard } from "../operations/start.ts";
import { resumeStop } from "../operations/stop.ts";
import { ManagedProcess } from "../process/process.ts";
import { type ProcessRecord, type RecordFile, type RunRecord, readRecord, recordFileName } from "../process/record.ts";
import { effectiveSpec } from "../process/spec.ts";
import { adoptShim } from "../run/adopt.ts";
import { findShims, type LivingShim, openFileOf } from "../run/find-shims.ts";
import { untilDecided } from "../run/launch.ts";
import { Run } from "../run/run.ts";
import { control } from "../run/shim-control.ts";
import { survivors } from "../shim/descendants.ts";
import { Control, RunState as RingState } from "../shim/layout.ts";
import { runPaths, runtimePaths } from "../shim/paths.ts";
import { Ring } from "../shim/ring.ts";
import { type PastOf, readPast } from "./past.ts";

/** A directory below `p` without a record that can be used. */
interface Leftover {
  readonly id: string;
  readonly directory: string;
  readonly file: Exclude<RecordFile, { kind: "readable" }>;
}

/**
 * Rebuilds the table from the runtime directory. The zygote is ready, so every
 * shim that will ever have a ring for what is on disk has published it.
 *
 * Nothing is deleted but what the journal says was never executed, or was being
 * removed. A shim that lives is managed, whatever of its files is gone; what
 * cannot be read and belongs to no living shim is set aside.
 *
 * @returns those whose run has ended while nobody watched.
 */
export function recover(core: Core): ManagedProcess[] {
  const unseen: ManagedProcess[] = [];
  const past = readPast(core.journal);
  const { readable, leftovers } = readAll(core, past);
  // Of a journal that is no more: its numbers are in use.
  core.journal.skipTo(Math.max(0, ...readable.map(({ sequence }) => sequence)));
  const attended: ManagedProcess[] = [];
  const withoutRing: ManagedProcess[] = [];
  for (const record of readable) {
    try {
      const process = restore(core, record, past(record.id));
      core.table.add(process);
      if (process.current.starting && process.current.view === null) withoutRing.push(process);
      else attended.push(process);
    } catch (error) {
      const directory = join(runtimePaths(core.options.runtimeDir).processes, record.id);
      core.quarantine.leave(directory, `it cannot be recovered: ${String(error)}`, { processId: record.id });
    }
  }
  // Where something is garbled, what rings say of other processes may be so too: then everybody is looked at.
  const isWhole = leftovers.size === 0 && withoutRing.length === 0;
  const known = isWhole ? pidsOf(attended) : new Set<number>();
  const shims = findShims(core.options.runtimeDir, known).filter(
    (shim) => !isAsSaid(core, shim) && !isOver(core, shim),
  );
  for (const shim of shims) adopt(core, shim, leftovers.get(shim.id), past(shim.id));
  // The shim of an earlier run may be there too, for writers outside its tree.
  const adopted = new Set(shims.map(({ id, run }) => `${id}/${run}`));
  const isAdopted = ({ id, current }: ManagedProcess) => adopted.has(`${id}/${current.number}`);
  for (const process of attended) if (!isAdopted(process)) attend(core, process, past(process.id));
  for (const process of withoutRing) if (!isAdopted(process)) decideWithoutRing(core, process, past(process.id));
  for (const leftover of leftovers.values()) {
    if (core.table.byId(leftover.id) === undefined) clear(core, leftover, past(leftover.id));
  }
  // Before anything else is sent to a shim, and before what came of it is told.
  for (const process of core.table.ordered) decideSignal(core, process);
  for (const process of core.table.ordered) {
    if (conclude(core, process, past(process.id))) unseen.push(process);
  }
  for (const process of core.table.ordered) renewLimits(core, process);
  core.cgroups.sweep((id) => core.table.byId(id) !== undefined);
  core.journal.flush();
  for (const process of core.table.ordered) if (process.intents.length > 0) void carryOn(core, process);
  return unseen;
}

function renewLimits(core: Core, process: ManagedProcess): void {
  const { id, current, spec } = process;
  if (!current.treeAlive) return;
  try {
    // The spec may have been changed since, for the next run.
    core.cgroups.renew(id, current.number, current.limits ?? spec.limits);
  } catch (error) {
    core.options.logger.warn({ id, error: String(error) }, "the limits of a process could not be set again");
  }
}

function readAll(
  core: Core,
  past: (id: string) => PastOf,
): { readable: ProcessRecord[]; leftovers: Map<string, Leftover> } {
  const parent = runtimePaths(core.options.runtimeDir).processes;
  const readable: ProcessRecord[] = [];
  const leftovers = new Map<string, Leftover>();
  for (const entry of readdirSync(parent, { withFileTypes: true })) {
    const { name: id } = entry;
    const directory = join(parent, id);
    if (!isUuid(id) || !entry.isDirectory()) {
      core.quarantine.leave(directory, "something that is no process lies among them");
      continue;
    }
    const file = readRecord(directory);
    if (file.kind === "readable" && wasRemoved(file.record, past(id))) {
      // The last daemon died before it deleted the files.
      leftovers.set(id, { id, directory, file: { kind: "missing" } });
    } else if (file.kind === "readable" && file.record.id === id) readable.push(file.record);
    else if (file.kind === "readable") {
      leftovers.set(id, {
        id,
        directory,
        file: { kind: "unreadable", reason: `its record is that of ${file.record.id}` },
      });
    } else leftovers.set(id, { id, directory, file });
  }
  return { readable: readable.sort((a, b) => a.sequence - b.sequence), leftovers };
}

/** The same id may be used again after a removal. */
function wasRemoved({ sequence }: ProcessRecord, { removed, last }: PastOf): boolean {
  return removed && sequence < last;
}

/** The process as its record and its ring have it. */
function restore(core: Core, record: ProcessRecord, past: PastOf): ManagedProcess {
  const [first, ...rest] = record.runs;
  if (first === undefined) throw new Error("it has no run");
  const current = restoreRun(first);
  const process = new ManagedProcess(
    record,
    current,
    past.lastChange ?? record.lastChange ?? firstChange(record, first),
  );
  process.earlier = rest.map(restoreRun);
  process.desired = record.desired;
  process.supervision = record.supervision;
  process.standing = record.standing;
  process.intents = record.intents;
  process.signaling = record.signaling;
  process.endsWithDaemon = record.intents.some(({ keepsDesired }) => keepsDesired);
  process.changedAt = past.last > 0 ? past.last : record.sequence;
  process.announcedAt = past.announcedAt;
  if (current.starting) readRing(core, process, current);
  return process;
}

function firstChange({ sequence, createTime }: ProcessRecord, { number, cause }: RunRecord): Change {
  return { sequence, time: createTime, run: number, from: null, to: "starting", cause };
}

function restoreRun(record: RunRecord): Run {
  const run = new Run(record);
  run.failure = record.failure;
  run.oomKilled = record.oomKilled;
  run.end = record.end;
  run.stop = record.stop;
  run.outputDropped = record.outputDropped;
  // Number 0 stands for none.
  if (record.failure !== null || record.number === 0) run.apply("startFailed");
  if (record.past === null) return run;
  run.summary = record.past.summary;
  restoreState(run, record.past.state);
  return run;
}

/** The events that lead to a state in which nothing lives. */
function restoreState(run: Run, state: "starting" | "running" | "stopping" | "exited" | "failed" | "lost"): void {
  if (!run.starting) return;
  if (state === "failed") {
    run.apply("startFailed");
    return;
  }
  run.apply("executed");
  if (state === "exited") for (const event of ["mainExited", "treeGone"] as const) run.apply(event);
  else for (const event of ["shimGone", "remainsGone"] as const) run.apply(event);
}

/** What a ring says is drawn quietly: `conclude` compares it with what is on record. */
function readRing(core: Core, process: ManagedProcess, run: Run): void {
  core.quietly(process, () => core.refresh(process, run));
}

/** Whom the rings of runs that are not over name as their shims and main processes. */
function pidsOf(processes: readonly ManagedProcess[]): Set<number> {
  return new Set(
    processes.flatMap(({ current: { view } }) =>
      view === null || view.header.done ? [] : [view.header.shimPid, view.header.childPid],
    ),
  );
}

/** Whether the ring of its run names this very shim, so that nothing has to be adopted. */
function isAsSaid(core: Core, shim: LivingShim): boolean {
  const run = core.table.byId(shim.id)?.current;
  const header = run?.number === shim.run ? run.view?.header : undefined;
  return header !== undefined && !header.done && header.shimPid === shim.pid && header.shimStart === shim.start;
}

/** Sees to it that somebody watches the shim. If it is not there any more, the zygote says so at once. */
function attend(core: Core, process: ManagedProcess, { lastChange }: PastOf): void {
  const run = process.current;
  const header = run.view?.header;
  if (header === undefined || header.done) return;
  run.shimIsUnproven = true;
  if (lastChange?.run === run.number && lastChange.to === "lost") {
    core.quietly(process, () => core.shimGone(process, run, null));
    return;
  }
  core.zygote.adopt(process.id, run.number, header.shimPid, header.shimStart);
}

/** Whether a shim has said its last word and is about to exit: nothing lives there. */
function isOver(core: Core, shim: LivingShim): boolean {
  const path = runPaths(core.options.runtimeDir, shim.id, shim.run).ring;
  try {
    const ring = Ring.open(openFileOf(shim.pid, path) ?? path);
    try {
      const header = ring.header();
      return header.published && header.done;
    } finally {
      ring.close();
    }
  } catch {
    // Gone or garbled: the shim itself is what is known.
    return false;
  }
}

/** Manages a shim that lives and whose record or ring is gone or cannot be read. */
function adopt(core: Core, shim: LivingShim, leftover: Leftover | undefined, past: PastOf): void {
  const known = core.table.byId(shim.id);
  const process = known ?? unknownProcess(core, shim, leftover, past);
  const run = process.run(shim.run);
  if (run === undefined) {
    core.options.logger.error({ ...shim, start: String(shim.start) }, "a shim lives for a run that nobody knows");
    return;
  }
  if (run !== process.current) {
    // The last daemon died before it could tell it that nobody needs it any more.
    core.zygote.adopt(shim.id, shim.run, shim.pid, shim.start);
    void control(core, process, run, Control.release).catch(() => {});
    return;
  }
  run.unreadable = false;
  adoptShim(core, process, run, shim);
  // Of a runtime directory that was removed: its shims write to the FIFO that lay there.
  const events = openFileOf(shim.pid, runtimePaths(core.options.runtimeDir).events);
  if (events !== null) core.listenTo(events);
  readRing(core, process, run);
  if (run.view === null && run.starting) core.quietly(process, () => core.apply(process, run, "executed"));
  core.options.logger.warn({ id: shim.id, run: shim.run, pid: shim.pid }, "adopted a living shim without its files");
}

/** A process of which only a living shim is known: listed as what it is. */
function unknownProcess(core: Core, shim: LivingShim, leftover: Leftover | undefined, past: PastOf): ManagedProcess {
  const { id } = shim;
  const reason =
    leftover === undefined || leftover.file.kind === "missing" ? "its record is gone" : leftover.file.reason;
  const cause: Cause = { kind: "recovery", principal: "", requestId: "", detail: reason };
  const spec = specOf(shim);
  const effective = effectiveSpec(spec, core.options);
  const taken = past.name !== "" && core.table.holderOf(past.name) !== undefined;
  const identity = { id, name: taken ? "" : past.name, labels: {}, spec };
  const entry = core.journal.append({
    type: "created",
    processId: id,
    processName: identity.name,
    run: shim.run,
    from: "",
    to: "starting",
    cause,
    exit: null,
  });
  const createTime = BigInt(entry.timeMicros) * 1000n;
  const { sequence } = entry;
  const run = new Run({ number: shim.run, cause, createTime, sequence, effective, limits: null });
  const change = { sequence, time: createTime, run: shim.run, from: null, to: "starting", cause } as const;
  const process = new ManagedProcess({ ...identity, createTime, sequence }, run, change);
  process.announcedAt = sequence;
  keepRecord(core, process, leftover);
  core.table.add(process);
  return process;
}

/** A record that cannot be read gives way to one that can; a newer one stays. */
function keepRecord(core: Core, process: ManagedProcess, leftover: Leftover | undefined): void {
  if (leftover?.file.kind === "newer") {
    process.readOnly = true;
    core.quarantine.leave(join(leftover.directory, recordFileName), leftover.file.reason, {
      processId: process.id,
      newer: true,
    });
    return;
  }
  if (leftover?.file.kind === "unreadable") {
    core.quarantine.setAside(join(leftover.directory, recordFileName), leftover.file.reason, process.id);
  }
  try {
    mkdirSync(core.paths(process).run, { recursive: true, mode: 0o700 });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot make a directory for a process");
  }
  core.trySave(process);
}

/** What the kernel still knows of a command. */
function specOf(shim: LivingShim): ProcessSpec {
  const main = survivors(shim.pid)[0]?.pid ?? shim.pid;
  const [executable = "", ...args] = read(() => readFileSync(`/proc/${main}/cmdline`, "utf8"))
    .replace(/\0$/, "")
    .split("\0");
  return {
    ...plainSpec(executable === "" ? "unknown" : executable, args),
    cwd: read(() => readlinkSync(`/proc/${main}/cwd`)),
    output: { limitBytes: 1024 * 1024, whenFull: "dropOldest" },
  };
}

function read(action: () => string): string {
  try {
    return action();
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

/** No shim lives for the current run, and it has no ring that can be read. */
function decideWithoutRing(core: Core, process: ManagedProcess, past: PastOf): void {
  const run = process.current;
  const wasExecuted = past.executed.has(run.number);
  const neverBegan = !wasExecuted && core.journal.completeAfter < process.sequence;
  if (neverBegan && !run.unreadable && process.isFirstStart) {
    // A start that nobody was told of.
    run.failure = null;
    discard(core, process);
    return;
  }
  if (neverBegan && !run.unreadable) {
    // It was meant to begin: its last run was stopped for it, or what it waited for has come.
    process.starting = finish(core, process, () => relaunch(core, process, run));
    return;
  }
  // It was executed, and its ring is gone or garbled: what the journal says is all that is known.
  const { lastChange, exit } = past;
  const ended = lastChange?.run === run.number && lastChange.to === "exited";
  run.summary = {
    startTime: null,
    exitTime: null,
    exit: ended ? exit : null,
    output: { ...run.output, complete: true },
  };
  run.end = { time: lastChange?.time ?? core.options.clock.wall(), bootMs: core.options.clock.boot() };
  restoreState(run, ended ? "exited" : "lost");
  if (!run.unreadable) core.options.logger.warn({ id: process.id, run: run.number }, "the ring of a run is gone");
}

/** Nothing lives of it, and its record cannot be used. */
function clear(core: Core, { id, directory, file }: Leftover, past: PastOf): void {
  // Nothing but a record that was being written: nobody was answered.
  const isEmpty = readdirSync(directory).every((name) => name === `${recordFileName}.new`);
  if (file.kind === "missing" && (past.removed || isEmpty)) {
    rmSync(directory, { recursive: true, force: true });
    return;
  }
  if (file.kind === "newer") {
    core.quarantine.leave(directory, file.reason, { processId: id, newer: true });
    return;
  }
  core.quarantine.setAside(directory, file.kind === "missing" ? "it has no record" : file.reason, id);
}

/** Compares what was found with what is on record: what has changed meanwhile is news. */
function conclude(core: Core, process: ManagedProcess, past: PastOf): boolean {
  const run = process.current;
  const header = run.view?.header;
  if (process.starting === null && (run.starting || header?.state === RingState.failed) && isUnseen(process, past)) {
    // The last daemon did not see it through.
    process.starting = finish(core, process, () => untilDecided(core, process, run));
    return false;
  }
  if (process.starting !== null) return false;
  if (process.announcedAt === 0) process.announcedAt = process.sequence;
  const { lastChange } = past;
  const { state } = process;
  const isNews = lastChange === null || lastChange.run !== run.number || lastChange.to !== state;
  // Its end was published, and nobody said that it is to run again. Of an end that is news, nobody was asked yet.
  const isDecided = !isNews && process.supervision === undefined;
  if (run.ended && isDecided && !process.endsWithDaemon) process.desired = "stopped";
  if (isNews) {
    const from = lastChange?.to ?? "";
    const detail = run.exit === null ? "" : run.exit.code === null ? run.exit.signalName : `exit code ${run.exit.code}`;
    const cause: Cause = { kind: "recovery", principal: "", requestId: "", detail };
    core.note(process, "stateChanged", cause, { from, to: state, exit: run.exit });
  }
  if (!run.treeAlive && run.ended && process.hasRun) core.settle(process, run);
  return isNews && run.ended && process.hasRun;
}

function isUnseen(process: ManagedProcess, past: PastOf): boolean {
  const { number } = process.current;
  const { lastChange } = past;
  return process.current.starting || !(lastChange?.run === number && lastChange.to === "failed");
}

/** Sees a run through whose shim was at work when the last daemon died. */
async function finish(core: Core, process: ManagedProcess, work: () => Promise<unknown>): Promise<void> {
  core.options.logger.info({ id: process.id }, "finishing a start that was under way");
  try {
    await untilSupervised(core);
    await work();
    if (process.current.state === "failed" && process.isFirstStart) discard(core, process);
    process.starting = null;
    if (process.settled) core.onSettled();
  } catch (error) {
    if (!core.closed) core.options.logger.error({ id: process.id, error: String(error) }, "cannot finish a start");
  } finally {
    process.starting = null;
    process.changed.notify();
  }
}

/** Whoever supervises does so in the turn in which the engine has opened. Until then nobody decides about an end. */
async function untilSupervised(core: Core): Promise<void> {
  await setImmediate();
  core.checkOpen();
}

/** What was asked for and is not done is done now. */
async function carryOn(core: Core, process: ManagedProcess): Promise<void> {
  for (const intent of [...process.intents]) {
    // One whose first signal was sent goes on behind it; where nobody knows, it is sent. Others begin in this very turn:
    // who hears of the process must find it about to be removed.
    const isUnderWay = process.signaling !== null && !process.signaling.isLost;
    if (isUnderWay && intent.kind !== "remove") await process.signaledBefore?.wasSent.catch(() => {});
    if (core.closed || process.removed) return;
    const { id } = process;
    core.options.logger.info({ id, intent: intent.kind }, "carrying on what the last daemon had begun");
    try {
      if (intent.kind === "stop") await resumeStop(core, process, intent);
      else if (intent.kind === "restart") await resumeRestart(core, process, intent);
      else await carryOutRemoval(core, process, intent);
    } catch (error) {
      if (!core.closed) {
        core.options.logger.error({ id, intent: intent.kind, error: String(error) }, "cannot carry on what was begun");
      }
    }
  }
}

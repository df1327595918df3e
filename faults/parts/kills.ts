/**
 * Kills of the daemon and the zygote at random moments, under writers,
 * followers, starts, stops, restarts and removals: no byte, exit code or
 * process may be lost or doubled, and what was asked for is done exactly once.
 */
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Process } from "../../src/sdk/index.ts";
import { LineCheck } from "../support/line-check.ts";
import type { PartContext } from "../support/part.ts";
import type { Random } from "../support/random.ts";
import type { Report } from "../support/report.ts";
import { hangMs, Scope } from "../support/scope.ts";

const outputLimit = 32 * 1024 * 1024;
const targetExit = 7;

export async function kills({ random, report, programs, rounds, pm }: PartContext): Promise<void> {
  const scope = await Scope.open(pm === undefined ? {} : { pm });
  try {
    const writers = await startWriters(scope, programs.program("writer"), rounds(100), random);
    report.count("writers", writers.length);
    for (let count = rounds(12); count > 0; count--) {
      const writer = random.pick(writers);
      writer.followers.push(follow(scope, writer, report));
      report.count("streams of the SDK");
    }
    const targets = await startTargets(scope, programs.program("target"), rounds(12));

    const daemonKills = rounds(200);
    const zygoteKills = rounds(20);
    const commands = rounds(8);
    const schedule = shuffle(
      [
        ...new Array<"daemon">(daemonKills).fill("daemon"),
        ...new Array<"zygote">(zygoteKills).fill("zygote"),
        ...new Array<"logs">(commands).fill("logs"),
      ],
      random,
    );
    let last: Process | null = null;
    for (const [number, what] of schedule.entries()) {
      if (what === "logs") {
        const writer = random.pick(writers);
        writer.followers.push(followWithCommand(scope, writer, random.chance(0.3), report));
        continue;
      }
      last = await round({ scope, random, report, targets, what, last });
      if (number % 20 === 19) report.progress(`${number + 1} of ${schedule.length} rounds`);
    }

    // One after the other: of what has ended, no more is kept than a total allows.
    for (const writer of writers) await endWriter(scope, writer, report);
    for (const target of targets) await checkTarget(target, report);
    const listed = await scope.manager.processes.listAll();
    const known = new Set(targets.map(({ process }) => process.id));
    if (last !== null) known.add(last.id);
    report.same("processes that nobody started", listed.filter(({ id }) => !known.has(id)).length, 0);
    report.same("processes listed", listed.length, known.size);
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

interface Writer {
  readonly process: Process;
  readonly seed: number;
  readonly exit: number;
  /** The file that ends it. */
  readonly gate: string;
  /** Each resolves when it has seen the end. */
  readonly followers: Promise<void>[];
}

async function startWriters(scope: Scope, program: string, count: number, random: Random) {
  const writers: Writer[] = [];
  for (let number = 0; number < count; number++) {
    const seed = random.between(1, 1_000_000_000);
    const exit = number % 97;
    const pause = random.between(150, 400);
    const gate = join(scope.directory, `gate-${number}`);
    const process = await scope.manager.processes.start({
      executable: program,
      args: [String(seed), gate, String(pause), String(exit)],
      output: { limitBytes: outputLimit },
    });
    writers.push({ process, seed, exit, gate, followers: [] });
  }
  return writers;
}

/** Ends it, reads everything once more, and removes it. */
async function endWriter(scope: Scope, writer: Writer, report: Report): Promise<void> {
  const { process, seed, exit, gate, followers } = writer;
  writeFileSync(gate, "");
  const { run } = await process.wait({ until: "outputComplete" });
  report.same(`exit code of writer ${process.id}`, run?.exit?.code, exit);
  report.same(`runs of writer ${process.id}`, run?.number, 1);
  report.same(`first offset of writer ${process.id}`, run?.output.firstOffset, 0);
  const checks = checksOf(seed);
  for await (const frame of scope.manager.processes.stream(process.id)) {
    if (frame.type === "gap") report.fail(`writer ${process.id}: bytes ${frame.from} to ${frame.to} are missing`);
    if (frame.type === "chunk") checks[frame.stream === "stderr" ? "err" : "out"].take(frame.data);
  }
  conclude(`the output of writer ${process.id}`, checks, report, "read when they had ended");
  await within(Promise.all(followers), `the ends of what follows ${process.id}`, report);
  await process.remove();
}

async function follow(scope: Scope, { process, seed }: Writer, report: Report): Promise<void> {
  const checks = checksOf(seed);
  let next = 0;
  try {
    for await (const frame of scope.manager.processes.stream(process.id, { follow: true })) {
      if (frame.type === "gap") report.fail(`follower of ${process.id}: gap from ${frame.from} to ${frame.to}`);
      if (frame.type !== "chunk") continue;
      if (frame.offset !== next) report.fail(`follower of ${process.id}: offset ${frame.offset}, not ${next}`);
      next = frame.offset + frame.data.length;
      checks[frame.stream === "stderr" ? "err" : "out"].take(frame.data);
    }
  } catch (error) {
    report.fail(`follower of ${process.id}: ${String(error)}`);
    return;
  }
  conclude(`a stream of ${process.id}`, checks, report, "followed by streams");
}

/** A command shows both streams in one, in pieces: only one of them can be checked by lines. */
async function followWithCommand(scope: Scope, writer: Writer, stderr: boolean, report: Report): Promise<void> {
  const { process, seed } = writer;
  const child = scope.spawn(["logs", "-f", "--stream", stderr ? "stderr" : "stdout", process.id]);
  const check = new LineCheck(seed, stderr ? "e" : "o");
  let err = "";
  child.stdout?.on("data", (data: Buffer) => check.take(data));
  child.stderr?.on("data", (data: Buffer) => {
    err += data.toString();
  });
  const [code, signal] = await ended(child);
  report.same(`exit of pm logs -f ${process.id}: ${err}`, [code, signal], [0, null]);
  report.count("pm logs -f");
  if (check.problem() !== "") report.fail(`pm logs -f ${process.id}: ${check.problem()}; ${err}`);
  report.compared("followed by pm logs -f", check.bytes);
}

async function ended(child: ChildProcess): Promise<[number | null, string | null]> {
  return (await once(child, "close")) as [number | null, string | null];
}

interface Checks {
  readonly out: LineCheck;
  readonly err: LineCheck;
}

function checksOf(seed: number): Checks {
  return { out: new LineCheck(seed, "o"), err: new LineCheck(seed, "e") };
}

function conclude(what: string, { out, err }: Checks, report: Report, figure: string): void {
  for (const problem of [out.problem(), err.problem()]) if (problem !== "") report.fail(`${what}: ${problem}`);
  report.compared(figure, out.bytes + err.bytes);
}

interface Target {
  readonly process: Process;
  /** One line for each start. */
  readonly log: string;
  runs: number;
  running: boolean;
}

async function startTargets(scope: Scope, program: string, count: number): Promise<Target[]> {
  const targets: Target[] = [];
  for (let number = 0; number < count; number++) {
    const log = join(scope.directory, `target-${number}`);
    const process = await scope.manager.processes.start({
      executable: program,
      args: [log, String(number * 15), String(targetExit)],
    });
    targets.push({ process, log, runs: 1, running: true });
  }
  return targets;
}

function startsOf(log: string): number {
  return existsSync(log) ? readFileSync(log, "latin1").split("\n").length - 1 : 0;
}

interface Round {
  readonly scope: Scope;
  readonly random: Random;
  readonly report: Report;
  readonly targets: readonly Target[];
  readonly what: "daemon" | "zygote";
  /** What the round before started, to be removed. */
  readonly last: Process | null;
}

/** One kill, with a stop or restart, a start and a removal under way. Answers what was started. */
async function round({ scope, random, report, targets, what, last }: Round): Promise<Process | null> {
  const target = random.pick(targets);
  const { processes } = scope.manager;
  const id = randomUUID();
  const code = random.below(50);
  const log = join(scope.directory, `short-${id}`);
  const program = target.process.info.spec.executable;
  const changed = change(target, random, report);
  const started = processes.start({ id, executable: program, args: [log, "0", String(code), "1"] });
  const removed = last === null ? null : processes.remove(last.id, { force: true });
  for (const call of [changed, started, removed]) call?.catch(() => {});
  await sleep(random.below(60));
  const killed = await (what === "daemon" ? scope.killDaemon() : scope.killZygote());
  if (killed) report.killed(what);
  report.round();
  const begun = performance.now();
  await scope.ensureDaemon();
  report.most("ms until a daemon was there again", performance.now() - begun);
  const results = await within(Promise.allSettled([changed, started, removed ?? Promise.resolve("")]), what, report);
  if (results === null) return null;
  for (const result of results) {
    if (result.status === "rejected")
      report.fail(`a call cut short by a kill of the ${what}: ${String(result.reason)}`);
  }
  if (last !== null) await checkRemoved(scope, last, report);
  const [, start] = results;
  if (start.status === "rejected") return null;
  report.count("starts, each once");
  const { run } = await start.value.wait({ until: "treeGone" });
  report.same(`exit code of ${id}`, run?.exit?.code, code);
  report.same(`starts of ${id}`, startsOf(log), 1);
  return start.value;
}

async function checkRemoved(scope: Scope, removed: Process, report: Report): Promise<void> {
  report.count("removals");
  const reason = await scope.manager.processes.get(removed.id).then(
    () => "it is there",
    (error: unknown) => (error instanceof Error && "reason" in error ? error.reason : String(error)),
  );
  report.same(`${removed.id} after its removal`, reason, "PROCESS_NOT_FOUND");
  report.same("its directory", existsSync(join(scope.runtimeDir, "p", removed.id)), false);
}

async function change(target: Target, random: Random, report: Report): Promise<void> {
  const { process } = target;
  if (target.running && random.chance(0.4)) {
    const { receipt, process: after } = await process.stop({ graceMs: 30_000 });
    target.running = false;
    report.count("stops interrupted");
    report.same(`stop of ${process.id} (${JSON.stringify(receipt)})`, receipt.outcome, "stopped");
    report.same(`exit code of ${process.id}`, after.run?.exit?.code, targetExit);
    report.same(`run of ${process.id} that was stopped`, after.run?.number, target.runs);
  } else {
    const after = await process.restart({ graceMs: 30_000 });
    target.runs++;
    target.running = true;
    report.count("restarts interrupted");
    report.same(`run of ${process.id} after a restart`, [after.state, after.run?.number], ["running", target.runs]);
  }
}

async function checkTarget({ process, log, runs, running }: Target, report: Report): Promise<void> {
  const info = await process.get();
  report.same(`state of ${process.id}`, info.state, running ? "running" : "exited");
  report.same(`runs of ${process.id}`, info.run?.number, runs);
  report.same(`starts of ${process.id}`, startsOf(log), runs);
  for (const run of (await process.runs()).slice(running ? 1 : 0)) {
    report.same(`exit code of run ${run.number} of ${process.id}`, run.exit?.code, targetExit);
  }
}

/** Null, and a failure, if it takes as long as only a hang does. */
async function within<T>(work: Promise<T>, what: string, report: Report): Promise<T | null> {
  const giveUp = new AbortController();
  const late = sleep(2 * hangMs, null, { signal: giveUp.signal }).catch(() => null);
  const result = await Promise.race([work, late]);
  giveUp.abort();
  if (result === null) report.fail(`still not done after ${(2 * hangMs) / 1000} s: ${what}`);
  return result;
}

function shuffle<T>(items: T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

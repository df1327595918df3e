/**
 * Kills aimed into single operations: the daemon, the zygote or both die at the
 * n-th change of a file below the runtime directory, or some microseconds after
 * the request. What was asked for is done once, whoever finishes it.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type FileChangeInfo, watch } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Process } from "../../src/sdk/index.ts";
import type { PartContext } from "../support/part.ts";
import type { Random } from "../support/random.ts";
import type { Report } from "../support/report.ts";
import { kill, Scope } from "../support/scope.ts";

const exitCode = 7;

interface Try {
  readonly scope: Scope;
  readonly report: Report;
  readonly random: Random;
  readonly program: string;
  /** Carries a request out with a kill in the middle of it. */
  readonly cut: <T>(request: () => Promise<T>) => Promise<T>;
}

export async function aimed({ random, report, programs, rounds, pm }: PartContext): Promise<void> {
  const scope = await Scope.open(pm === undefined ? {} : { pm });
  const cut = <T>(request: () => Promise<T>) => cutShort(scope, random, report, request);
  const tried: Try = { scope, report, random, program: programs.program("target"), cut };
  try {
    const operations = { start, stop, restart, remove, prune };
    for (let round = rounds(60); round > 0; round--) {
      for (const [name, operation] of Object.entries(operations)) {
        try {
          await operation(tried);
          report.count(`${name} cut short`);
          report.round();
        } catch (error) {
          report.fail(`${name} cut short: ${String(error)}`);
        }
      }
    }
    report.same("directories left", readdirSync(join(scope.runtimeDir, "p")), []);
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

/** The request is sent again by the SDK, to the next daemon. */
async function cutShort<T>(scope: Scope, random: Random, report: Report, request: () => Promise<T>): Promise<T> {
  await scope.ensureDaemon();
  const { daemonPid, zygotePid } = scope;
  const victims = random.pick([[daemonPid], [daemonPid], [zygotePid], [daemonPid, zygotePid]]);
  const stop = new AbortController();
  const changes = watchChanges(join(scope.runtimeDir, "p"), stop.signal);
  const shoot = () => {
    for (const pid of victims) {
      if (pid > 0 && kill(pid, "SIGKILL")) report.killed(pid === daemonPid ? "daemon" : "zygote");
    }
  };
  const aim = random.chance(0.6) ? changes(random.between(1, 8)) : pause(random.between(0, 20_000));
  const limit = sleep(500, undefined, { signal: stop.signal }).catch(() => {});
  const answer = request();
  answer.catch(() => {});
  await Promise.race([aim, limit, answer.catch(() => {})]);
  shoot();
  stop.abort();
  // What has no daemon any more starts one.
  return await answer;
}

/** Resolves at the n-th change of a file below the directory. */
function watchChanges(directory: string, signal: AbortSignal): (number: number) => Promise<void> {
  const events = watch(directory, { recursive: true, signal });
  return async (number) => {
    let left = number;
    try {
      for await (const _ of events as AsyncIterable<FileChangeInfo<string>>) {
        if (--left === 0) return;
      }
    } catch {
      // The request is over.
    }
  };
}

/** Microseconds: shorter than a timer can wait. */
async function pause(us: number): Promise<void> {
  const until = performance.now() + us / 1000;
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
}

function begin({ scope, program }: Try, endsAfterMs?: number): { log: string; options: Parameters<typeof startOf>[1] } {
  const log = join(scope.directory, `log-${randomUUID()}`);
  const last = endsAfterMs === undefined ? [] : [String(endsAfterMs)];
  return {
    log,
    options: { id: randomUUID(), executable: program, args: [log, "5", String(exitCode), ...last] },
  };
}

function startOf(scope: Scope, options: { id: string; executable: string; args: string[] }): Promise<Process> {
  return scope.manager.processes.start(options);
}

function startsIn(log: string): number {
  return existsSync(log) ? readFileSync(log, "latin1").split("\n").length - 1 : 0;
}

async function start(tried: Try): Promise<void> {
  const { scope, report, cut } = tried;
  const { log, options } = begin(tried);
  const process = await cut(() => startOf(scope, options));
  await scope.ensureDaemon();
  const info = await process.get();
  report.same("a start cut short", [info.id, info.state, info.run?.number], [options.id, "running", 1]);
  await untilBegan(scope, process);
  report.same("starts", startsIn(log), 1);
  await process.remove({ force: true });
}

async function stop(tried: Try): Promise<void> {
  const { scope, report, cut } = tried;
  const { options } = begin(tried);
  const process = await startOf(scope, options);
  await untilBegan(scope, process);
  const { receipt, process: after } = await cut(() => process.stop({ graceMs: 30_000 }));
  report.same(`a stop cut short (${JSON.stringify(receipt)})`, receipt.outcome, "stopped");
  const found = [after.state, after.run?.number, after.run?.exit?.code, after.desiredState];
  report.same("after a stop cut short", found, ["exited", 1, exitCode, "stopped"]);
  await scope.ensureDaemon();
  await process.remove();
}

async function restart(tried: Try): Promise<void> {
  const { scope, report, cut } = tried;
  const { log, options } = begin(tried);
  const process = await startOf(scope, options);
  await untilBegan(scope, process);
  const after = await cut(() => process.restart({ graceMs: 30_000 }));
  report.same("a restart cut short", [after.state, after.run?.number], ["running", 2]);
  await scope.ensureDaemon();
  await untilBegan(scope, process);
  report.same("starts", startsIn(log), 2);
  const runs = await process.runs();
  report.same(
    "runs after a restart cut short",
    runs.map(({ number, exit }) => [number, exit?.code]),
    [
      [2, undefined],
      [1, exitCode],
    ],
  );
  await process.remove({ force: true });
}

async function remove(tried: Try): Promise<void> {
  const { scope, report, random, cut } = tried;
  const living = random.chance(0.5);
  const { options } = begin(tried, living ? undefined : 0);
  const process = await startOf(scope, options);
  if (!living) await process.wait({ until: "treeGone" });
  report.same(
    "what was removed",
    await cut(() => scope.manager.processes.remove(process.id, { force: living })),
    process.id,
  );
  await scope.ensureDaemon();
  report.same("listed after a removal cut short", (await scope.manager.processes.listAll()).length, 0);
  report.same("its directory", existsSync(join(scope.runtimeDir, "p", process.id)), false);
}

/** It is not repeated by the SDK: it may fail, and is asked for again. */
async function prune(tried: Try): Promise<void> {
  const { scope, report, cut } = tried;
  const { processes } = scope.manager;
  const survivor = await startOf(scope, begin(tried).options);
  await untilBegan(scope, survivor);
  for (let count = 0; count < 4; count++) {
    await (await startOf(scope, begin(tried, 0).options)).wait({ until: "treeGone" });
  }
  await cut(() => processes.prune({ all: true })).catch(() => {});
  await scope.ensureDaemon();
  await processes.prune({ all: true });
  report.same(
    "listed after a prune cut short",
    (await processes.listAll()).map(({ id, state }) => [id, state]),
    [[survivor.id, "running"]],
  );
  await survivor.remove({ force: true });
}

/** It has said that it began. */
async function untilBegan(scope: Scope, process: Process): Promise<void> {
  for await (const frame of scope.manager.processes.stream(process.id, { follow: true })) {
    if (frame.type === "chunk") return;
  }
}

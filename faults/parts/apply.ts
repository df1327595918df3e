/**
 * Projects are applied, and the daemon is killed in the middle: in the end every
 * process runs as the last description says, was started once for each change
 * and once more for each time that it was killed, and nothing else was.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessInfo, ProjectProcessOptions } from "../../src/sdk/index.ts";
import type { PartContext } from "../support/part.ts";
import type { Random } from "../support/random.ts";
import type { Report } from "../support/report.ts";
import { hangMs, kill, Scope } from "../support/scope.ts";

/** Processes of the project, in levels each of which depends on the one before. */
const size = 24;
const level = 4;
/** Every so many processes change with each description. */
const changing = 3;
const project = "levels";

export async function apply(context: PartContext): Promise<void> {
  const { random, report, programs, rounds, pm } = context;
  const scope = await Scope.open(pm === undefined ? {} : { pm });
  try {
    const members = Array.from({ length: size }, (_, index) => new Member(scope, index));
    for (let generation = 1, count = rounds(40); generation <= count; generation++) {
      const processes = members.map((member) => member.described(programs.program("target"), generation));
      // The first time everything is new.
      for (const member of members) if (generation === 1 || member.changes) member.starts++;
      const applied = applyAndKill(scope, processes, random, report);
      const victim = generation === 1 ? null : random.pick(members.filter(({ changes }) => !changes));
      if (victim !== null) await victim.kill(scope, random, report);
      await applied;
      for (const [index, member] of members.entries()) {
        await member.check(scope, processes[index]?.spec.args ?? [], report);
      }
      const plan = await Array.fromAsync(scope.manager.projects.apply(project, { processes, dryRun: true }));
      const steps = plan.flatMap((frame) => (frame.type === "plan" ? frame.steps : []));
      report.same("what is left to do", steps.filter(({ action }) => action !== "none").length, 0);
      report.same("processes of the project", (await scope.manager.processes.listAll()).length, size);
      report.round();
    }
    await Array.fromAsync(scope.manager.projects.remove(project));
    report.same("processes of a removed project", (await scope.manager.processes.listAll()).length, 0);
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

/** Kills the daemon once to three times, each time at some step or some moments after one. */
async function applyAndKill(
  scope: Scope,
  processes: readonly ProjectProcessOptions[],
  random: Random,
  report: Report,
): Promise<void> {
  let kills = random.between(1, 3);
  let next = random.below(size / 2);
  let steps = 0;
  for await (const frame of scope.manager.projects.apply(project, { processes })) {
    steps += frame.type === "progress" ? 1 : 0;
    if (kills === 0 || steps < next) continue;
    kills--;
    next = steps + random.between(1, size / 2);
    await sleep(random.below(30));
    const zygote = random.chance(0.2);
    const killed = await (zygote ? scope.killZygote() : scope.killDaemon());
    if (killed) report.killed(zygote ? "zygote" : "daemon");
    await scope.ensureDaemon();
  }
  report.count("projects applied");
}

class Member {
  readonly name: string;
  readonly #index: number;
  readonly #log: string;
  /** How often it must have been executed. */
  starts = 0;

  constructor(scope: Scope, index: number) {
    this.name = `p${index}`;
    this.#index = index;
    this.#log = join(scope.directory, `apply-${index}-${randomUUID()}`);
  }

  get changes(): boolean {
    return this.#index % changing === 0;
  }

  described(program: string, generation: number): ProjectProcessOptions {
    const endMs = this.changes ? generation : 0;
    return {
      name: this.name,
      spec: {
        executable: program,
        args: [this.#log, String(endMs), "0"],
        restart: { mode: "always", backoff: { initialMs: 50, maxMs: 50, jitter: 0 } },
        ...(this.#index >= level && { dependsOn: [{ process: `p${this.#index - level}` }] }),
      },
    };
  }

  /** Its policy is to start it again, whoever sees that it ended. */
  async kill(scope: Scope, random: Random, report: Report): Promise<void> {
    const { run } = await scope.manager.processes.get(this.name);
    await sleep(random.below(100));
    if (run?.pid === undefined || !kill(run.pid, "SIGKILL")) return;
    this.starts++;
    report.count("processes killed meanwhile");
  }

  async check(scope: Scope, args: readonly (string | Uint8Array)[], report: Report): Promise<void> {
    const info = await this.#settled(scope);
    report.same(`state of ${this.name}`, info.state, "running");
    report.same(`arguments of ${this.name}`, info.spec.args, args);
    report.same(`starts of ${this.name}`, this.#executed(), this.starts);
    // One fault is told once.
    this.starts = this.#executed();
  }

  /** Running, and as often executed as it is to be, or as it is after a while. */
  async #settled(scope: Scope): Promise<ProcessInfo> {
    const deadline = performance.now() + hangMs;
    for (;;) {
      const info = await scope.manager.processes.get(this.name);
      const isDone = info.state === "running" && this.#executed() >= this.starts;
      if (isDone || performance.now() > deadline) return info;
      await sleep(20);
    }
  }

  #executed(): number {
    return existsSync(this.#log) ? readFileSync(this.#log, "latin1").split("\n").length - 1 : 0;
  }
}

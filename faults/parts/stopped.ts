/** Each part of pm is stopped (SIGSTOP) for a while, with requests under way. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LineCheck } from "../support/line-check.ts";
import type { PartContext } from "../support/part.ts";
import { kill, parentOf, Scope } from "../support/scope.ts";
import { startTarget, Target, targetExit, targetSpec } from "../support/target.ts";

export async function stopped(context: PartContext): Promise<void> {
  const { report, rounds } = context;
  const scope = await Scope.open();
  try {
    for (let round = rounds(10); round > 0; round--) {
      await shim(scope, context);
      await zygote(scope, context);
      await daemon(scope, context);
      await main(scope, context);
      await reader(scope, context);
    }
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

async function shim(scope: Scope, { report, programs, random }: PartContext): Promise<void> {
  const { process } = await startTarget(scope, programs.program("target"));
  const { pid = 0 } = (await process.get()).run ?? {};
  kill(parentOf(pid), "SIGSTOP");
  report.count("shims stopped");
  report.round();
  const force = random.chance(0.5);
  const { receipt } = await process.stop({ graceMs: 20_000, force });
  report.same("a stop with a stopped shim", receipt.outcome, "stopped");
  await process.remove();
}

async function zygote(scope: Scope, { report, programs, random }: PartContext): Promise<void> {
  const { zygotePid } = scope;
  kill(zygotePid, "SIGSTOP");
  report.count("zygotes stopped");
  report.round();
  const { log, spec } = targetSpec(scope, programs.program("target"));
  const starting = scope.manager.processes.start(spec);
  starting.catch(() => {});
  // Else the daemon continues it.
  if (random.chance(0.5)) {
    await sleep(random.between(10, 300));
    kill(zygotePid, "SIGCONT");
  }
  const target = new Target(await starting, log);
  await target.began(scope);
  report.same("starts with a stopped zygote", target.starts, 1);
  await target.process.remove({ force: true });
}

async function daemon(scope: Scope, { report, programs, random }: PartContext): Promise<void> {
  const target = await startTarget(scope, programs.program("target"));
  const { daemonPid } = scope;
  kill(daemonPid, "SIGSTOP");
  report.count("daemons stopped");
  report.round();
  const stopping = target.process.stop({ graceMs: 20_000 });
  const listing = scope.pm(["ls", "-aq"]);
  stopping.catch(() => {});
  await sleep(random.between(10, 1500));
  kill(daemonPid, "SIGCONT");
  const { receipt, exit } = await stopping;
  report.same("a stop with a stopped daemon", [receipt.outcome, exit?.code], ["stopped", targetExit]);
  const { code, out, err } = await listing;
  report.same(`pm ls with a stopped daemon (${err})`, [code, out], [0, `${target.process.id}\n`]);
  report.same("the daemon that was stopped", scope.daemonPid, daemonPid);
  await target.process.remove();
}

async function main(scope: Scope, { report, programs }: PartContext): Promise<void> {
  const { process } = await startTarget(scope, programs.program("target"));
  const { pid = 0 } = (await process.get()).run ?? {};
  kill(pid, "SIGSTOP");
  report.count("main processes stopped");
  report.round();
  const { receipt, exit } = await process.stop({ graceMs: 20_000 });
  report.same("a stop of a stopped process", [receipt.outcome, exit?.code], ["stopped", targetExit]);
  await process.remove();
}

/** What it does not take harms nobody, and reaches it later. */
async function reader(scope: Scope, { report, programs, random }: PartContext): Promise<void> {
  const seed = random.between(1, 1_000_000);
  const gate = join(scope.directory, `gate-${seed}`);
  const process = await scope.manager.processes.start({
    executable: programs.program("writer"),
    args: [String(seed), gate, "5", "0"],
    output: { limitBytes: 32 * 1024 * 1024 },
  });
  const child = scope.spawn(["logs", "-f", "--stream", "stdout", process.id]);
  const check = new LineCheck(seed, "o");
  child.stdout?.on("data", (data: Buffer) => check.take(data));
  if (child.stdout !== null) await once(child.stdout, "data");
  child.kill("SIGSTOP");
  report.count("readers stopped");
  report.round();
  await sleep(random.between(100, 800));
  writeFileSync(gate, "");
  const { run } = await process.wait({ until: "outputComplete" });
  report.same("exit code with a stopped reader", run?.exit?.code, 0);
  const closed = once(child, "close");
  child.kill("SIGCONT");
  const [code] = (await closed) as [number | null];
  report.same("exit code of a reader that was stopped", code, 0);
  report.compared("read by readers that were stopped", check.bytes);
  if (check.problem() !== "") report.fail(`a reader that was stopped: ${check.problem()}`);
  await process.remove();
}

/** Trees that do not want to end are stopped by force, with the daemon killed meanwhile: nothing survives. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { PartContext } from "../support/part.ts";
import { isAlive, Scope } from "../support/scope.ts";

const mark = "PM_FAULTS_TREE";

export async function trees({ seed, random, report, programs, rounds, pm }: PartContext): Promise<void> {
  const scope = await Scope.open(pm === undefined ? {} : { pm });
  try {
    const program = programs.program("tree");
    for (let round = rounds(100); round > 0; round--) {
      const name = `${seed}-${round}`;
      const process = await scope.manager.processes.start({
        executable: program,
        args: [String(random.between(1, 1_000_000)), String(random.between(2, 40))],
        env: { [mark]: name },
      });
      for await (const frame of process.stream({ follow: true })) {
        if (frame.type === "chunk" && Buffer.from(frame.data).includes("stands")) break;
      }
      const before = marked(name);
      report.count("processes in trees", before.length);
      const graceMs = random.pick([0, 50, 200]);
      const stopped = process.stop({ force: true, graceMs });
      stopped.catch(() => {});
      const interrupted = random.chance(0.5);
      if (interrupted) {
        await sleep(random.below(graceMs + 20));
        if (await scope.killDaemon()) report.killed("daemon");
        await scope.ensureDaemon();
      }
      const { receipt } = await stopped;
      report.same(`a forced stop of tree ${name} (${JSON.stringify(receipt)})`, receipt.outcome, "stopped");
      report.same(`survivors of tree ${name}`, marked(name), []);
      report.round();
      report.count(interrupted ? "trees stopped with the daemon killed" : "trees stopped");
      await process.remove();
    }
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

/** Living processes with this tree's mark in their environment, which they all inherit. */
function marked(name: string): number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(`${mark}=${name}\0`) && isAlive(pid));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

/** A full file system, by space and by inodes, on a tmpfs of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PartContext } from "../support/part.ts";
import { Scope } from "../support/scope.ts";
import { SmallMount } from "../support/small-mount.ts";
import { reasonOf, startTarget, Target, targetExit, targetSpec } from "../support/target.ts";

export async function full(context: PartContext): Promise<void> {
  for (let round = context.rounds(10); round > 0; round--) {
    await fill("space", "size=12m", (mount) => mount.fillSpace(), context);
    await fill("inodes", "size=64m,nr_inodes=300", (mount) => mount.fillInodes(), context);
  }
}

async function fill(
  what: string,
  options: string,
  exhaust: (mount: SmallMount) => void,
  { report, programs }: PartContext,
): Promise<void> {
  const mount = SmallMount.make(options);
  if (mount === null) {
    report.skip(`no ${what} left: this user may not mount`);
    return;
  }
  const logs = mkdtempSync(join(tmpdir(), "pm-faults-logs-"));
  const scope = await Scope.open({ base: mount.directory });
  try {
    const program = programs.program("target");
    const begin = () => startTarget(scope, program, { logs });
    const [stopped, restarted, left] = [await begin(), await begin(), await begin()];
    exhaust(mount);
    report.count(`times without ${what}`);
    report.round();

    const { receipt, exit } = await stopped.process.stop({ graceMs: 30_000 });
    report.same(`a stop without ${what}`, [receipt.outcome, exit?.code], ["stopped", targetExit]);

    const refused = await reasonOf(restarted.process.restart({ graceMs: 30_000 }));
    const after = await restarted.process.get();
    const runs = refused === "" ? 2 : 1;
    report.count(`restarts ${refused === "" ? "carried out" : "refused"} without ${what}`);
    if (refused !== "" && refused !== "START_FAILED") report.fail(`a restart without ${what} fails with ${refused}`);
    report.same(`after a restart without ${what} (${refused})`, [after.state, after.run?.number], ["running", runs]);

    const { log, spec } = targetSpec(scope, program, { logs });
    const failed = await reasonOf(scope.manager.processes.start(spec));
    report.count(`starts ${failed === "" ? "carried out" : "refused"} without ${what}`);
    if (failed !== "" && failed !== "START_FAILED") report.fail(`a start without ${what} fails with ${failed}`);
    const started = await reasonOf(scope.manager.processes.get(spec.id));
    report.same(`a start without ${what} (${failed})`, started, failed === "" ? "" : "PROCESS_NOT_FOUND");

    if (await scope.killDaemon()) report.killed("daemon");
    exhaust(mount);
    await scope.ensureDaemon();
    const states = await Promise.all([restarted, left].map(async ({ process }) => (await process.get()).state));
    report.same(`for the next daemon without ${what}`, states, ["running", "running"]);
    // Ended processes give way where that makes room.
    const ended = await stopped.process.get().catch(() => null);
    if (ended !== null)
      report.same(`the exit code, for the next daemon without ${what}`, ended.run?.exit?.code, targetExit);
    await scope.manager.processes.prune({ all: true });

    mount.free();
    const again = await left.process.restart({ graceMs: 30_000 });
    report.same(`a restart with ${what} again`, [again.state, again.run?.number], ["running", 2]);
    await left.began(scope);
    report.same("starts", left.starts, 2);
    if (failed === "") report.same("starts", new Target(await scope.manager.processes.handle(spec.id), log).starts, 1);
  } finally {
    mount.free();
    for (const remains of await scope.close()) report.fail(`left over: ${remains}`);
    mount.remove();
    rmSync(logs, { recursive: true });
  }
}

/** Garbled, truncated, newer and missing files, of living and ended processes: see `garbled-rounds.ts`. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { processesOf } from "../../test/support/leftovers.ts";
import type { PartContext } from "../support/part.ts";
import type { Report } from "../support/report.ts";
import { hangMs, kill, memoryDirectory } from "../support/scope.ts";
import { runWatched } from "../support/watched-child.ts";
import type { RoundResult } from "./garbled-rounds.ts";

const script = join(import.meta.dirname, "garbled-rounds.ts");
/** A daemon that finds a few processes has always started in less. */
const openLimitMs = 10_000;

export async function garbled({ seed, report, rounds }: PartContext): Promise<void> {
  const wanted = rounds(1000);
  const base = mkdtempSync(join(memoryDirectory(), "pmg-"));
  try {
    await play({ base, wanted, seed, report });
  } finally {
    // What a script that was killed has left.
    for (const { pid } of processesOf(base)) kill(pid, "SIGKILL");
    rmSync(base, { recursive: true, force: true });
  }
}

interface Play {
  readonly base: string;
  readonly wanted: number;
  readonly seed: number;
  readonly report: Report;
}

async function play({ base, wanted, seed, report }: Play): Promise<void> {
  let garblings = 0;
  for (let first = 0; garblings < wanted; ) {
    let next = first;
    let last = "";
    await runWatched(script, [base, String(seed), String(first), String(wanted - garblings)], hangMs, (line) => {
      const result = JSON.parse(line) as RoundResult;
      last = result.what;
      if (result.phase === "begun") return;
      next = result.round + 1;
      garblings += result.garblings;
      report.count("garblings", result.garblings);
      report.round();
      report.most("ms until a daemon had started", result.openMs);
      if (result.openMs > openLimitMs)
        report.fail(`round ${result.round}: the start took ${result.openMs} ms: ${last}`);
      for (const problem of result.problems) report.fail(`round ${result.round}: ${last}: ${problem}`);
      if (result.round % 100 === 99) report.progress(`${garblings} of ${wanted} garblings`);
    });
    if (garblings >= wanted) return;
    report.fail(`round ${next} hung or ended the daemon: ${last}`);
    first = next + 1;
  }
}

import type { ProcessInfo } from "../engine/api/process.ts";
import { isUnderWay } from "./restart/outcome.ts";
import { keptOf, policyOf } from "./status.ts";

/** What can be waited for of a process, whichever run it is in. */
export type Wellbeing = "ready" | "healthy";

/** Whether a process is so, will not become so by itself, or may yet. Pure. */
export function wellbeingOf(process: ProcessInfo, wanted: Wellbeing): "met" | "never" | "notYet" {
  const { run } = process;
  if (run.number > 0 && run.state === "running") {
    const kept = keptOf(process);
    const { readiness, liveness } = policyOf(process);
    const probed = wanted === "ready" ? readiness !== null : liveness !== null;
    const found = wanted === "ready" ? kept.readiness === "ready" : kept.health === "healthy";
    return !probed || (kept.run === run.number && found) ? "met" : "notYet";
  }
  return isUnderWay(process) || process.state === "waiting" ? "notYet" : "never";
}

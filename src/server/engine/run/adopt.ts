import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { membersOf } from "../shim/descendants.ts";
import { type LivingShim, openFileOf } from "./find-shims.ts";
import type { Run } from "./run.ts";

/** Manages a run by the shim that was found in the process table, whatever its ring says of that. */
export function adoptShim(core: Core, process: ManagedProcess, run: Run, { pid, start }: LivingShim): void {
  // Whatever lies at the ring's path now: the next look is at the file that the shim writes to.
  core.rings.release(run);
  const paths = core.paths(process, run.number);
  run.adoption = {
    shimPid: pid,
    shimStart: start,
    control: openFileOf(pid, paths.control),
    ring: openFileOf(pid, paths.ring),
  };
  run.members = membersOf(pid);
  core.zygote.adopt(process.id, run.number, pid, start);
}

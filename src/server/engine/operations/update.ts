import type { ProcessUpdate, RequestContext } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { normalizeSpec } from "../process/spec.ts";
import { checkPrecondition } from "./conditions.ts";
import { checkName, unsupportedLimit } from "./start.ts";
import { causeOf, untilStarted } from "./stop.ts";

/** Changes a process's name, its labels, or what its next run is started with. */
export async function update(
  core: Core,
  process: ManagedProcess,
  change: (process: ProcessInfo) => ProcessUpdate,
  context: RequestContext,
): Promise<ProcessInfo> {
  await untilStarted(core, process);
  // What is changed before a restart's own spec takes its place would be lost.
  while (process.nextSpec !== null && process.restarting !== null) {
    await process.restarting.catch(() => {});
    core.checkOpen();
  }
  core.checkPresent(process);
  checkPrecondition(core, process, context);
  const wanted = change(core.table.info(process));
  const before = { name: process.name, labels: process.labels, spec: process.spec };
  const after = {
    name: wanted.name ?? before.name,
    labels: wanted.labels ?? before.labels,
    spec: wanted.spec === undefined ? before.spec : normalizeSpec(wanted.spec, core.options),
  };
  if (after.name !== before.name) {
    if (!process.current.ended) checkName(core, after.name, process);
  }
  if (wanted.spec !== undefined) unsupportedLimit(core, after.spec);
  set(core, process, after);
  try {
    core.save(process);
  } catch (error) {
    set(core, process, before);
    throw error;
  }
  core.note(process, "updated", causeOf(context));
  return core.table.info(process);
}

function set(core: Core, process: ManagedProcess, to: Pick<ManagedProcess, "name" | "labels" | "spec">): void {
  core.table.rename(process, to.name);
  process.labels = to.labels;
  process.spec = to.spec;
}

import type { RequestContext } from "../api/control.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";

/** Refuses a request whose precondition does not hold. Called right before it is carried out. */
export function checkPrecondition(core: Core, process: ManagedProcess, { precondition }: RequestContext): void {
  if (precondition === null) return;
  const { run, resourceVersion } = precondition;
  if (run !== null && run !== process.current.number) {
    throw conditionFailed("precondition.run", String(run), String(process.current.number));
  }
  if (resourceVersion !== "") {
    core.refresh(process);
    const actual = core.table.version(process.changedAt);
    if (resourceVersion !== actual) throw conditionFailed("precondition.resource_version", resourceVersion, actual);
  }
}

export function conditionFailed(field: string, expected: string, actual: string): EngineError {
  return new EngineError("CONDITION_FAILED", `${field} is ${actual}, not ${expected}; nothing was done`, {
    field,
    expected,
    actual,
  });
}

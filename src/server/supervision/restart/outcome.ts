import type { ProcessInfo } from "../../engine/api/process.ts";
import type { RunInfo } from "../../engine/api/run.ts";

/** Whether a run has ended with one of the codes that count as a success. */
export function succeeded(run: RunInfo, successCodes: readonly number[]): boolean {
  const code = run.state === "exited" ? (run.exit?.code ?? null) : null;
  return code !== null && (successCodes.length === 0 ? code === 0 : successCodes.includes(code));
}

/** Whether the latest run has ended; false if there was none yet. */
export function hasEnded(process: ProcessInfo): boolean {
  const { number, state } = process.run;
  return number > 0 && (state === "exited" || state === "failed" || state === "lost");
}

/** Whether a run is under way. */
export function isUnderWay(process: ProcessInfo): boolean {
  const { number, state } = process.run;
  return number > 0 && (state === "starting" || state === "running" || state === "stopping");
}

/** How a run ended, in a few words. */
export function describeEnd(run: RunInfo): string {
  switch (run.state) {
    case "failed":
      return run.failure === null ? "could not be started" : `could not be started: ${run.failure.message}`;
    case "lost":
      return "lost";
    default:
      return run.exit === null
        ? "ended"
        : run.exit.code === null
          ? `killed by ${run.exit.signalName}`
          : `exit code ${run.exit.code}`;
  }
}

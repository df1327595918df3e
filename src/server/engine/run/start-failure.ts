import type { StartFailure, StartStep } from "../api/run.ts";
import type { ProcessSpec } from "../api/spec.ts";
import { EngineError } from "../errors.ts";
import { show } from "../process/text.ts";
import { errnoName, errnoText } from "../shim/errno.ts";
import { Step } from "../shim/layout.ts";
import type { RingHeader } from "../shim/ring-header.ts";
import { isStartStep } from "./run.ts";

const stepNames: Readonly<Record<StartStep, string>> = {
  1: "prepare",
  2: "shim",
  3: "output",
  4: "pipe",
  5: "fork",
  6: "session",
  7: "cgroup",
  8: "limits",
  9: "chdir",
  10: "stdio",
  11: "exec",
  12: "priority",
};

export function failure(step: StartStep, errno: number, path: string, message = ""): StartFailure {
  return {
    step,
    errno: errno === 0 ? null : errno,
    errnoName: errno === 0 ? "" : errnoName(errno),
    message: message === "" ? errnoText(errno) : message,
    path,
  };
}

/** A failure of the daemon's own file work, as the operating system put it. */
export function prepareFailure(error: unknown, path: string): StartFailure {
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? -error.errno : 0;
  const where = error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : path;
  return errno > 0 ? failure(Step.prepare, errno, where) : failure(Step.prepare, 0, where, String(error));
}

/** What a ring in state FAILED says. `candidates` are the paths that were tried. */
export function ringFailure(header: RingHeader, spec: ProcessSpec, cwd: string, candidates: string[]): StartFailure {
  const step = isStartStep(header.failStep) ? header.failStep : Step.shim;
  let path = "";
  if (step === Step.chdir) path = cwd;
  // Of a name that no directory of PATH has, the name says more than the last place looked at.
  else if (step === Step.exec) {
    path =
      candidates.length > 1 && header.failErrno === 2 ? show(spec.executable) : (candidates[header.failPath] ?? "");
  }
  const base = failure(step, header.failErrno, path);
  const limit = step === Step.limits ? spec.limits.rlimits[header.failPath] : undefined;
  return limit === undefined ? base : { ...base, message: `${base.message} (${limit.resource})` };
}

export function startFailed(id: string, spec: ProcessSpec, cause: StartFailure): EngineError {
  const executable = show(spec.executable);
  const where = cause.path === "" || cause.path === executable ? "" : `${cause.path}: `;
  const metadata: Record<string, string> = {
    id,
    step: stepNames[cause.step],
    errno: String(cause.errno ?? 0),
    errno_name: cause.errnoName,
    errno_text: cause.message,
  };
  if (cause.path !== "") metadata["path"] = cause.path;
  return new EngineError(
    "START_FAILED",
    `cannot start ${executable}: ${where}${cause.message} (step ${stepNames[cause.step]})`,
    metadata,
  );
}

import type { Cause, CauseKind } from "../../../sdk/types.ts";

const WORDS: Readonly<Record<CauseKind, string>> = {
  request: "on request",
  exit: "by itself",
  restartPolicy: "restart policy",
  probe: "probe",
  dependency: "dependency",
  schedule: "schedule",
  queue: "queue",
  retention: "retention",
  recovery: "found by a new daemon",
  startFailure: "start failure",
  boot: "machine started",
  limit: "limit exceeded",
  project: "project",
  unknown: "",
};

/** The principal of whoever is on the daemon's machine: that goes without saying. */
const LOCAL = "local";

/** Why something happened: "on request of alice", "exit code 1", "restart policy: 2nd attempt"; "": nothing is known. */
export function causeText(cause: Cause | undefined): string {
  if (cause === undefined) {
    return "";
  }
  const { kind, principal, detail } = cause;
  if (kind === "exit") {
    return detail || WORDS[kind];
  }
  const who = principal === undefined || principal === LOCAL ? "" : ` of ${principal}`;
  return [`${WORDS[kind]}${who}`, detail].filter(Boolean).join(": ");
}

/** The contract's reasons, and the status code of each. */
import { Code } from "@connectrpc/connect";
import type { ErrorReasonJson } from "../../../gen/ts/pm/v1/errors_pb.ts";

/** Names of `pm.v1.ErrorReason` without the prefix. */
export type Reason = ErrorReasonJson extends `ERROR_REASON_${infer Name}` ? Exclude<Name, "UNSPECIFIED"> : never;

const codes: Readonly<Record<Reason, Code>> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_ID: Code.InvalidArgument,
  PROCESS_NOT_FOUND: Code.NotFound,
  CONDITION_FAILED: Code.Aborted,
  PROCESS_EXISTS: Code.AlreadyExists,
  NAME_IN_USE: Code.AlreadyExists,
  START_FAILED: Code.FailedPrecondition,
  NOT_RUNNING: Code.FailedPrecondition,
  STILL_RUNNING: Code.FailedPrecondition,
  INPUT_CLOSED: Code.FailedPrecondition,
  RUN_NOT_FOUND: Code.NotFound,
  OFFSET_OUT_OF_RANGE: Code.OutOfRange,
  RESOURCE_VERSION_EXPIRED: Code.OutOfRange,
  PAGE_TOKEN_INVALID: Code.InvalidArgument,
  UNSUPPORTED_LIMIT: Code.FailedPrecondition,
  LIMIT_EXCEEDED: Code.ResourceExhausted,
  SHUTTING_DOWN: Code.Unavailable,
  SUPERVISOR_LOST: Code.FailedPrecondition,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  RATE_LIMITED: Code.ResourceExhausted,
  UNKNOWN_FIELD: Code.InvalidArgument,
  ALL_REQUIRED: Code.InvalidArgument,
  OUTPUT_HELD: Code.FailedPrecondition,
  HOLD_REFUSED: Code.FailedPrecondition,
  REQUEST_ID_REUSED: Code.AlreadyExists,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  UNKNOWN_METHOD: Code.Unimplemented,
  INTERNAL: Code.Internal,
  OUTPUT_UNREADABLE: Code.DataLoss,
  SCHEDULE_NOT_FOUND: Code.NotFound,
  SCHEDULE_EXISTS: Code.AlreadyExists,
  QUEUE_NOT_FOUND: Code.NotFound,
  QUEUE_NOT_EMPTY: Code.FailedPrecondition,
  PROJECT_NOT_FOUND: Code.NotFound,
  DEPENDENCY_CYCLE: Code.InvalidArgument,
  SUPERSEDED: Code.Aborted,
};

/** A start that failed because the machine lacked something, rather than because of the spec. */
const exhaustedErrnos = new Set(["EAGAIN", "ENOMEM", "ENOSPC", "EMFILE", "ENFILE", "EDQUOT"]);

export function codeOf(reason: Reason, metadata: Readonly<Record<string, string>>): Code {
  return reason === "START_FAILED" && exhaustedErrnos.has(metadata["errno_name"] ?? "")
    ? Code.ResourceExhausted
    : codes[reason];
}

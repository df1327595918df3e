/**
 * The reasons of the contract (`ErrorReason` in proto/pm/v1/errors.proto, without the prefix) with the status code that
 * each travels with. Without a use of generated code, so that the engine and short-lived clients may import it; a test
 * compares the two.
 */

/** The Connect and gRPC status codes, by their Connect names. */
export type StatusCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** The status code of each reason. START_FAILED comes with RESOURCE_EXHAUSTED where the machine lacked something. */
export const statusCodes = {
  INVALID_ARGUMENT: "invalid_argument",
  INVALID_ID: "invalid_argument",
  PROCESS_NOT_FOUND: "not_found",
  CONDITION_FAILED: "aborted",
  PROCESS_EXISTS: "already_exists",
  NAME_IN_USE: "already_exists",
  START_FAILED: "failed_precondition",
  NOT_RUNNING: "failed_precondition",
  STILL_RUNNING: "failed_precondition",
  INPUT_CLOSED: "failed_precondition",
  RUN_NOT_FOUND: "not_found",
  OFFSET_OUT_OF_RANGE: "out_of_range",
  RESOURCE_VERSION_EXPIRED: "out_of_range",
  PAGE_TOKEN_INVALID: "invalid_argument",
  UNSUPPORTED_LIMIT: "failed_precondition",
  LIMIT_EXCEEDED: "resource_exhausted",
  SHUTTING_DOWN: "unavailable",
  SUPERVISOR_LOST: "failed_precondition",
  UNAUTHENTICATED: "unauthenticated",
  PERMISSION_DENIED: "permission_denied",
  RATE_LIMITED: "resource_exhausted",
  UNKNOWN_FIELD: "invalid_argument",
  ALL_REQUIRED: "invalid_argument",
  OUTPUT_HELD: "failed_precondition",
  HOLD_REFUSED: "failed_precondition",
  REQUEST_ID_REUSED: "already_exists",
  DEADLINE_EXCEEDED: "deadline_exceeded",
  UNKNOWN_METHOD: "unimplemented",
  INTERNAL: "internal",
  OUTPUT_UNREADABLE: "data_loss",
  SCHEDULE_NOT_FOUND: "not_found",
  SCHEDULE_EXISTS: "already_exists",
  QUEUE_NOT_FOUND: "not_found",
  QUEUE_NOT_EMPTY: "failed_precondition",
  PROJECT_NOT_FOUND: "not_found",
  DEPENDENCY_CYCLE: "invalid_argument",
  SUPERSEDED: "aborted",
  SUPERVISOR_UNRESPONSIVE: "unavailable",
} as const satisfies Readonly<Record<string, StatusCode>>;

/** What the daemon says: every reason of the contract. */
export type ContractErrorReason = keyof typeof statusCodes;

/** Whether this version knows the reason: a newer daemon may have more. */
export function isContractErrorReason(reason: string): reason is ContractErrorReason {
  return Object.hasOwn(statusCodes, reason);
}

/** Names of `pm.v1.ErrorReason` that supervision raises, without the prefix. */
export type SupervisionErrorReason =
  | "INVALID_ARGUMENT"
  | "CONDITION_FAILED"
  | "PROCESS_NOT_FOUND"
  | "NAME_IN_USE"
  | "LIMIT_EXCEEDED"
  | "SHUTTING_DOWN"
  | "SCHEDULE_NOT_FOUND"
  | "SCHEDULE_EXISTS"
  | "QUEUE_NOT_FOUND"
  | "QUEUE_NOT_EMPTY"
  | "PROJECT_NOT_FOUND"
  | "DEPENDENCY_CYCLE"
  | "SUPERSEDED";

/** Supervision's one error class. `metadata` holds the keys documented at the reason. */
export class SupervisionError extends Error {
  override readonly name = "SupervisionError";
  readonly reason: SupervisionErrorReason;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: SupervisionErrorReason, message: string, metadata: Record<string, string> = {}) {
    super(message);
    this.reason = reason;
    this.metadata = metadata;
  }
}

/** Names of `pm.v1.ErrorReason` that the engine raises, without the prefix. */
export type EngineErrorReason =
  | "INVALID_ARGUMENT"
  | "INVALID_ID"
  | "PROCESS_NOT_FOUND"
  | "CONDITION_FAILED"
  | "PROCESS_EXISTS"
  | "NAME_IN_USE"
  | "START_FAILED"
  | "NOT_RUNNING"
  | "STILL_RUNNING"
  | "INPUT_CLOSED"
  | "RUN_NOT_FOUND"
  | "OFFSET_OUT_OF_RANGE"
  | "RESOURCE_VERSION_EXPIRED"
  | "PAGE_TOKEN_INVALID"
  | "UNSUPPORTED_LIMIT"
  | "LIMIT_EXCEEDED"
  | "SHUTTING_DOWN"
  | "SUPERVISOR_LOST"
  | "SUPERVISOR_UNRESPONSIVE"
  | "OUTPUT_HELD"
  | "HOLD_REFUSED"
  | "REQUEST_ID_REUSED"
  | "OUTPUT_UNREADABLE";

/** The engine's one error class. `metadata` holds the keys documented at the reason. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly reason: EngineErrorReason;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: EngineErrorReason, message: string, metadata: Record<string, string> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.metadata = metadata;
  }
}

/** What went wrong, as clients see it: a status code and a google.rpc.ErrorInfo detail. */
import { randomUUID } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import type { ErrorReasonJson } from "../../../gen/ts/pm/v1/errors_pb.ts";
import { EngineError } from "../engine/errors.ts";
import type { Log } from "../log.ts";

/** Names of `pm.v1.ErrorReason` without the prefix. */
export type Reason = ErrorReasonJson extends `ERROR_REASON_${infer Name}` ? Exclude<Name, "UNSPECIFIED"> : never;

const codes: Readonly<Record<Reason, Code>> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_ID: Code.InvalidArgument,
  PROCESS_NOT_FOUND: Code.NotFound,
  PROCESS_AMBIGUOUS: Code.FailedPrecondition,
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
};

/** A start that failed because the machine lacked something, rather than the spec. */
const exhaustedErrnos = new Set(["EAGAIN", "ENOMEM", "ENOSPC", "EMFILE", "ENFILE", "EDQUOT"]);

/** Trailers share a budget of 8 to 16 KiB with many clients: errors stay well below. */
const maxMessageLength = 2048;
const maxMetadataLength = 1024;

export function reasonError(
  reason: Reason,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): ConnectError {
  const code =
    reason === "START_FAILED" && exhaustedErrnos.has(metadata["errno_name"] ?? "")
      ? Code.ResourceExhausted
      : codes[reason];
  const short = Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [key, shorten(value, maxMetadataLength)]),
  );
  return new ConnectError(shorten(message, maxMessageLength), code, undefined, [errorInfo(reason, short)]);
}

export function shuttingDown(): ConnectError {
  return reasonError("SHUTTING_DOWN", "the daemon is stopping; processes run on, try again when the next one is up");
}

/**
 * Any failure of a handler as an error for the client. What is not the
 * client's business stays in the log, under an id that the client is told.
 */
export function toConnectError(error: unknown, log: Log, method: string): ConnectError {
  if (error instanceof EngineError) {
    return reasonError(error.reason, error.message, error.metadata);
  }
  if (error instanceof ConnectError) {
    return error;
  }
  if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError" || isReset(error))) {
    return new ConnectError("the call was canceled", Code.Canceled);
  }
  const id = randomUUID();
  log.error({ err: error, errorId: id, method }, "a call failed unexpectedly");
  return new ConnectError(`internal error ${id}: the daemon's log says more`, Code.Internal);
}

/** Adds the contract's reason to a refusal of the RPC library itself, which knows of none. */
export function giveReason(error: unknown): void {
  if (!(error instanceof ConnectError) || error.details.length > 0) {
    return;
  }
  if (error.code === Code.ResourceExhausted) {
    error.details.push(errorInfo("LIMIT_EXCEEDED", { limit: "message_bytes" }));
  } else if (error.code === Code.InvalidArgument) {
    error.details.push(errorInfo("INVALID_ARGUMENT", {}));
  }
}

function errorInfo(reason: Reason, metadata: Record<string, string>) {
  return { desc: ErrorInfoSchema, value: { reason, domain: "pm", metadata } };
}

/** The client took its request back before it had sent all of it. */
function isReset(error: Error): boolean {
  return "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** What went wrong, as clients see it: a status code, a google.rpc.ErrorInfo detail, and more details where they help. */
import { randomUUID } from "node:crypto";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { EngineError } from "../engine/errors.ts";
import type { Log } from "../log.ts";
import { SupervisionError } from "../supervision/errors.ts";
import { checked, type Field, InvalidRequest, type Violation } from "./edge/field.ts";
import { codeOf, type Reason } from "./reasons.ts";

/** Every kind of detail that an error of the daemon may carry. */
export const errorDetails: readonly DescMessage[] = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema];

/** Trailers share a budget of 8 to 16 KiB with many clients: errors stay well below. */
const maxMessageLength = 2048;
const maxMetadataLength = 1024;
const maxViolationsLength = 3072;

/** What the RPC library calls internal although the client sent something that cannot be decoded. */
const malformed = /^(?:parse binary: |received compressed envelope)/;

/** What the RPC library says of a method of a known service that nobody implements. */
const unimplemented = / is not implemented$/;

/** A failure in the contract's terms, whatever carries it: an error of a call, or a result of a call by filter. */
export interface Failure {
  readonly reason: Reason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function reasonError(
  reason: Reason,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): ConnectError {
  return connectError(shortened({ reason, message, metadata }), retryDetails(metadata));
}

export function shuttingDown(): ConnectError {
  return reasonError(
    "SHUTTING_DOWN",
    "the daemon is stopping; processes keep running, try again when the next daemon is up",
  );
}

/** What a call or one step of it failed with. What is not the client's business stays in the log, under an id. */
export function toFailure(error: unknown, log: Log, method: string): Failure {
  if (error instanceof EngineError || error instanceof SupervisionError) {
    return shortened(error);
  }
  if (error instanceof InvalidRequest) {
    return violationFailure(error);
  }
  const id = randomUUID();
  log.error({ err: error, errorId: id, method }, "a call failed unexpectedly");
  return {
    reason: "INTERNAL",
    message: `internal error ${id}: the daemon's log says more`,
    metadata: { error_id: id },
  };
}

/** Any failure of a handler as an error for the client. */
export function toConnectError(error: unknown, log: Log, method: string): ConnectError {
  if (error instanceof ConnectError) {
    // One of the library's own gets its reason as the call ends: see addReason.
    return error;
  }
  if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError" || isReset(error))) {
    return new ConnectError("the call was canceled", Code.Canceled);
  }
  const failure = toFailure(error, log, method);
  return connectError(failure, error instanceof InvalidRequest ? [badRequest(error.violations)] : []);
}

/**
 * Adds the contract's reason to an error of the RPC library, which knows of
 * none. It is changed in place: the library has it already, and writes it down
 * next.
 *
 * @param refuseUnknown notes the unknown fields of the request, if its JSON can still be read
 */
export function addReason(error: unknown, log: Log, refuseUnknown: (request: Field) => void = () => {}): void {
  if (!(error instanceof ConnectError) || error.details.length > 0) {
    return;
  }
  const isMalformed = error.code === Code.Internal && malformed.test(error.rawMessage);
  if (isMalformed) {
    Object.assign(error, { code: Code.InvalidArgument });
  }
  switch (isMalformed ? Code.InvalidArgument : error.code) {
    case Code.ResourceExhausted:
      error.details.push(errorInfo("LIMIT_EXCEEDED", { limit: "message_bytes" }));
      break;
    case Code.DeadlineExceeded:
      error.details.push(errorInfo("DEADLINE_EXCEEDED", {}));
      break;
    case Code.Unimplemented:
      if (unimplemented.test(error.rawMessage)) {
        error.details.push(errorInfo("UNKNOWN_METHOD", {}));
        break;
      }
      addViolations(error, refuseUnknown);
      break;
    case Code.InvalidArgument:
      addViolations(error, refuseUnknown);
      break;
    case Code.Internal: {
      const id = randomUUID();
      log.error({ err: error, errorId: id }, "a call failed unexpectedly");
      error.details.push(errorInfo("INTERNAL", { error_id: id }));
      break;
    }
    default:
  }
}

function addViolations(error: ConnectError, refuseUnknown: (request: Field) => void): void {
  try {
    checked(refuseUnknown);
    error.details.push(errorInfo("INVALID_ARGUMENT", {}));
  } catch (invalid) {
    if (!(invalid instanceof InvalidRequest)) {
      throw invalid;
    }
    const { reason, message, metadata } = violationFailure(invalid);
    Object.assign(error, { rawMessage: message, message: `[invalid_argument] ${message}` });
    error.details.push(errorInfo(reason, metadata), badRequest(invalid.violations));
  }
}

function connectError(
  { reason, message, metadata }: Failure,
  details: readonly ConnectError["details"][number][],
): ConnectError {
  return new ConnectError(message, codeOf(reason, metadata), undefined, [
    errorInfo(reason, metadata),
    ...(details as ReturnType<typeof errorInfo>[]),
  ]);
}

/** What the first violation says, with the text of all of them. */
function violationFailure({ violations, message }: InvalidRequest): Failure {
  const [{ reason, field, metadata }] = violations;
  return shortened({ reason, message, metadata: { ...(field !== "" && { field }), ...metadata } });
}

function badRequest(violations: readonly Violation[]) {
  let room = maxViolationsLength;
  const shown: MessageInitShape<typeof BadRequest_FieldViolationSchema>[] = [];
  for (const { field, problem, reason } of violations) {
    const violation = { field: shorten(field, 256), description: shorten(problem, 512), reason };
    room -= violation.field.length + violation.description.length + reason.length;
    if (room < 0) {
      const more = violations.length - shown.length;
      shown.push({ field: "", description: `and ${more} more`, reason: "INVALID_ARGUMENT" });
      break;
    }
    shown.push(violation);
  }
  return { desc: BadRequestSchema, value: { fieldViolations: shown } };
}

function retryDetails(metadata: Readonly<Record<string, string>>) {
  const seconds = metadata["retry_after_seconds"];
  return seconds === undefined
    ? []
    : [{ desc: RetryInfoSchema, value: { retryDelay: { seconds: BigInt(seconds), nanos: 0 } } }];
}

function errorInfo(reason: Reason, metadata: Readonly<Record<string, string>>) {
  return { desc: ErrorInfoSchema, value: { reason, domain: "pm", metadata: { ...metadata } } };
}

function shortened({ reason, message, metadata }: Failure): Failure {
  return {
    reason,
    message: shorten(message, maxMessageLength),
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key, shorten(value, maxMetadataLength)]),
    ),
  };
}

/** The client took its request back before it had sent all of it. */
function isReset(error: Error): boolean {
  return "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** The SDK's one error class and the reasons it gives. */
import type { ErrorReasonJson } from "../../gen/ts/pm/v1/errors_pb.ts";

type WithoutPrefix<Name> = Name extends `ERROR_REASON_${infer Rest}` ? Rest : never;

/** What the daemon says: every `pm.v1.ErrorReason` without its prefix. */
export type ContractErrorReason = Exclude<WithoutPrefix<ErrorReasonJson>, "UNSPECIFIED">;

/** What the client finds out by itself. */
export type ClientErrorReason =
  /** There is no connection to the daemon, so the request was not sent. */
  | "UNREACHABLE"
  /** The connection was lost before the answer; whether the request took effect is unknown. */
  | "DISCONNECTED"
  /** The call's `timeoutMs` is over; whether the request took effect is unknown. */
  | "TIMEOUT"
  /** The call's `signal` was aborted; whether the request took effect is unknown. */
  | "ABORTED"
  /** The daemon's certificate does not come from the given CA, or not for this name, or is out of date. */
  | "TLS_SERVER_UNTRUSTED"
  /** The daemon wants a client certificate and was given none that it accepts. */
  | "TLS_CLIENT_REJECTED"
  /** The TLS handshake failed otherwise, for example over the version. */
  | "TLS_FAILED"
  /** Whoever answered does not speak the contract. */
  | "PROTOCOL"
  /** Bytes that the caller wanted in full were evicted by the output bound. */
  | "OUTPUT_GAP"
  /** A fault of the daemon; its log says more. */
  | "INTERNAL";

/** Why a call failed. Decide by this, never by a message. */
export type PmErrorReason = ContractErrorReason | ClientErrorReason;

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

/** What {@link PmError} is made of. */
export interface PmErrorInit {
  readonly code: StatusCode;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * What every call rejects with.
 *
 * @example
 * ```ts
 * try {
 *   await pm.get("api");
 * } catch (error) {
 *   if (error instanceof PmError && error.reason === "PROCESS_NOT_FOUND") …
 * }
 * ```
 */
export class PmError extends Error {
  override readonly name = "PmError";
  /** Why, for programs. */
  readonly reason: PmErrorReason;
  /** The status code on the wire, or the one nearest in meaning for what the client found out itself. */
  readonly code: StatusCode;
  /** The keys documented at the reason in `proto/pm/v1/errors.proto`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What to do about it, for people. Undefined if there is nothing sensible to say. */
  readonly hint: string | undefined;

  constructor(reason: PmErrorReason, message: string, init: PmErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = reason;
    this.code = init.code;
    this.metadata = init.metadata ?? {};
    this.hint = init.hint ?? hintFor(reason, this.metadata);
  }
}

function hintFor(reason: PmErrorReason, metadata: Readonly<Record<string, string>>): string | undefined {
  switch (reason) {
    case "PROCESS_NOT_FOUND":
      return metadata["suggestion"] === undefined ? undefined : `did you mean "${metadata["suggestion"]}"?`;
    case "PROCESS_AMBIGUOUS":
      return metadata["candidates"] === undefined
        ? "give more characters of the id"
        : `candidates: ${metadata["candidates"].split(",").join(", ")}`;
    case "STILL_RUNNING":
      return "stop it first, or use force";
    case "UNAUTHENTICATED":
      return "give a username and a password: in the context (pm context add), or PM_USER and PM_PASSWORD_FILE";
    case "PERMISSION_DENIED":
      return "check the context's user and password; on the daemon's machine, 'pm user passwd' sets a new one";
    default:
      return undefined;
  }
}

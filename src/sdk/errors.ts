/** The SDK's one error class and the reasons it gives. */
import type { ContractErrorReason, StatusCode } from "../common/error-reasons.ts";

export type { ContractErrorReason, StatusCode } from "../common/error-reasons.ts";

/** What the client finds out by itself. */
export type ClientErrorReason =
  /** There is no connection to the daemon, so the request was not sent. */
  | "UNREACHABLE"
  /** The connection was lost before the response; whether the request took effect is unknown. */
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
  /** Whatever is listening does not speak pm's protocol. */
  | "PROTOCOL"
  /** Bytes that the caller wanted in full were dropped by the output limit. Metadata: `from`, `to`. */
  | "OUTPUT_GAP"
  /** An id prefix fits several processes. Metadata: `id`, `candidates` (up to ten UUIDs, separated by commas). */
  | "PROCESS_AMBIGUOUS";

/** Why a call failed. Decide by this, never by a message. */
export type PmErrorReason = ContractErrorReason | ClientErrorReason;

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
 *   await pm.processes.get("api");
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
    case "UNKNOWN_FIELD":
    case "UNKNOWN_METHOD":
      return "client and daemon are of different versions: 'pm daemon restart' replaces the daemon, processes keep running";
    case "ALL_REQUIRED":
      return "say which processes, or that all are meant";
    case "UNAUTHENTICATED":
      return "give a username and a password: in the context (pm context add), or PM_USER and PM_PASSWORD_FILE";
    case "PERMISSION_DENIED":
      return "check the context's user and password; on the daemon's machine, 'pm user passwd' sets a new one";
    default:
      return undefined;
  }
}

/**
 * Failures of the stock client. Its own codes are of no use here: a missing
 * socket is Internal, a killed daemon Aborted, Canceled or InvalidArgument, a
 * missing client certificate Internal. What a server said keeps its code;
 * everything else is classified by whether we aborted and by what Node.js
 * said underneath.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { type Destination, describeEndpoint } from "../endpoint.ts";
import { PmError, type StatusCode } from "../errors.ts";
import { errorFromServer } from "./connect-error.ts";
import {
  abortedError,
  errnoOf,
  lostError,
  refusedUnreadError,
  timedOutError,
  unreachableError,
} from "./local-errors.ts";
import { tlsError } from "./tls-errors.ts";

const statusCodes: Readonly<Record<Code, StatusCode>> = {
  [Code.Canceled]: "canceled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};

/** The call that failed. */
interface Call {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** The `PmError` for anything that a call of the stock client threw. */
export function errorFromConnect(error: unknown, destination: Destination, call: Call): unknown {
  if (error instanceof PmError) {
    return error;
  }
  if (call.signal.aborted) {
    return abortedError(call.signal);
  }
  if (!(error instanceof ConnectError)) {
    return error; // A mistake in this program, such as a request that is no JSON of the contract.
  }
  // Whatever a given transport throws stands for the server.
  if (error.isWireError || destination.kind === "given") {
    const [info] = error.findDetails(ErrorInfoSchema);
    return errorFromServer(statusCodes[error.code], error.rawMessage, info);
  }
  return errorFromCause(error, destination) ?? errorFromCode(error, call);
}

function errorFromCause(failure: ConnectError, destination: Destination): PmError | undefined {
  for (const cause of causes(failure)) {
    const code = errnoOf(cause);
    if (code === undefined) {
      continue;
    }
    const syscall = "syscall" in cause ? cause.syscall : undefined;
    // A name with several addresses fails with an AggregateError, which has no system call.
    if (syscall === "connect" || syscall === "getaddrinfo" || cause instanceof AggregateError) {
      return unreachableError(describeEndpoint(destination), cause);
    }
    // The session is closing. RFC 9113, 8.7: nothing of the request was processed, so it may be sent again.
    if (code === "ERR_HTTP2_STREAM_ERROR" && cause.message.includes("NGHTTP2_REFUSED_STREAM")) {
      return refusedUnreadError(cause);
    }
    const error = tlsError(destination, code, cause);
    if (error !== undefined) {
      return error;
    }
  }
  return undefined;
}

function errorFromCode(error: ConnectError, { timeoutMs }: Call): PmError {
  switch (error.code) {
    case Code.DeadlineExceeded:
      return timedOutError(timeoutMs ?? 0, undefined, error);
    // An HTTP status instead of a response in the protocol: refused before the request was read.
    case Code.PermissionDenied:
      return errorFromServer("permission_denied", "the user's name or password is wrong", undefined);
    case Code.Unauthenticated:
      return errorFromServer("unauthenticated", "the daemon wants a user's name and password", undefined);
    case Code.ResourceExhausted:
      return errorFromServer("resource_exhausted", error.rawMessage, undefined);
    case Code.Unimplemented:
    case Code.Unknown:
      return new PmError("PROTOCOL", `whatever is listening there does not speak pm's protocol: ${error.rawMessage}`, {
        code: statusCodes[error.code],
        cause: error,
      });
    default:
      if (error.code === Code.InvalidArgument && error.cause !== undefined) {
        return new PmError("PROTOCOL", `the daemon sent what cannot be decoded: ${error.rawMessage}`, {
          code: "internal",
          cause: error,
        });
      }
      return lostError(error);
  }
}

function* causes(error: Error): Generator<Error> {
  const seen = new Set<unknown>();
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    yield at;
  }
}

/** Failures that no server reported: the client found them out. */
import { formatTimeLimit } from "../../common/quantities.ts";
import { PmError } from "../errors.ts";

export function abortedError(signal: AbortSignal | undefined): PmError {
  return new PmError("ABORTED", "the call was aborted", { code: "canceled", cause: signal?.reason });
}

export function timedOutError(timeoutMs: number, what = "the call", cause?: unknown): PmError {
  return new PmError("TIMEOUT", `${what} took longer than ${formatTimeLimit(timeoutMs)}`, {
    code: "deadline_exceeded",
    cause,
  });
}

/** The daemon is there, and has not even answered a question on another connection. */
export function unresponsiveError(patienceMs: number, what: string, cause: unknown): PmError {
  const error = new PmError(
    "TIMEOUT",
    `the daemon does not respond (${what}): no answer within ${formatTimeLimit(patienceMs)}`,
    {
      code: "deadline_exceeded",
      hint: "'pm daemon restart' replaces it, processes keep running; 'pm daemon logs' shows its log",
      cause,
    },
  );
  unresponsive.add(error);
  return error;
}

/** Whether {@link unresponsiveError} made it: it says what was waited for already. */
export function wasUnresponsive(error: unknown): boolean {
  return error instanceof PmError && unresponsive.has(error);
}

const unresponsive = new WeakSet<PmError>();

export function isTimeout(error: unknown): boolean {
  return error instanceof PmError && (error.reason === "TIMEOUT" || error.reason === "DEADLINE_EXCEEDED");
}

export function lostError(cause: unknown, message = "the connection to the daemon was lost"): PmError {
  return new PmError("DISCONNECTED", message, { code: "unavailable", cause });
}

/** {@link lostError}, where it is certain that the daemon did not take the call. */
export function refusedUnreadError(cause: unknown): PmError {
  const error = lostError(cause, "the daemon is closing the connection and did not take the call");
  refusedUnread.add(error);
  return error;
}

/** Whether {@link refusedUnreadError} made it, so that even what must not happen twice may be sent again. */
export function wasRefusedUnread(error: PmError): boolean {
  return refusedUnread.has(error);
}

const refusedUnread = new WeakSet<PmError>();

export function unreachableError(place: string, cause: unknown): PmError {
  const code = errnoOf(cause);
  const why = code === undefined ? "" : `: ${texts[code] ?? "the connection failed"} (${code})`;
  return new PmError("UNREACHABLE", `cannot reach the daemon at ${place}${why}`, {
    code: "unavailable",
    ...(code !== undefined && { metadata: { errno_name: code } }),
    hint: hintFor(place, code),
    cause,
  });
}

function hintFor(place: string, code: string | undefined): string {
  if (place.startsWith("https:")) {
    return "check the host and the port, and that the daemon there listens on TCP";
  }
  return code === "EACCES"
    ? "the socket is another user's: run pm as that user, or let the daemon listen on TCP (`pm init`)"
    : "start the daemon with `pm daemon start`, or name the right one with PM_HOST";
}

/** The symbol of a Node.js system error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const texts: Readonly<Record<string, string>> = {
  ENOENT: "no such socket",
  ECONNREFUSED: "nothing is listening there",
  EACCES: "permission denied",
  ENOTSOCK: "not a socket",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host name cannot be resolved now",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ETIMEDOUT: "no response",
  ENAMETOOLONG: "the socket's path is too long",
  EINVAL: "the socket's path is unusable",
};

/** What unary calls and streams by hand have in common. */
import { PmError } from "../errors.ts";

/** Milliseconds before a connection that the full queue of the socket refused is tried again: some 20. */
export function busyRetryMs(): number {
  return 20 * (0.5 + Math.random());
}

/** The head of a POST in the Connect protocol. A connection that is not kept is closed after the response. */
export function requestHead(
  method: string,
  contentType: string,
  length: number,
  timeoutMs: number | undefined,
  kept = false,
  headers: readonly string[] = [],
): string {
  return [
    `POST /${method} HTTP/1.1`,
    "Host: localhost",
    ...(kept ? [] : ["Connection: close"]),
    `Content-Type: ${contentType}`,
    ...headers,
    "Connect-Protocol-Version: 1",
    // At most ten digits, and whole: https://connectrpc.com/docs/protocol#unary-request
    ...(timeoutMs === undefined
      ? []
      : [`Connect-Timeout-Ms: ${Math.min(Math.max(Math.ceil(timeoutMs), 1), 9999999999)}`]),
    `Content-Length: ${length}`,
    "\r\n",
  ].join("\r\n");
}

/** setTimeout() wraps around beyond this. */
const maxTimerMs = 2 ** 31 - 1;

/** Does not keep the event loop alive: the socket does. */
export function setDeadline(timeoutMs: number | undefined, onTime: () => void): NodeJS.Timeout | undefined {
  if (timeoutMs === undefined || timeoutMs > maxTimerMs) {
    return undefined;
  }
  return setTimeout(onTime, timeoutMs).unref();
}

export function protocolError(what: string, cause?: unknown): PmError {
  return new PmError("PROTOCOL", `whatever is listening on the socket does not speak pm's protocol: ${what}`, {
    code: "internal",
    cause,
  });
}

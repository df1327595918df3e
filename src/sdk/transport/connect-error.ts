/**
 * Turns what a server says about a failure (Connect protocol, "Error
 * end-stream" and HTTP to code mapping:
 * https://connectrpc.com/docs/protocol#error-codes) into a `PmError`.
 */
import { type ContractErrorReason, PmError, type PmErrorReason, type StatusCode } from "../errors.ts";
import { decodeErrorInfo } from "./error-info.ts";

/** A google.rpc.ErrorInfo. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const reasonOfCode: Readonly<Record<StatusCode, PmErrorReason>> = {
  canceled: "DISCONNECTED",
  unknown: "INTERNAL",
  invalid_argument: "INVALID_ARGUMENT",
  deadline_exceeded: "TIMEOUT",
  not_found: "PROCESS_NOT_FOUND",
  already_exists: "PROCESS_EXISTS",
  permission_denied: "PERMISSION_DENIED",
  resource_exhausted: "LIMIT_EXCEEDED",
  failed_precondition: "INTERNAL",
  aborted: "DISCONNECTED",
  out_of_range: "INTERNAL",
  unimplemented: "PROTOCOL",
  internal: "INTERNAL",
  unavailable: "DISCONNECTED",
  data_loss: "INTERNAL",
  unauthenticated: "UNAUTHENTICATED",
};

/** The error that a server reported, with the reason from its ErrorInfo or, failing that, from its code. */
export function errorFromServer(code: StatusCode, message: string, info: ErrorInfo | undefined): PmError {
  const reason = info?.domain === "pm" ? (info.reason as ContractErrorReason) : reasonOfCode[code];
  return new PmError(reason, message || code, { code, metadata: info?.metadata ?? {} });
}

/** Whether a server used a word that is a status code. */
function isStatusCode(value: unknown): value is StatusCode {
  return typeof value === "string" && Object.hasOwn(reasonOfCode, value);
}

/** The error in the body of a unary Connect response whose status is not 200. */
export function errorFromConnectBody(status: number, contentType: string | undefined, body: Buffer): PmError {
  const json = contentType?.split(";")[0]?.trim() === "application/json" ? parseObject(body) : undefined;
  return json === undefined || !("code" in json)
    ? errorFromHttpStatus(status)
    : errorFromConnectJson(json, codeOfHttpStatus(status));
}

/**
 * The error in the last envelope of a stream ("EndStreamResponse").
 *
 * @returns undefined if the stream has ended without one
 * @throws SyntaxError if the payload is no JSON
 */
export function errorFromEndOfStream(payload: Buffer): PmError | undefined {
  const json: unknown = JSON.parse(payload.toString("utf8"));
  const error = isObject(json) ? json["error"] : undefined;
  return isObject(error) ? errorFromConnectJson(error, "unknown") : undefined;
}

function errorFromConnectJson(json: Record<string, unknown>, otherwise: StatusCode): PmError {
  const code = isStatusCode(json["code"]) ? json["code"] : otherwise;
  const message = typeof json["message"] === "string" ? json["message"] : "";
  return errorFromServer(code, message, findErrorInfo(json["details"]));
}

function errorFromHttpStatus(status: number): PmError {
  const code = codeOfHttpStatus(status);
  return errorFromServer(code, `the server sent HTTP status ${status} without saying why`, undefined);
}

function codeOfHttpStatus(status: number): StatusCode {
  switch (status) {
    case 400:
      return "internal";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "unimplemented";
    case 429:
    case 502:
    case 503:
    case 504:
      return "unavailable";
    default:
      return "unknown";
  }
}

function findErrorInfo(details: unknown): ErrorInfo | undefined {
  for (const detail of Array.isArray(details) ? details : []) {
    if (isObject(detail) && detail["type"] === "google.rpc.ErrorInfo" && typeof detail["value"] === "string") {
      return decodeErrorInfo(Buffer.from(detail["value"], "base64"));
    }
  }
  return undefined;
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // A proxy's error page: the HTTP status says what there is to say.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

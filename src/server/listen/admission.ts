/** Which requests get no further than their headers, whoever sends them. */
import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { reasonError } from "../rpc/errors.ts";
import type { CallerOnConnection, NodeRequest } from "./http-types.ts";
import { maxConnections } from "./limits.ts";
import type { Refusal } from "./refusal.ts";

/** @param method what the path names; undefined: nothing that is served */
export function refusalOf(
  request: NodeRequest,
  method: DescMethod | undefined,
  { reserved }: CallerOnConnection,
): Refusal | undefined {
  if (comesFromBrowser(request)) {
    return {
      status: 403,
      error: reasonError("PERMISSION_DENIED", "the daemon serves no web page: requests of browsers are refused"),
    };
  }
  if (method === undefined) {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    return {
      status: 501,
      error: reasonError(
        "UNKNOWN_METHOD",
        "this daemon has no such method: the path is wrong, or the client is newer than the daemon",
        { method: path.slice(1, 200) },
      ),
    };
  }
  if (reserved && staysOpen(method)) {
    return {
      status: 429,
      error: reasonError(
        "LIMIT_EXCEEDED",
        `${maxConnections} connections are open, and the rest is reserved for short calls; close some`,
        { limit: "max_connections" },
      ),
    };
  }
  return undefined;
}

/** Browsers send at least one of these, with every request that a script can make, and no script can leave them out. */
function comesFromBrowser({ headers }: NodeRequest): boolean {
  return headers["origin"] !== undefined || headers["sec-fetch-site"] !== undefined;
}

/** Whether a call may go on for as long as its client wants, and only looks. */
function staysOpen(method: DescMethod): boolean {
  if (method === ProcessService.method.waitProcess) {
    return true;
  }
  const isStream = method.methodKind !== "unary";
  return isStream && (method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS || isReflection(method));
}

function isReflection({ methodKind }: DescMethod): boolean {
  return methodKind === "bidi_streaming";
}

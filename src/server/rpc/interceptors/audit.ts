import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Interceptor } from "@connectrpc/connect";
import { type ProcessFilter, ProcessFilterSchema, type ProcessRef } from "../../../../gen/ts/pm/v1/process_pb.ts";
import { ProcessService } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Log } from "../../log.ts";
import { callerKey, localCaller } from "../caller.ts";
import { onRequest } from "./on-request.ts";

/** Of these a session makes many in a second. */
const chatty: ReadonlySet<unknown> = new Set([
  ProcessService.method.writeInput,
  ProcessService.method.resizeTerminal,
  ProcessService.method.acknowledgeOutput,
]);

/**
 * Leaves a line in the log for each remote call that changes something: who,
 * from where, which call, which request, what it was about. Before it is
 * carried out, and never with a spec or input in it.
 */
export function auditRemoteCalls(log: Log): Interceptor {
  return (next) => (call) => {
    const { principal, peer } = call.contextValues.get(callerKey);
    if (
      principal === localCaller.principal ||
      call.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS
    ) {
      return next(call);
    }
    const method = `${call.service.typeName}/${call.method.name}`;
    const level = chatty.has(call.method) ? "debug" : "info";
    return next(
      onRequest(call, (message) => log[level]({ principal, peer, method, ...subjectOf(message) }, "remote call")),
    );
  };
}

/** Of a filter so much is shown: it may name a thousand processes. */
const maxFilterLength = 500;

/** What a request is about, in the fields that the contract's requests share. */
function subjectOf(message: MessageShape<DescMessage>): Record<string, unknown> {
  const { requestId, process, id, name, filter, all } = message as unknown as {
    readonly requestId?: string;
    readonly process?: ProcessRef;
    readonly id?: string;
    readonly name?: string;
    readonly filter?: ProcessFilter;
    readonly all?: boolean;
  };
  return {
    ...(requestId && { requestId }),
    ...(process?.ref.value && { process: process.ref.value }),
    ...(id && { id }),
    ...(name && { name }),
    ...(filter && { filter: toJsonString(ProcessFilterSchema, filter).slice(0, maxFilterLength) }),
    ...(all && { all }),
  };
}

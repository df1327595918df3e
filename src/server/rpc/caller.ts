/** Who makes a call: the listeners know, the handlers are told. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Precondition as ProtoPrecondition } from "../../../gen/ts/pm/v1/process_pb.ts";
import type { RequestContext } from "../engine/api/control.ts";
import type { Field } from "./edge/field.ts";
import { atLeast, requestId, token } from "./edge/rules.ts";

export interface Caller {
  /** "local" over the unix socket, else the name of the user. */
  readonly principal: string;
  /** The address that it calls from; empty over the unix socket. */
  readonly peer: string;
}

export const localCaller: Caller = { principal: "local", peer: "" };

/** No listener leaves it unset. */
export const callerKey = createContextKey<Caller>(
  { principal: "unknown", peer: "unknown" },
  { description: "who makes the call" },
);

export function requestContext(
  request: { readonly requestId?: string; readonly precondition?: ProtoPrecondition | undefined },
  { values }: { readonly values: ContextValues },
  root: Field,
): RequestContext {
  const { precondition } = request;
  const at = root.child("precondition");
  return {
    principal: values.get(callerKey).principal,
    requestId: requestId(request.requestId ?? "", root.child("request_id")),
    precondition:
      precondition === undefined
        ? null
        : {
            run: precondition.run === undefined ? null : atLeast(precondition.run, 1, at.child("run")),
            resourceVersion: token(precondition.resourceVersion, at.child("resource_version")),
          },
  };
}

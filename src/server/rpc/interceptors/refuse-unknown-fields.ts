import type { Interceptor } from "@connectrpc/connect";
import { checked } from "../edge/field.ts";
import { dropSentJson } from "../edge/sent-json.ts";
import { refuseUnknown } from "../edge/unknown.ts";
import { onRequest } from "./on-request.ts";

/** Refuses requests of the contract's services with anything in them that this daemon does not know. */
export const refuseUnknownFields: Interceptor = (next) => (call) => {
  const { input } = call.method;
  // The standard services (health, reflection) have rules of their own.
  return next(
    input.typeName.startsWith("pm.")
      ? onRequest(call, (message) => {
          dropSentJson(call.contextValues);
          checked((root) => refuseUnknown(input, message, root));
        })
      : call,
  );
};

import type { Interceptor } from "@connectrpc/connect";
import type { Log } from "../../log.ts";
import { auditRemoteCalls } from "./audit.ts";
import { refuseUnknownFields } from "./refuse-unknown-fields.ts";
import { translateErrors } from "./translate-errors.ts";

/** What every call passes, the outermost first. */
export function contractInterceptors(log: Log): Interceptor[] {
  return [translateErrors(log), refuseUnknownFields, auditRemoteCalls(log)];
}

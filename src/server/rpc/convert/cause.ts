import type * as proto from "../../../../gen/ts/pm/v1/cause_pb.ts";
import type { Cause } from "../../engine/api/cause.ts";
import { causeKindToProto } from "./enums.ts";

export function causeToProto({ kind, principal, requestId, detail }: Cause): proto.Cause {
  return { $typeName: "pm.v1.Cause", kind: causeKindToProto[kind], principal, requestId, detail };
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CauseSchema } from "../../../../gen/ts/pm/v1/cause_pb.ts";
import type { Cause } from "../../engine/api/cause.ts";
import { causeKindToProto } from "./enums.ts";

export function causeToProto({ kind, ...texts }: Cause): MessageInitShape<typeof CauseSchema> {
  return { kind: causeKindToProto[kind], ...texts };
}

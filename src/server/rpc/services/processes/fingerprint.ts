import { createHash } from "node:crypto";
import { type Message, toBinary } from "@bufbuild/protobuf";
import { file_pm_v1_process_service } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";

/** Tells a request of the process service from any other. */
export function fingerprintOf(request: Message): string {
  const desc = file_pm_v1_process_service.messages.find(({ typeName }) => typeName === request.$typeName);
  if (desc === undefined) {
    throw new Error(`${request.$typeName} is no request of the process service`);
  }
  return `${desc.name} ${createHash("sha256").update(toBinary(desc, request)).digest("base64")}`;
}

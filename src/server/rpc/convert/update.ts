import { create } from "@bufbuild/protobuf";
import type { UpdateProcessRequest } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { ProcessSpecSchema } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type { ProcessUpdate } from "../../engine/api/control.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import type { Field } from "../edge/field.ts";
import { labels, processName, quote } from "../edge/rules.ts";
import { specFieldByName, specFieldsFromProto, specFromProto } from "./spec.ts";

/** What a mask takes of a request: "name", "labels", "spec", or fields of the spec such as "spec.env". */
export function updateFromProto(request: UpdateProcessRequest, root: Field): (process: ProcessInfo) => ProcessUpdate {
  const paths = request.updateMask?.paths ?? [];
  const at = root.child("update_mask");
  if (paths.length === 0) {
    at.refuse("is required: which fields to change");
  }
  const wanted = new Set<keyof ProcessSpec>();
  for (const [index, path] of paths.entries()) {
    const field = path.startsWith("spec.") ? specFieldByName.get(path.slice("spec.".length)) : undefined;
    if (field !== undefined) {
      wanted.add(field);
    } else if (!["name", "labels", "spec"].includes(path)) {
      at.child("paths")
        .item(index)
        .refuse(
          `${quote(path)} is no field that can be changed: it is misspelled, or the client is newer`,
          "UNKNOWN_FIELD",
        );
    }
  }
  const name = paths.includes("name") ? { name: processName(request.name, root.child("name")) } : {};
  const newLabels = paths.includes("labels") ? { labels: labels(request.labels, root.child("labels")) } : {};
  const spec = root.child("spec");
  if (paths.includes("spec")) {
    if (request.spec === undefined) {
      spec.refuse("is required by the mask");
      return () => ({});
    }
    const whole = specFromProto(request.spec, spec);
    return () => ({ ...name, ...newLabels, spec: whole });
  }
  const fields = specFieldsFromProto(request.spec ?? create(ProcessSpecSchema), wanted, spec);
  return (process) => ({
    ...name,
    ...newLabels,
    ...(wanted.size > 0 && { spec: { ...process.spec, ...fields } }),
  });
}

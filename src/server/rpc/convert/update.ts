import { create } from "@bufbuild/protobuf";
import type { UpdateProcessRequest } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { ProcessSpecSchema } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type { ProcessUpdate } from "../../engine/api/control.ts";
import type { SupervisionPolicy } from "../../engine/api/policy.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import type { Field } from "../edge/field.ts";
import { labels, processName, quote } from "../edge/rules.ts";
import { policyFieldByName, policyFromProto, replacePolicyFields } from "./policy.ts";
import { specFieldByName, specFieldsFromProto, specFromProto } from "./spec.ts";

/** What a mask takes of a request: "name", "labels", "spec", or fields of the spec such as "spec.env". */
export function updateFromProto(request: UpdateProcessRequest, root: Field): (process: ProcessInfo) => ProcessUpdate {
  const paths = request.updateMask?.paths ?? [];
  const at = root.child("update_mask");
  if (paths.length === 0) {
    at.refuse("is required: which fields to change");
  }
  const wanted = new Set<keyof ProcessSpec>();
  const policyFields = new Set<keyof SupervisionPolicy>();
  for (const [index, path] of paths.entries()) {
    const inSpec = path.startsWith("spec.") ? path.slice("spec.".length) : "";
    const field = specFieldByName.get(inSpec);
    const policyField = policyFieldByName.get(inSpec);
    if (policyField !== undefined) {
      policyFields.add(policyField);
    } else if (field !== undefined) {
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
  const given = request.spec ?? create(ProcessSpecSchema);
  const fields = specFieldsFromProto(given, wanted, spec);
  const policy = policyFields.size > 0 ? policyFromProto(given, spec) : undefined;
  return (process) => ({
    ...name,
    ...newLabels,
    ...((wanted.size > 0 || policyFields.size > 0) && {
      spec: {
        ...process.spec,
        ...fields,
        ...(policyFields.size > 0 && { policy: replacePolicyFields(process.spec.policy, policy, policyFields) }),
      },
    }),
  });
}

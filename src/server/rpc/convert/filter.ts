import type * as proto from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { invalid, labelKey, labelValue, quote } from "../validate.ts";
import { stateFromProto } from "./enums.ts";

const field = "filter.label_selector";
const maxSelectorLength = 16_384;
const maxIds = 1000;

export function filterFromProto(filter: proto.ProcessFilter | undefined): engine.ProcessFilter {
  const ids = filter?.ids ?? [];
  if (ids.length > maxIds) {
    throw invalid("filter.ids", `must not be more than ${maxIds}, are ${ids.length}`);
  }
  return {
    labels: parseSelector(filter?.labelSelector ?? ""),
    states: (filter?.states ?? []).map((state, index) => stateFromProto(`filter.states[${index}]`, state)),
    ids,
  };
}

function parseSelector(selector: string): engine.LabelRequirement[] {
  if (selector.length > maxSelectorLength) {
    throw invalid(field, `must not be longer than ${maxSelectorLength} characters`);
  }
  return selector.trim() === "" ? [] : selector.split(",").map((part) => parseRequirement(part.trim()));
}

/** "key=value", "key!=value", "key" or "!key". */
function parseRequirement(requirement: string): engine.LabelRequirement {
  if (requirement === "") {
    throw invalid(field, "has an empty requirement between commas");
  }
  if (requirement.startsWith("!")) {
    return { key: labelKey(field, requirement.slice(1).trim()), op: "notExists", value: "" };
  }
  const sign = requirement.indexOf("=");
  if (sign < 0) {
    return { key: labelKey(field, requirement), op: "exists", value: "" };
  }
  const negated = requirement[sign - 1] === "!";
  const key = requirement.slice(0, negated ? sign - 1 : sign).trim();
  const value = requirement.slice(sign + 1).trim();
  if (value.startsWith("=")) {
    throw invalid(field, `write "key=value" with one "=", not ${quote(requirement)}`);
  }
  return { key: labelKey(field, key), op: negated ? "notEquals" : "equals", value: labelValue(field, value) };
}

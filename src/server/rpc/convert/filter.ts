import type * as proto from "../../../../gen/ts/pm/v1/process_pb.ts";
import { isName } from "../../../common/contract-rules.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Field } from "../edge/field.ts";
import { atMost, idPrefix, labelKey, labelValue, newId, quote } from "../edge/rules.ts";
import { statesFromProto } from "./enums.ts";
import { nanosFromTimestamp } from "./time.ts";

const maxSelectorLength = 16_384;
const maxEntries = 1000;
const maxPatterns = 100;
const maxPatternLength = 128;

type Converters = {
  readonly [K in keyof engine.ProcessFilter]: (
    filter: proto.ProcessFilter | undefined,
    at: Field,
  ) => engine.ProcessFilter[K];
};

/** One entry for each criterion: with one more, everything below takes it along. */
const criteria: Converters = {
  labels: (filter, at) => parseSelector(filter?.labelSelector ?? "", at.child("label_selector")),
  states: (filter, at) => statesFromProto(filter?.states ?? [], at.child("states")),
  ids: (filter, at) => entries(filter?.ids, maxEntries, at.child("ids"), required(newId)),
  idPrefixes: (filter, at) => entries(filter?.idPrefixes, maxEntries, at.child("id_prefixes"), idPrefix),
  names: (filter, at) => entries(filter?.names, maxEntries, at.child("names"), exactName),
  namePatterns: (filter, at) => entries(filter?.namePatterns, maxPatterns, at.child("name_patterns"), namePattern),
  createdAfter: (filter, at) => nanosFromTimestamp(filter?.createdAfter, at.child("created_after")),
  createdBefore: (filter, at) => nanosFromTimestamp(filter?.createdBefore, at.child("created_before")),
  endedAfter: (filter, at) => nanosFromTimestamp(filter?.endedAfter, at.child("ended_after")),
  endedBefore: (filter, at) => nanosFromTimestamp(filter?.endedBefore, at.child("ended_before")),
  living: (filter) => filter?.living ?? null,
};

export function filterFromProto(filter: proto.ProcessFilter | undefined, at: Field): engine.ProcessFilter {
  return Object.fromEntries(
    Object.entries(criteria).map(([name, convert]) => [name, convert(filter, at)]),
  ) as unknown as engine.ProcessFilter;
}

/** Whether the filter selects every process, because no criterion is set. */
export function selectsAll(filter: engine.ProcessFilter): boolean {
  return Object.values(filter).every(
    (criterion) => criterion === null || (Array.isArray(criterion) && criterion.length === 0),
  );
}

/** A filter of a call that changes what it selects: an empty one needs `all`. */
export function changingFilter(
  request: { readonly filter?: proto.ProcessFilter | undefined; readonly all: boolean },
  root: Field,
): engine.ProcessFilter {
  const filter = filterFromProto(request.filter, root.child("filter"));
  if (selectsAll(filter)) {
    requireAll(request.all, root);
  }
  return filter;
}

export function requireAll(all: boolean, root: Field): void {
  if (!all) {
    root.child("all").refuse("the filter is empty and selects every process: `all` must be set", "ALL_REQUIRED");
  }
}

function entries<T extends string>(
  values: readonly T[] | undefined,
  maximum: number,
  at: Field,
  convert: (value: T, at: Field) => string,
): string[] {
  return atMost(values ?? [], maximum, at).map((value, index) => convert(value, at.item(index)));
}

function required(convert: (value: string, at: Field) => string): (value: string, at: Field) => string {
  return (value, at) => {
    if (value === "") {
      at.refuse("must not be empty");
    }
    return convert(value, at);
  };
}

function exactName(value: string, at: Field): string {
  if (!isName(value)) {
    at.refuse(`cannot be a process's name: ${quote(value)}`);
  }
  return value;
}

function namePattern(value: string, at: Field): string {
  if (value === "" || value.length > maxPatternLength) {
    at.refuse(`must be 1 to ${maxPatternLength} characters`);
  } else if (/\[[^\]]*$/.test(value)) {
    at.refuse(`has a "[" without a "]": ${quote(value)}`);
  }
  return value;
}

function parseSelector(selector: string, at: Field): engine.LabelRequirement[] {
  if (selector.length > maxSelectorLength) {
    at.refuse(`must not be longer than ${maxSelectorLength} characters`);
    return [];
  }
  return selector.trim() === "" ? [] : selector.split(",").map((part) => parseRequirement(part.trim(), at));
}

/** "key=value", "key!=value", "key" or "!key". */
function parseRequirement(requirement: string, at: Field): engine.LabelRequirement {
  if (requirement === "") {
    at.refuse("has an empty requirement between commas");
    return { key: "", op: "exists", value: "" };
  }
  if (requirement.startsWith("!")) {
    return { key: labelKey(requirement.slice(1).trim(), at), op: "notExists", value: "" };
  }
  const sign = requirement.indexOf("=");
  if (sign < 0) {
    return { key: labelKey(requirement, at), op: "exists", value: "" };
  }
  const negated = requirement[sign - 1] === "!";
  const key = labelKey(requirement.slice(0, negated ? sign - 1 : sign).trim(), at);
  const value = requirement.slice(sign + 1).trim();
  if (value.startsWith("=")) {
    at.refuse(`write "key=value" with one "=", not ${quote(requirement)}`);
    return { key, op: "equals", value };
  }
  return { key, op: negated ? "notEquals" : "equals", value: labelValue(value, at) };
}

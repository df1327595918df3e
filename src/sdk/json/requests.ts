/**
 * What callers ask for, in the contract's JSON. What is wrong with a request
 * the daemon says; only what could not be sent, or would be sent as something
 * else, is refused here.
 */
import type { OutputStartJson, OutputStreamJson } from "../../../gen/ts/pm/v1/output_pb.ts";
import type {
  PreconditionJson,
  ProcessFilterJson,
  ProcessRefJson,
  ProcessViewJson,
} from "../../../gen/ts/pm/v1/process_pb.ts";
import type {
  GetOutputRequestJson,
  ListProcessesRequestJson,
  StartProcessRequestJson,
  StopOptionsJson,
  StreamOutputsRequestJson,
  UpdateProcessRequestJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { isUuid } from "../../common/contract-rules.ts";
import type {
  GetOptions,
  ListPageOptions,
  OutputOptions,
  OutputStart,
  OutputStreamName,
  OutputsOptions,
  Precondition,
  ProcessFilter,
  Selection,
  StartOptions,
  StopHow,
  UpdateOptions,
} from "../types.ts";
import { dateToJson, durationToJson, enumToJson, integerToJson } from "./scalars.ts";
import { specMask, specToJson } from "./spec.ts";
import { listOrders, outputStreams, processStates } from "./words.ts";

/** A UUID is an id, anything else a name: whether it can be one, the daemon says. */
export function refToJson(ref: string): ProcessRefJson {
  return isUuid(ref) ? { id: ref } : { name: ref };
}

export function startToJson(id: string, { name, labels, ...spec }: StartOptions): StartProcessRequestJson {
  return {
    id,
    ...(name !== undefined && { name }),
    ...(labels !== undefined && { labels: { ...labels } }),
    spec: specToJson(spec),
  };
}

/** The mask names every field that is given, `null` included: that one gets its default back. */
export function updateToJson({
  name,
  labels,
  spec,
}: UpdateOptions): Pick<UpdateProcessRequestJson, "updateMask" | "name" | "labels" | "spec"> {
  const fields = Object.entries(spec ?? {}).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  const mask = [
    ...(name === undefined ? [] : ["name"]),
    ...(labels === undefined ? [] : ["labels"]),
    ...specMask(fields),
  ];
  return {
    updateMask: mask.join(","),
    ...(typeof name === "string" && { name }),
    ...(labels !== undefined && { labels: { ...labels } }),
    ...(spec !== undefined && { spec: specToJson(spec) }),
  };
}

export function stopOptionsToJson({ stopSignal, graceMs, force }: StopHow): { options?: StopOptionsJson } {
  const options: StopOptionsJson = {
    ...(stopSignal !== undefined && { signal: String(stopSignal) }),
    ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs, "graceMs") }),
    ...(force && { force }),
  };
  return Object.keys(options).length === 0 ? {} : { options };
}

export function preconditionToJson(precondition: Precondition | undefined): { precondition?: PreconditionJson } {
  if (precondition === undefined) {
    return {};
  }
  const { run, resourceVersion } = precondition;
  return {
    precondition: {
      ...(run !== undefined && { run }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
  };
}

export function viewToJson({ env }: GetOptions): { view?: ProcessViewJson } {
  return env ? { view: "PROCESS_VIEW_FULL" } : {};
}

export function filterToJson(filter: ProcessFilter | undefined): { filter?: ProcessFilterJson } {
  if (filter === undefined) {
    return {};
  }
  const { selector, states, ids, idPrefixes, names, namePatterns } = filter;
  const { createdAfter, createdBefore, endedAfter, endedBefore, living } = filter;
  return {
    filter: {
      ...(selector !== undefined && { labelSelector: selector }),
      ...(states !== undefined && {
        states: states.map((state) => enumToJson(processStates, state, "filter.states")),
      }),
      ...(ids !== undefined && { ids: [...ids] }),
      ...(idPrefixes !== undefined && { idPrefixes: [...idPrefixes] }),
      ...(names !== undefined && { names: [...names] }),
      ...(namePatterns !== undefined && { namePatterns: [...namePatterns] }),
      ...(createdAfter !== undefined && { createdAfter: dateToJson(createdAfter, "filter.createdAfter") }),
      ...(createdBefore !== undefined && { createdBefore: dateToJson(createdBefore, "filter.createdBefore") }),
      ...(endedAfter !== undefined && { endedAfter: dateToJson(endedAfter, "filter.endedAfter") }),
      ...(endedBefore !== undefined && { endedBefore: dateToJson(endedBefore, "filter.endedBefore") }),
      ...(living !== undefined && { living }),
    },
  };
}

/** Without the view. */
export function listToJson({
  filter,
  pageSize,
  pageToken,
  order,
}: ListPageOptions): Omit<ListProcessesRequestJson, "view"> {
  return {
    ...filterToJson(filter),
    ...(pageSize !== undefined && { pageSize }),
    ...(pageToken !== undefined && { pageToken }),
    ...(order !== undefined && { order: enumToJson(listOrders, order, "order") }),
  };
}

/** `all` beside a filter must not widen it. */
export function selectionToJson(selection: Selection): { filter?: ProcessFilterJson; all?: true } {
  const { all, ...filter } = selection as ProcessFilter & { readonly all?: boolean };
  return {
    ...(all && { all: true as const }),
    ...((!all || Object.keys(filter).length > 0) && filterToJson(filter)),
  };
}

/** The part that GetOutput and StreamOutput have in common. */
export function outputToJson(
  ref: string,
  { run, start, until, streams }: Pick<OutputOptions, "run" | "start" | "until" | "streams">,
): GetOutputRequestJson {
  return {
    process: refToJson(ref),
    ...(run !== undefined && { run }),
    ...(start !== undefined && { start: outputStartToJson(start) }),
    ...(streams !== undefined && { streams: streamsToJson(streams) }),
    ...(until !== undefined && { until: dateToJson(until, "until") }),
  };
}

/** All but where members stand and how often heartbeats come. */
export function outputsToJson(
  filter: ProcessFilter | undefined,
  { start, streams, follow, untilIdle, until, mergeWindowMs, currentRunOnly }: OutputsOptions,
): StreamOutputsRequestJson {
  return {
    ...filterToJson(filter),
    ...(start !== undefined && { start: outputStartToJson(start) }),
    ...(streams !== undefined && { streams: streamsToJson(streams) }),
    ...(follow && { follow }),
    ...(untilIdle && { untilIdle }),
    ...(until !== undefined && { until: dateToJson(until, "until") }),
    ...(mergeWindowMs !== undefined && { mergeWindow: durationToJson(mergeWindowMs, "mergeWindowMs") }),
    ...(currentRunOnly && { currentRunOnly }),
  };
}

function streamsToJson(names: readonly OutputStreamName[]): OutputStreamJson[] {
  return names.map((name) => enumToJson(outputStreams, name, "streams"));
}

function outputStartToJson({ offset, tailBytes, tailLines, since }: OutputStart): OutputStartJson {
  return {
    ...(offset !== undefined && { offset: integerToJson(offset, "start.offset") }),
    ...(tailBytes !== undefined && { tailBytes: integerToJson(tailBytes, "start.tailBytes") }),
    ...(tailLines !== undefined && { tailLines: integerToJson(tailLines, "start.tailLines") }),
    ...(since !== undefined && { since: dateToJson(since, "start.since") }),
  };
}

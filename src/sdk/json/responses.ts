/** Responses other than a process, from the contract's JSON to the SDK's vocabulary. */
import type { GetInfoResponseJson } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type { OutputChunkJson, OutputGapJson } from "../../../gen/ts/pm/v1/output_pb.ts";
import type {
  GetOutputResponseJson,
  ListProcessesResponseJson,
  StopProcessResponseJson,
  WaitProcessResponseJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type {
  DaemonInfo,
  DaemonLimits,
  JournalInfo,
  OutputChunk,
  OutputGap,
  OutputRead,
  ProcessPage,
  StopResult,
  WaitResult,
} from "../types.ts";
import { withOrigin } from "./origins.ts";
import { processFromJson } from "./process.ts";
import { outputInfoFromJson, receiptFromJson, runFromJson } from "./run.ts";
import { dateFromJson, enumFromJson, millisecondsFromJson, required } from "./scalars.ts";
import { outputStreams } from "./words.ts";

export function pageFromJson(json: ListProcessesResponseJson): ProcessPage {
  return {
    processes: (json.processes ?? []).map(processFromJson),
    ...(json.nextPageToken && { nextPageToken: json.nextPageToken }),
    resourceVersion: json.resourceVersion ?? "",
    totalSize: json.totalSize ?? 0,
  };
}

export function stopResultFromJson(json: StopProcessResponseJson): StopResult {
  const process = processFromJson(json.process);
  return {
    process,
    receipt: receiptFromJson(required(json.receipt, "receipt")),
    ...(process.run?.exit !== undefined && { exit: process.run.exit }),
  };
}

export function waitResultFromJson({ process: json, run }: WaitProcessResponseJson): WaitResult {
  const process = processFromJson(json);
  if (run === undefined) {
    return { process };
  }
  // One message of the daemon tells of one moment: what it says twice is the same.
  const { run: current } = process;
  return { process, run: current !== undefined && current.number === run.number ? current : runFromJson(run) };
}

export function outputReadFromJson(json: GetOutputResponseJson): OutputRead {
  return {
    processId: json.processId ?? "",
    run: json.run ?? 0,
    chunks: (json.chunks ?? []).map(chunkFromJson),
    ...(json.gap !== undefined && { gap: gapFromJson(json.gap) }),
    nextOffset: Number(json.nextOffset ?? 0),
    output: outputInfoFromJson(json.output),
  };
}

function chunkFromJson({ stream, offset = "0", time, data = "" }: OutputChunkJson): OutputChunk {
  return {
    stream: enumFromJson(outputStreams, stream, "the output stream"),
    offset: Number(offset),
    time: dateFromJson(required(time, "chunk.time")),
    data: Buffer.from(data, "base64"),
  };
}

function gapFromJson({ fromOffset = "0", toOffset = "0" }: OutputGapJson): OutputGap {
  return { from: Number(fromOffset), to: Number(toOffset) };
}

export function daemonInfoFromJson(json: GetInfoResponseJson): DaemonInfo {
  const { starting = 0, running = 0, stopping = 0, exited = 0, failed = 0, lost = 0 } = json.counts ?? {};
  const { waiting = 0, givenUp = 0 } = json.counts ?? {};
  return withOrigin(
    {
      version: json.version ?? "",
      instanceId: json.instanceId ?? "",
      pid: json.pid ?? 0,
      startTime: dateFromJson(required(json.startTime, "start_time")),
      hostname: json.hostname ?? "",
      runtimeDirectory: json.runtimeDirectory ?? "",
      runtimeVersion: json.runtimeVersion ?? "",
      bootId: json.bootId ?? "",
      features: json.features ?? [],
      limits: limitsFromJson(json.limits ?? {}),
      counts: { starting, running, stopping, exited, failed, lost, waiting, givenUp },
      ...(json.journal !== undefined && { journal: journalFromJson(json.journal) }),
      setAside: (json.setAside ?? []).map(({ path = "", problem = "", processId, newer = false }) => ({
        path,
        problem,
        ...(processId && { processId }),
        newer,
      })),
      setAsideCount: json.setAsideCount ?? 0,
      cgroupLimits: json.cgroupLimits ?? false,
    },
    json,
  );
}

function limitsFromJson(json: NonNullable<GetInfoResponseJson["limits"]>): DaemonLimits {
  return {
    defaultOutputLimitBytes: Number(json.defaultOutputLimitBytes ?? 0),
    maxOutputLimitBytes: Number(json.maxOutputLimitBytes ?? 0),
    maxProcesses: json.maxProcesses ?? 0,
    maxStreamsPerConnection: json.maxStreamsPerConnection ?? 0,
    maxConnections: json.maxConnections ?? 0,
    maxRequestBytes: Number(json.maxRequestBytes ?? 0),
    maxOutputReadBytes: Number(json.maxOutputReadBytes ?? 0),
    maxInputBytes: Number(json.maxInputBytes ?? 0),
    keptRuns: json.keptRuns ?? 0,
    maxEndedProcesses: json.maxEndedProcesses ?? 0,
    ...(json.maxEndedAge !== undefined && { maxEndedAgeMs: millisecondsFromJson(json.maxEndedAge) }),
    maxEndedBytes: Number(json.maxEndedBytes ?? 0),
  };
}

function journalFromJson(json: NonNullable<GetInfoResponseJson["journal"]>): JournalInfo {
  return {
    id: json.id ?? "",
    firstSequence: Number(json.firstSequence ?? 0),
    lastSequence: Number(json.lastSequence ?? 0),
    bytes: Number(json.bytes ?? 0),
    maxBytes: Number(json.maxBytes ?? 0),
  };
}

/** Answers other than a process, from the contract's JSON to the SDK's vocabulary. */
import type { GetInfoResponseJson } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type { OutputChunkJson, OutputGapJson, OutputStreamJson } from "../../../gen/ts/pm/v1/output_pb.ts";
import type {
  GetOutputResponseJson,
  ListProcessesResponseJson,
  StopProcessResponseJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type {
  DaemonInfo,
  OutputChunk,
  OutputGap,
  OutputRead,
  OutputStreamName,
  ProcessPage,
  StopResult,
} from "../types.ts";
import { outputInfoFromJson, processFromJson, required } from "./process.ts";
import { dateFromJson, wordFromJson } from "./scalars.ts";

const streams = {
  OUTPUT_STREAM_STDOUT: "stdout",
  OUTPUT_STREAM_STDERR: "stderr",
  OUTPUT_STREAM_TTY: "tty",
} as const satisfies Record<Exclude<OutputStreamJson, `${string}UNSPECIFIED`>, OutputStreamName>;

export function pageFromJson(json: ListProcessesResponseJson): ProcessPage {
  return {
    processes: (json.processes ?? []).map(processFromJson),
    ...(json.nextPageToken && { nextPageToken: json.nextPageToken }),
    resourceVersion: json.resourceVersion ?? "",
    totalSize: json.totalSize ?? 0,
  };
}

export function stopResultFromJson(json: StopProcessResponseJson): StopResult {
  return {
    process: processFromJson(json.process),
    stopped: json.stopped ?? false,
    survivors: (json.survivors ?? []).map(({ pid = 0, command = "", state = "" }) => ({ pid, command, state })),
  };
}

export function outputReadFromJson(json: GetOutputResponseJson): OutputRead {
  return {
    run: json.run ?? 0,
    chunks: (json.chunks ?? []).map(chunkFromJson),
    ...(json.gap !== undefined && { gap: gapFromJson(json.gap) }),
    nextOffset: Number(json.nextOffset ?? 0),
    output: outputInfoFromJson(json.output),
  };
}

function chunkFromJson({ stream, offset = "0", time, data = "" }: OutputChunkJson): OutputChunk {
  return {
    stream: wordFromJson(streams, stream, "the output stream"),
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
  return {
    version: json.version ?? "",
    instanceId: json.instanceId ?? "",
    pid: json.pid ?? 0,
    startTime: dateFromJson(required(json.startTime, "start_time")),
    hostname: json.hostname ?? "",
    runtimeDirectory: json.runtimeDirectory ?? "",
    defaultOutputLimitBytes: Number(json.defaultOutputLimitBytes ?? 0),
    maxOutputLimitBytes: Number(json.maxOutputLimitBytes ?? 0),
    maxProcesses: json.maxProcesses ?? 0,
    counts: { starting, running, stopping, exited, failed, lost },
    cgroupLimits: json.cgroupLimits ?? false,
    runtimeVersion: json.runtimeVersion ?? "",
  };
}

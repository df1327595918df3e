import type { ServiceImpl } from "@connectrpc/connect";
import type { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { StopOptions } from "../engine/api/control.ts";
import type { Engine } from "../engine/api/engine.ts";
import type { ProcessInfo } from "../engine/api/process.ts";
import { conditionFromProto, targetFromProto, viewIsFull, watchEventToProto } from "./convert/enums.ts";
import { filterFromProto } from "./convert/filter.ts";
import { chunksToProto, framesToProto, gapToProto, outputStartFromProto, streamsFromProto } from "./convert/output.ts";
import { approximateSize, outputInfoToProto, processToProto } from "./convert/process.ts";
import { optionalSignalName, signalName } from "./convert/signal-name.ts";
import { graceRange, specFromProto, terminalFromProto } from "./convert/spec.ts";
import { millisFromDuration } from "./convert/time.ts";
import { sampleToProto } from "./convert/usage.ts";
import { hourMs, invalid, newId, token, within } from "./validate.ts";

const defaultPageSize = 1000;
const maxPageSize = 10_000;
/** Keeps a page below the 4 MiB that stock gRPC clients accept in one message. */
const maxPageBytes = 3 * 1024 * 1024;
const defaultReadBytes = 1024 * 1024;
const maxReadBytes = 4 * 1024 * 1024;
const maxInputBytes = 1024 * 1024;
const defaultIntervalMs = 15_000;
const intervalRange = { min: 1000, max: hourMs };
const sampleRange = { min: 250, max: hourMs };
const defaultSampleMs = 1000;
const maxSampled = 10_000;
const maxSampledMembers = 100;
const maxAgeRange = { min: 0, max: 1000 * 366 * 24 * hourMs };

/** The contract's ProcessService on an engine. */
export function processService(engine: Engine): ServiceImpl<typeof ProcessService> {
  return {
    async startProcess(request) {
      const { process, existing } = await engine.start({
        id: newId("id", request.id),
        spec: specFromProto(request.spec),
      });
      return { process: processToProto(process, false), existing };
    },

    async stopProcess(request, { signal }) {
      const result = await engine.stop(request.id, stopOptions(request), signal);
      return {
        process: processToProto(result.process, false),
        stopped: result.stopped,
        survivors: result.survivors.map((survivor) => ({ ...survivor })),
      };
    },

    async signalProcess(request) {
      const target = targetFromProto("target", request.target);
      const process = await engine.signal(request.id, signalName("signal", request.signal), target);
      return { process: processToProto(process, false) };
    },

    async restartProcess(request, { signal }) {
      const process = await engine.restart(request.id, stopOptions(request), signal);
      return { process: processToProto(process, false) };
    },

    getProcess(request) {
      const withEnv = viewIsFull("view", request.view);
      return { process: processToProto(engine.get(request.id), withEnv) };
    },

    async listProcesses(request) {
      const withEnv = viewIsFull("view", request.view);
      const filter = filterFromProto(request.filter);
      const pageToken = token("page_token", request.pageToken);
      const size = Math.min(request.pageSize || defaultPageSize, maxPageSize);
      const page = await engine.list(filter, { size, token: pageToken, fits: room(maxPageBytes, withEnv) });
      return {
        processes: page.processes.map((process) => processToProto(process, withEnv)),
        nextPageToken: page.nextPageToken,
        resourceVersion: page.resourceVersion,
        totalSize: page.totalSize,
      };
    },

    async *watchProcesses(request, { signal }) {
      const withEnv = viewIsFull("view", request.view);
      const options = {
        resourceVersion: token("resource_version", request.resourceVersion),
        filter: filterFromProto(request.filter),
        bookmarkMs:
          millisFromDuration("bookmark_interval", request.bookmarkInterval, intervalRange) ?? defaultIntervalMs,
      };
      for await (const event of engine.watch(options, signal)) {
        const type = watchEventToProto[event.type];
        const { resourceVersion } = event;
        if (event.type === "bookmark") {
          yield { type, resourceVersion };
        } else if (event.type === "removed") {
          yield { type, process: { id: event.id }, resourceVersion };
        } else {
          yield { type, process: processToProto(event.process, withEnv), resourceVersion };
        }
      }
    },

    async *statsProcesses(request, { signal }) {
      if (request.ids.length > maxSampled) {
        throw invalid("ids", `must not be more than ${maxSampled}, are ${request.ids.length}`);
      }
      if (request.includeMembers && (request.ids.length === 0 || request.ids.length > maxSampledMembers)) {
        throw invalid("include_members", `needs ids, at most ${maxSampledMembers}`);
      }
      const options = {
        ids: request.ids,
        intervalMs: millisFromDuration("interval", request.interval, sampleRange) ?? defaultSampleMs,
        io: request.includeIo,
        members: request.includeMembers,
      };
      for await (const sample of engine.stats(options, signal)) {
        yield { sample: sampleToProto(sample) };
      }
    },

    async waitProcess(request, { signal }) {
      const condition = conditionFromProto("condition", request.condition);
      const process = await engine.wait(request.id, condition, request.run, signal);
      return { process: processToProto(process, false) };
    },

    async getOutput(request) {
      const read = await engine.readOutput(request.id, {
        run: request.run,
        start: outputStartFromProto(request.start),
        streams: streamsFromProto(request.streams),
        maxBytes: request.maxBytes === 0 ? defaultReadBytes : within("max_bytes", request.maxBytes, 1, maxReadBytes),
      });
      const { output } = read;
      return {
        run: read.run,
        chunks: read.chunks.flatMap((chunk) => [...chunksToProto(chunk)]),
        gap: read.gap === null ? undefined : gapToProto(read.gap),
        nextOffset: BigInt(read.nextOffset),
        output: outputInfoToProto(output),
      };
    },

    async *streamOutput(request, { signal }) {
      const options = {
        run: request.run,
        start: outputStartFromProto(request.start),
        streams: streamsFromProto(request.streams),
        follow: request.follow,
        heartbeatMs:
          millisFromDuration("heartbeat_interval", request.heartbeatInterval, intervalRange) ?? defaultIntervalMs,
      };
      for await (const frame of engine.streamOutput(request.id, options, signal)) {
        yield* framesToProto(frame);
      }
    },

    async writeInput(request, { signal }) {
      if (request.data.length > maxInputBytes) {
        throw invalid("data", `must not be longer than ${maxInputBytes} bytes, is ${request.data.length}`);
      }
      await engine.writeInput(request.id, request.data, request.close, signal);
      return {};
    },

    async resizeTerminal(request) {
      await engine.resizeTerminal(request.id, terminalFromProto("size", request.size));
      return {};
    },

    async removeProcess(request) {
      return { id: await engine.remove(request.id, request.force) };
    },

    async pruneProcesses(request) {
      const olderThanMs = millisFromDuration("older_than", request.olderThan, maxAgeRange) ?? 0;
      const { ids, freedBytes } = await engine.prune(filterFromProto(request.filter), olderThanMs, request.dryRun);
      return { ids, freedBytes: BigInt(freedBytes) };
    },
  };
}

function stopOptions(request: {
  readonly signal: string;
  readonly gracePeriod?: Parameters<typeof millisFromDuration>[1];
  readonly force: boolean;
}): StopOptions {
  return {
    signal: optionalSignalName("signal", request.signal),
    graceMs: millisFromDuration("grace_period", request.gracePeriod, graceRange),
    force: request.force,
  };
}

/** Whether one process more fits into a message that may have so many bytes. */
function room(bytes: number, withEnv: boolean): (process: ProcessInfo) => boolean {
  let left = bytes;
  return (process) => {
    left -= approximateSize(process, withEnv);
    return left >= 0;
  };
}

/** A run's output, read and streamed, of one process and of many. */
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ProcessService,
  StreamOutputResponseSchema,
  StreamOutputsResponseSchema,
} from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { OutputFrame, OutputsFrame } from "../../../engine/api/index.ts";
import { encodeChunk, encodeMemberChunk, encodeMessage } from "../../convert/encode-chunk.ts";
import { streamsFromProto } from "../../convert/enums.ts";
import { filterFromProto } from "../../convert/filter.ts";
import {
  chunksWithin,
  cursorFromProto,
  framesToProto,
  gapToProto,
  maxChunkBytes,
  memberFramesToProto,
  outputStartFromProto,
} from "../../convert/output.ts";
import { outputInfoToProto } from "../../convert/run.ts";
import { millisFromDuration, nanosFromTimestamp } from "../../convert/time.ts";
import { checked } from "../../edge/field.ts";
import { atLeast, processId, processRef, saturate, token, within } from "../../edge/rules.ts";
import { encodedFramesKey, type Piece } from "../../encoded-frames.ts";
import type { ServiceDependencies } from "../dependencies.ts";
import { heartbeatMs, optionalRun } from "../stream-options.ts";

type Methods = Pick<
  ServiceImpl<typeof ProcessService>,
  "getOutput" | "streamOutput" | "streamOutputs" | "acknowledgeOutput"
>;

const defaultReadBytes = 1024 * 1024;
/** Stock gRPC clients accept messages of 4 MiB. */
export const maxReadBytes = 3 * 1024 * 1024;
const maxReadMessageBytes = 4 * 1024 * 1024 - 64 * 1024;
const mergeRange = { min: 0, max: 5000 };
const defaultMergeMs = 50;

/** Frames that come together are sent together. */
async function* encodedOutput(frames: AsyncIterable<OutputFrame>): AsyncGenerator<Piece, void, undefined> {
  let together: Uint8Array[] = [];
  try {
    for await (const part of frames) {
      if (part.kind === "chunk" && part.chunk.data.length <= maxChunkBytes) {
        together.push(encodeChunk(part.chunk));
      } else {
        for (const frame of framesToProto(part)) together.push(encodeMessage(StreamOutputResponseSchema, { frame }));
      }
      if ("more" in part && part.more === true) continue;
      yield together;
      together = [];
    }
  } catch (error) {
    // What came before it is sent before it.
    if (together.length > 0) yield together;
    throw error;
  }
}

async function* encodedOutputs(frames: AsyncIterable<OutputsFrame>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const part of frames) {
    if (part.kind === "chunk" && part.chunk.data.length <= maxChunkBytes) {
      yield encodeMemberChunk(part.member, part.chunk);
      continue;
    }
    for (const frame of memberFramesToProto(part)) yield encodeMessage(StreamOutputsResponseSchema, { frame });
  }
}

export function output({ engine }: ServiceDependencies): Methods {
  return {
    async getOutput(request) {
      const { ref, options } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        options: {
          run: optionalRun(request.run, root),
          start: outputStartFromProto(request.start, root.child("start")),
          streams: streamsFromProto(request.streams, root.child("streams")),
          until: nanosFromTimestamp(request.until, root.child("until")),
          maxBytes:
            request.maxBytes === 0
              ? defaultReadBytes
              : within(request.maxBytes, 1, maxReadBytes, root.child("max_bytes")),
        },
      }));
      const read = await engine.readOutput(ref, options);
      return {
        processId: read.processId,
        run: read.run,
        ...chunksWithin(read, maxReadMessageBytes),
        gap: read.gap === null ? undefined : gapToProto(read.gap),
        output: outputInfoToProto(read.output),
      };
    },

    async *streamOutput(request, { signal, values }) {
      const { ref, options } = checked((root) => {
        if (request.hold && !request.follow) {
          root.child("hold").refuse("needs `follow`");
        }
        if (request.hold && request.streams.length > 0) {
          root.child("hold").refuse("not together with `streams`");
        }
        if (!request.hold && request.holdToken !== "") {
          root.child("hold_token").refuse("needs `hold`");
        }
        return {
          ref: processRef(request.process, root.child("process")),
          options: {
            run: optionalRun(request.run, root),
            start: outputStartFromProto(request.start, root.child("start")),
            streams: streamsFromProto(request.streams, root.child("streams")),
            until: nanosFromTimestamp(request.until, root.child("until")),
            follow: request.follow,
            heartbeatMs: heartbeatMs(request.heartbeatInterval, root.child("heartbeat_interval")),
            hold: request.hold ? { token: token(request.holdToken, root.child("hold_token")) } : null,
          },
        };
      });
      const frames = engine.streamOutput(ref, options, signal);
      const encoded = values.get(encodedFramesKey);
      if (encoded !== undefined) {
        yield* encoded.send(encodedOutput(frames));
        return;
      }
      for await (const part of frames) {
        for (const frame of framesToProto(part)) {
          yield { frame };
        }
      }
    },

    async *streamOutputs(request, { signal, values }) {
      const options = checked((root) => {
        const start = outputStartFromProto(request.start, root.child("start"));
        if (start.position.kind === "offset" && start.position.offset !== 0) {
          root.child("start").child("offset").refuse("must be 0: each run has offsets of its own, see `cursors`");
        }
        return {
          filter: filterFromProto(request.filter, root.child("filter")),
          start,
          cursors: request.cursors.map((cursor, index) => cursorFromProto(cursor, root.child("cursors").item(index))),
          streams: streamsFromProto(request.streams, root.child("streams")),
          follow: request.follow,
          untilIdle: request.untilIdle,
          until: nanosFromTimestamp(request.until, root.child("until")),
          mergeWindowMs:
            millisFromDuration(request.mergeWindow, mergeRange, root.child("merge_window")) ?? defaultMergeMs,
          heartbeatMs: heartbeatMs(request.heartbeatInterval, root.child("heartbeat_interval")),
          currentRunOnly: request.currentRunOnly,
        };
      });
      const frames = engine.streamOutputs(options, signal);
      const encoded = values.get(encodedFramesKey);
      if (encoded !== undefined) {
        yield* encoded.send(encodedOutputs(frames));
        return;
      }
      for await (const part of frames) {
        for (const frame of memberFramesToProto(part)) {
          yield { frame };
        }
      }
    },

    async acknowledgeOutput(request) {
      await engine.acknowledgeOutput(
        checked((root) => ({
          processId: processId(request.processId, root.child("process_id")),
          run: atLeast(request.run, 1, root.child("run")),
          token: token(request.holdToken, root.child("hold_token")),
          nextOffset: saturate(request.nextOffset),
          release: request.release,
        })),
      );
      return {};
    },
  };
}

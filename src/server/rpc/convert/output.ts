import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as proto from "../../../../gen/ts/pm/v1/output_pb.ts";
import type { StreamOutputResponseSchema } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { saturate } from "../validate.ts";
import { endReasonToProto, streamFromProto, streamToProto } from "./enums.ts";
import { exitToProto, outputInfoToProto } from "./process.ts";
import { nanosFromTimestamp, timestampFromMicros } from "./time.ts";

/** The contract's bound of OutputChunk.data. */
const maxChunkBytes = 65_536;

export function outputStartFromProto(start: proto.OutputStart | undefined): engine.OutputStart {
  const position = start?.position;
  switch (position?.case) {
    case "offset":
      return { kind: "offset", offset: saturate(position.value) };
    case "tailBytes":
      return { kind: "tailBytes", bytes: saturate(position.value) };
    case "tailLines":
      return { kind: "tailLines", lines: saturate(position.value) };
    case "since":
      return { kind: "since", time: nanosFromTimestamp("start.since", position.value) };
    default:
      return { kind: "offset", offset: 0 };
  }
}

export function streamsFromProto(streams: readonly proto.OutputStream[]): engine.OutputStreamName[] {
  return [...new Set(streams.map((stream, index) => streamFromProto(`streams[${index}]`, stream)))];
}

/** The same bytes in messages of at most 64 KiB. */
export function* chunksToProto(chunk: engine.OutputChunk): Generator<MessageInitShape<typeof proto.OutputChunkSchema>> {
  const stream = streamToProto[chunk.stream];
  const time = timestampFromMicros(chunk.timeMicros);
  for (let begin = 0; begin < chunk.data.length; begin += maxChunkBytes) {
    yield {
      stream,
      offset: BigInt(chunk.offset + begin),
      time,
      data: chunk.data.subarray(begin, begin + maxChunkBytes),
    };
  }
}

export function gapToProto(gap: engine.OutputGap): MessageInitShape<typeof proto.OutputGapSchema> {
  return { fromOffset: BigInt(gap.from), toOffset: BigInt(gap.to) };
}

export function* framesToProto(
  frame: engine.OutputFrame,
): Generator<MessageInitShape<typeof StreamOutputResponseSchema>> {
  switch (frame.kind) {
    case "opened":
      yield {
        frame: {
          case: "opened",
          value: {
            processId: frame.processId,
            run: frame.run,
            startOffset: BigInt(frame.startOffset),
            output: outputInfoToProto(frame.output),
          },
        },
      };
      return;
    case "chunk":
      for (const value of chunksToProto(frame.chunk)) {
        yield { frame: { case: "chunk", value } };
      }
      return;
    case "gap":
      yield { frame: { case: "gap", value: gapToProto(frame.gap) } };
      return;
    case "heartbeat":
      yield { frame: { case: "heartbeat", value: { nextOffset: BigInt(frame.nextOffset) } } };
      return;
    case "end":
      yield {
        frame: {
          case: "end",
          value: {
            finalOffset: BigInt(frame.finalOffset),
            reason: endReasonToProto[frame.reason],
            exit: frame.exit === null ? undefined : exitToProto(frame.exit),
            nextRun: frame.nextRun,
          },
        },
      };
      return;
    default:
      frame satisfies never;
  }
}

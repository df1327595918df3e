import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as proto from "../../../../gen/ts/pm/v1/output_pb.ts";
import type {
  StreamOutputResponseSchema,
  StreamOutputsResponseSchema,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Field } from "../edge/field.ts";
import { atLeast, processId, saturate } from "../edge/rules.ts";
import { endReasonToProto, streamToProto } from "./enums.ts";
import { exitToProto, outputInfoToProto } from "./run.ts";
import { nanosFromTimestamp, timestampFromMicros } from "./time.ts";

type Chunk = MessageInitShape<typeof proto.OutputChunkSchema>;

/** The contract's bound of OutputChunk.data. */
const maxChunkBytes = 262_144;

/** What a chunk takes on the wire beside its data. */
const chunkOverheadBytes = 48;

export function outputStartFromProto(start: proto.OutputStart | undefined, at: Field): engine.OutputStart {
  return { position: positionFromProto(start), since: nanosFromTimestamp(start?.since, at.child("since")) };
}

function positionFromProto(start: proto.OutputStart | undefined): engine.OutputStart["position"] {
  const { case: kind, value = 0n } = start?.position ?? { case: undefined };
  switch (kind) {
    case "tailBytes":
      return { kind, bytes: saturate(value) };
    case "tailLines":
      return { kind, lines: saturate(value) };
    default:
      return { kind: "offset", offset: saturate(value) };
  }
}

export function cursorFromProto(cursor: proto.OutputCursor, at: Field): engine.OutputCursor {
  return {
    processId: processId(cursor.processId, at.child("process_id")),
    run: atLeast(cursor.run, 1, at.child("run")),
    nextOffset: saturate(cursor.nextOffset),
  };
}

/** The same bytes in messages of at most 256 KiB. */
export function* chunksToProto(chunk: engine.OutputChunk): Generator<Chunk> {
  const stream = streamToProto[chunk.stream];
  const time = timestampFromMicros(chunk.timeMicros);
  for (let begin = 0; begin < chunk.data.length; begin += maxChunkBytes) {
    yield {
      stream,
      offset: BigInt(chunk.offset + begin),
      time,
      data: chunk.data.subarray(begin, begin + maxChunkBytes) as Uint8Array<ArrayBuffer>,
    };
  }
}

/**
 * What was read, as far as it fits into a message of `maxBytes`: many small
 * chunks take much more room on the wire than their bytes.
 */
export function chunksWithin(
  read: engine.OutputRead,
  maxBytes: number,
): { readonly chunks: Chunk[]; readonly nextOffset: bigint } {
  const chunks: Chunk[] = [];
  let room = maxBytes;
  for (const chunk of read.chunks.flatMap((part) => [...chunksToProto(part)])) {
    room -= (chunk.data?.length ?? 0) + chunkOverheadBytes;
    if (room < 0) {
      return { chunks, nextOffset: chunk.offset ?? 0n };
    }
    chunks.push(chunk);
  }
  return { chunks, nextOffset: BigInt(read.nextOffset) };
}

export function gapToProto(gap: engine.OutputGap): MessageInitShape<typeof proto.OutputGapSchema> {
  return { fromOffset: BigInt(gap.from), toOffset: BigInt(gap.to) };
}

function endToProto(end: engine.OutputEnd): MessageInitShape<typeof proto.OutputEndSchema> {
  return {
    finalOffset: BigInt(end.finalOffset),
    reason: endReasonToProto[end.reason],
    exit: end.exit === null ? undefined : exitToProto(end.exit),
    ...(end.nextRun !== null && { nextRun: end.nextRun }),
  };
}

type Frame = NonNullable<MessageInitShape<typeof StreamOutputResponseSchema>["frame"]>;
type MemberFrame = NonNullable<MessageInitShape<typeof StreamOutputsResponseSchema>["frame"]>;

export function* framesToProto(frame: engine.OutputFrame): Generator<Frame> {
  switch (frame.kind) {
    case "opened":
      yield {
        case: "opened",
        value: {
          processId: frame.processId,
          run: frame.run,
          startOffset: BigInt(frame.startOffset),
          output: outputInfoToProto(frame.output),
          holdToken: frame.holdToken,
        },
      };
      return;
    case "chunk":
      for (const value of chunksToProto(frame.chunk)) {
        yield { case: "chunk", value };
      }
      return;
    case "gap":
      yield { case: "gap", value: gapToProto(frame.gap) };
      return;
    case "heartbeat":
      yield { case: "heartbeat", value: { nextOffset: BigInt(frame.nextOffset) } };
      return;
    case "end":
      yield { case: "end", value: endToProto(frame) };
      return;
    default:
      frame satisfies never;
  }
}

export function* memberFramesToProto(frame: engine.OutputsFrame): Generator<MemberFrame> {
  switch (frame.kind) {
    case "opened":
      yield { case: "opened", value: { selected: frame.selected } };
      return;
    case "memberOpened":
      yield {
        case: "memberOpened",
        value: {
          member: frame.member,
          processId: frame.processId,
          processName: frame.processName,
          run: frame.run,
          startOffset: BigInt(frame.startOffset),
          output: outputInfoToProto(frame.output),
        },
      };
      return;
    case "chunk":
      for (const chunk of chunksToProto(frame.chunk)) {
        yield { case: "chunk", value: { member: frame.member, chunk } };
      }
      return;
    case "gap":
      yield { case: "gap", value: { member: frame.member, gap: gapToProto(frame.gap) } };
      return;
    case "memberEnd":
      yield { case: "memberEnd", value: { member: frame.member, end: endToProto(frame.end) } };
      return;
    case "heartbeat":
      yield {
        case: "heartbeat",
        value: {
          cursors: frame.cursors.map(({ nextOffset, ...place }) => ({ ...place, nextOffset: BigInt(nextOffset) })),
        },
      };
      return;
    default:
      frame satisfies never;
  }
}

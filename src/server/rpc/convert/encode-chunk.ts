import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  StreamOutputResponseSchema,
  StreamOutputsResponseSchema,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { OutputChunk } from "../../engine/api/output.ts";
import { streamToProto } from "./enums.ts";
import { timestampFromMicros } from "./time.ts";

const envelopeBytes = 5;
const lengthDelimited = 2;
const varint = 0;

const tag = (field: number, wireType: number) => (field << 3) | wireType;
const chunkOfResponse = tag(StreamOutputResponseSchema.field.chunk.number, lengthDelimited);
const chunkOfResponses = tag(StreamOutputsResponseSchema.field.chunk.number, lengthDelimited);

/** Followers of one run get the same chunks. */
const encoded = new WeakMap<OutputChunk, Uint8Array>();

/** Any other message in its envelope. */
export function encodeMessage<T extends DescMessage>(schema: T, message: MessageInitShape<T>): Uint8Array {
  const body = toBinary(schema, create(schema, message));
  const bytes = Buffer.allocUnsafe(envelopeBytes + body.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(body.length, 1);
  bytes.set(body, envelopeBytes);
  return bytes;
}

/** A chunk as an enveloped StreamOutputResponse. Made once for all followers. */
export function encodeChunk(chunk: OutputChunk): Uint8Array {
  let bytes = encoded.get(chunk);
  if (bytes === undefined) {
    bytes = envelope([], chunkOfResponse, chunk);
    encoded.set(chunk, bytes);
  }
  return bytes;
}

/** A chunk of a member as an enveloped StreamOutputsResponse. */
export function encodeMemberChunk(member: number, chunk: OutputChunk): Uint8Array {
  const head: number[] = [tag(1, varint)];
  putVarint(head, member);
  // OutputMemberChunk has the number of the member before the chunk.
  return envelope(head, chunkOfResponses, chunk);
}

/**
 * `pm.v1.OutputChunk` inside the messages around it. The data comes last in all
 * of them: one head, then the data, which is not copied if there is room before it.
 *
 * @param memberHead The field of OutputMemberChunk before its chunk; empty: the chunk is the frame.
 */
function envelope(memberHead: readonly number[], frameTag: number, chunk: OutputChunk): Uint8Array {
  const { data } = chunk;
  const fields: number[] = [tag(1, varint)];
  putVarint(fields, streamToProto[chunk.stream]);
  // What is 0 is not written, as in every proto3 message.
  if (chunk.offset > 0) {
    fields.push(tag(2, varint));
    putVarint(fields, chunk.offset);
  }
  const { seconds = 0n, nanos = 0 } = timestampFromMicros(chunk.timeMicros);
  const time: number[] = [];
  if (seconds > 0n) {
    time.push(tag(1, varint));
    putVarint(time, Number(seconds));
  }
  if (nanos > 0) {
    time.push(tag(2, varint));
    putVarint(time, nanos);
  }
  fields.push(tag(3, lengthDelimited), time.length, ...time, tag(4, lengthDelimited));
  putVarint(fields, data.length);

  const head: number[] = [frameTag];
  if (memberHead.length > 0) {
    const inner: number[] = [...memberHead, tag(2, lengthDelimited)];
    putVarint(inner, fields.length + data.length);
    putVarint(head, inner.length + fields.length + data.length);
    head.push(...inner);
  } else {
    putVarint(head, fields.length + data.length);
  }
  head.push(...fields);

  const headBytes = envelopeBytes + head.length;
  // The head of a member's chunk differs from stream to stream, and the chunk may be in many.
  const inPlace = memberHead.length === 0 && (chunk.headroom ?? 0) >= headBytes;
  const bytes = inPlace
    ? Buffer.from(data.buffer, data.byteOffset - headBytes, headBytes + data.length)
    : Buffer.allocUnsafe(headBytes + data.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(head.length + data.length, 1);
  bytes.set(head, envelopeBytes);
  if (!inPlace) bytes.set(data, headBytes);
  return bytes;
}

/** Least significant seven bits first; exact up to 2^53. */
function putVarint(into: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    into.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  into.push(rest);
}

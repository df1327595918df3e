import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  StreamOutputResponseSchema,
  StreamOutputsResponseSchema,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { encodeChunk, encodeMemberChunk } from "../../../../src/server/rpc/convert/encode-chunk.ts";
import { framesToProto, memberFramesToProto } from "../../../../src/server/rpc/convert/output.ts";

const chunks = fc.record({
  stream: fc.constantFrom("stdout" as const, "stderr" as const, "tty" as const),
  offset: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: Number.MAX_SAFE_INTEGER })),
  timeMicros: fc.oneof(fc.nat({ max: 5_000_000 }), fc.integer({ min: 1_700_000_000_000_000, max: 2 ** 52 })),
  data: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.integer({ min: 1, max: 262_144 }).map((length) => Buffer.alloc(length, 7)),
  ),
});

function enveloped(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test("a chunk is encoded as the general encoder does it, once", () => {
  fc.assert(
    fc.property(chunks, (chunk) => {
      const [frame = { case: undefined }] = framesToProto({ kind: "chunk", chunk });
      const message = toBinary(StreamOutputResponseSchema, create(StreamOutputResponseSchema, { frame }));
      const bytes = encodeChunk(chunk);
      expect(enveloped(message).equals(bytes)).toBe(true);
      expect(encodeChunk(chunk)).toBe(bytes);
    }),
  );
});

test("a chunk with room before it is encoded where it is", () => {
  fc.assert(
    fc.property(chunks, fc.integer({ min: 0, max: 100 }), (chunk, headroom) => {
      const buffer = Buffer.alloc(headroom + chunk.data.length, 9);
      buffer.set(chunk.data, headroom);
      const expected = encodeChunk(chunk);
      const bytes = encodeChunk({ ...chunk, data: buffer.subarray(headroom), headroom });
      expect(Buffer.compare(bytes, expected)).toBe(0);
      expect(bytes.buffer === buffer.buffer).toBe(headroom >= expected.length - chunk.data.length);
    }),
  );
});

test("so is a chunk of a member", () => {
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (chunk, member) => {
      const [frame = { case: undefined }] = memberFramesToProto({ kind: "chunk", member, chunk });
      const message = toBinary(StreamOutputsResponseSchema, create(StreamOutputsResponseSchema, { frame }));
      expect(enveloped(message).equals(encodeMemberChunk(member, chunk))).toBe(true);
    }),
  );
});

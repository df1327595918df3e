import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../../../gen/ts/google/rpc/error_details_pb.ts";
import { decodeErrorInfo } from "../../../../src/sdk/transport/error-info.ts";

test.each([
  { reason: "", domain: "", metadata: {} },
  { reason: "START_FAILED", domain: "pm", metadata: { errno: "2", errno_name: "ENOENT", path: "/no/such", empty: "" } },
  { reason: "Ünïcode ✓", domain: "x".repeat(300), metadata: { "": "no key", key: "y".repeat(70_000) } },
])("reads what the protobuf runtime writes", (info) => {
  const bytes = toBinary(ErrorInfoSchema, create(ErrorInfoSchema, info));
  expect(decodeErrorInfo(Buffer.from(bytes))).toEqual(info);
});

test("what is no ErrorInfo is no error info", () => {
  for (const hex of ["08", "0801", "0aff", "0affffffffff0f", "ff", "0a05616263", "1a0308", "ffffffffffffffffff01"]) {
    expect(decodeErrorInfo(Buffer.from(hex, "hex"))).toBeUndefined();
  }
});

test("a message cut anywhere is read as less or not at all", () => {
  const metadata = { a: "1", bb: "22" };
  const bytes = Buffer.from(
    toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "R", domain: "pm", metadata })),
  );
  for (let length = 0; length < bytes.length; length++) {
    const info = decodeErrorInfo(bytes.subarray(0, length));
    expect(Object.keys(info?.metadata ?? {}).every((key) => Object.hasOwn(metadata, key))).toBe(true);
  }
});

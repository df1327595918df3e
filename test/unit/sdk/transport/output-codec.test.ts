/** The hand-written decoding and encoding of output streams, against the protobuf runtime. */
import { create, fromBinary, fromJson, type JsonValue, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  StreamOutputRequestSchema,
  StreamOutputResponseSchema,
  StreamOutputsRequestSchema,
  StreamOutputsResponseSchema,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { outputsToJson, outputToJson } from "../../../../src/sdk/json/requests.ts";
import { processStates } from "../../../../src/sdk/json/words.ts";
import { decodeOutputFrame, decodeOutputsFrame } from "../../../../src/sdk/transport/protobuf/output-frames.ts";
import { encodeStreamOutput, encodeStreamOutputs } from "../../../../src/sdk/transport/protobuf/output-requests.ts";
import { ProtobufError } from "../../../../src/sdk/transport/protobuf/reader.ts";
import type { ProcessState } from "../../../../src/sdk/types.ts";
import { frameFromMessage, outputsFrameFromMessage } from "./runtime-frames.ts";

const id = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";
const time = { seconds: 1_700_000_000n, nanos: 5_000_000 };
const output = {
  firstOffset: 2n ** 40n,
  nextOffset: 2n ** 53n - 1n,
  complete: true,
  stdoutBytes: 1n,
  stderrBytes: 127n,
  limitBytes: 128n,
  held: true,
};
const usage = { userTime: { nanos: 12_345_678 }, systemTime: { seconds: 3n, nanos: 1 }, maxResidentBytes: 4096n };

const frames: MessageInitShape<typeof StreamOutputResponseSchema>[] = [
  { frame: { case: "opened", value: { processId: id, run: 3, startOffset: 300n, output, holdToken: "t" } } },
  { frame: { case: "opened", value: {} } },
  { frame: { case: "chunk", value: { stream: 1, offset: 2n ** 45n, time, data: Buffer.alloc(70_000, "é") } } },
  { frame: { case: "chunk", value: { stream: 3, time: {} } } },
  { frame: { case: "gap", value: { fromOffset: 1n, toOffset: 2n ** 32n } } },
  { frame: { case: "heartbeat", value: { nextOffset: 16_384n } } },
  {
    frame: { case: "end", value: { finalOffset: 1n, reason: 1, exit: { result: { case: "code", value: 0 }, usage } } },
  },
  {
    frame: {
      case: "end",
      value: {
        reason: 4,
        exit: { result: { case: "signal", value: 9 }, signalName: "SIGKILL", coreDumped: true, oomKilled: false },
        nextRun: 0,
      },
    },
  },
  { frame: { case: "end", value: { reason: 2 } } },
  {},
];

test.each(frames)("a frame of output is what the runtime makes of it: %#", (init) => {
  const message = create(StreamOutputResponseSchema, init);
  const decoded = decodeOutputFrame(Buffer.from(toBinary(StreamOutputResponseSchema, message)));
  expect(normal(decoded)).toEqual(normal(frameFromMessage(message)));
});

const memberFrames: MessageInitShape<typeof StreamOutputsResponseSchema>[] = [
  { frame: { case: "opened", value: { selected: 300 } } },
  { frame: { case: "opened", value: {} } },
  {
    frame: {
      case: "memberOpened",
      value: { member: 200, processId: id, processName: "näme", run: 2, startOffset: 9n, output },
    },
  },
  { frame: { case: "chunk", value: { member: 1, chunk: { stream: 2, offset: 5n, time, data: Buffer.from("x") } } } },
  { frame: { case: "gap", value: { member: 0, gap: { fromOffset: 1n, toOffset: 2n } } } },
  { frame: { case: "memberEnd", value: { member: 7, end: { finalOffset: 2n, reason: 3, nextRun: 4 } } } },
  { frame: { case: "heartbeat", value: { cursors: [{ processId: id, run: 1, nextOffset: 8n }, {}] } } },
  {},
];

test.each(memberFrames)("a frame of many processes is what the runtime makes of it: %#", (init) => {
  const message = create(StreamOutputsResponseSchema, init);
  const decoded = decodeOutputsFrame(Buffer.from(toBinary(StreamOutputsResponseSchema, message)));
  expect(normal(decoded)).toEqual(normal(outputsFrameFromMessage(message)));
});

/** The runtime gives a Uint8Array, and the decoder a Buffer. */
function normal(frame: object | undefined): unknown {
  return frame !== undefined && "data" in frame ? { ...frame, data: Buffer.from(frame.data as Uint8Array) } : frame;
}

test("fields and kinds of frames that are not known are passed over", () => {
  const chunk = toBinary(StreamOutputResponseSchema, create(StreamOutputResponseSchema, frames[4] ?? {}));
  // Field 100, once of each wire type.
  const unknown = [
    [0xa0, 6, 0x80, 1],
    [0xa1, 6, 1, 2, 3, 4, 5, 6, 7, 8],
    [0xa2, 6, 2, 9, 9],
    [0xa5, 6, 1, 2, 3, 4],
  ];
  for (const field of unknown) {
    expect(decodeOutputFrame(Buffer.from([...field, ...chunk, ...field]))).toMatchObject({ type: "gap", from: 1 });
    expect(decodeOutputFrame(Buffer.from(field))).toBeUndefined();
  }
});

test("what is no message is an error, not a frame", () => {
  const whole = Buffer.from(toBinary(StreamOutputResponseSchema, create(StreamOutputResponseSchema, frames[0] ?? {})));
  for (let length = 1; length < whole.length; length++) {
    expect(() => decodeOutputFrame(whole.subarray(0, length))).toThrow(ProtobufError);
  }
  for (const wrong of [[0x0b], [0x08, 1], [0x12, 2, 0x08, 0x80], [0x12, 3, 0x20, 1], Array(11).fill(0xff)]) {
    expect(() => decodeOutputFrame(Buffer.from(wrong as number[]))).toThrow();
  }
});

test("requests are what the runtime reads from their JSON", () => {
  const since = new Date("2024-01-02T03:04:05.678Z");
  const before1970 = new Date("1969-12-31T23:59:59.999Z");
  const one = [
    { ...outputToJson(id, {}), heartbeatInterval: "15.000000s" as const },
    {
      ...outputToJson("näme", {
        run: 300,
        start: { offset: Number.MAX_SAFE_INTEGER, since },
        streams: ["stdout", "stderr", "tty"],
        until: before1970,
      }),
      follow: true,
      heartbeatInterval: "0.100000s" as const,
      hold: true,
      holdToken: "t",
    },
    outputToJson("x", { start: { tailLines: 0 } }),
    outputToJson("x", { start: { tailBytes: 5 } }),
  ];
  for (const request of one) {
    const expected = fromJson(StreamOutputRequestSchema, request as JsonValue);
    expect(fromBinary(StreamOutputRequestSchema, encodeStreamOutput(request))).toEqual(expected);
  }
  const many = [
    outputsToJson(undefined, {}),
    {
      ...outputsToJson(
        {
          selector: "a=b",
          states: Object.values(processStates) as ProcessState[],
          ids: [id],
          idPrefixes: ["abcd", "1234"],
          names: ["n"],
          namePatterns: ["n*"],
          createdAfter: since,
          createdBefore: since,
          endedAfter: before1970,
          endedBefore: since,
          living: true,
        },
        {
          start: { tailLines: 10 },
          streams: ["tty"],
          follow: true,
          untilIdle: true,
          until: since,
          mergeWindowMs: 1.5,
          currentRunOnly: true,
        },
      ),
      cursors: [
        { processId: id, run: 1, nextOffset: "0" },
        { processId: id, run: 2, nextOffset: "9007199254740991" },
      ],
      heartbeatInterval: "-1.500000s" as const,
    },
  ];
  for (const request of many) {
    const expected = fromJson(StreamOutputsRequestSchema, request as JsonValue);
    expect(fromBinary(StreamOutputsRequestSchema, encodeStreamOutputs(request))).toEqual(expected);
  }
});

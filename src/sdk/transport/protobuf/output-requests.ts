/**
 * Encodes the requests of output streams without the protobuf runtime. Field
 * numbers are those of proto/pm/v1/{process_service,output,process}.proto; a
 * test compares with the runtime.
 */
import type { StreamOutputRequestJson, StreamOutputsRequestJson } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { outputStreams, processStates } from "../../json/words.ts";

/** A field's kind: a list of words is an enum whose values count from 1. */
type Kind = "string" | "bool" | "integer" | "timestamp" | "duration" | readonly string[] | Fields;
/** The fields of a message by their names in JSON. */
interface Fields {
  readonly [name: string]: readonly [number: number, kind: Kind];
}

const ref: Fields = { id: [1, "string"], name: [2, "string"] };
const start: Fields = {
  offset: [1, "integer"],
  tailBytes: [2, "integer"],
  tailLines: [3, "integer"],
  since: [4, "timestamp"],
};
const streams = Object.keys(outputStreams);

const filter: Fields = {
  labelSelector: [1, "string"],
  states: [2, Object.keys(processStates)],
  ids: [3, "string"],
  idPrefixes: [4, "string"],
  names: [5, "string"],
  namePatterns: [6, "string"],
  createdAfter: [7, "timestamp"],
  createdBefore: [8, "timestamp"],
  endedAfter: [9, "timestamp"],
  endedBefore: [10, "timestamp"],
  living: [11, "bool"],
};

const streamOutput: { readonly [Name in keyof Required<StreamOutputRequestJson>]: Fields[string] } = {
  process: [1, ref],
  run: [2, "integer"],
  start: [3, start],
  streams: [4, streams],
  follow: [5, "bool"],
  heartbeatInterval: [6, "duration"],
  until: [7, "timestamp"],
  hold: [8, "bool"],
  holdToken: [9, "string"],
};

const streamOutputs: { readonly [Name in keyof Required<StreamOutputsRequestJson>]: Fields[string] } = {
  filter: [1, filter],
  start: [2, start],
  cursors: [3, { processId: [1, "string"], run: [2, "integer"], nextOffset: [3, "integer"] }],
  streams: [4, streams],
  follow: [5, "bool"],
  untilIdle: [6, "bool"],
  until: [7, "timestamp"],
  mergeWindow: [8, "duration"],
  heartbeatInterval: [9, "duration"],
  currentRunOnly: [10, "bool"],
};

export function encodeStreamOutput(request: StreamOutputRequestJson): Buffer {
  return message(request, streamOutput);
}

export function encodeStreamOutputs(request: StreamOutputsRequestJson): Buffer {
  return message(request, streamOutputs);
}

function message(value: object, fields: Fields): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of Object.entries(value)) {
    const field = fields[name];
    if (field === undefined) {
      throw new TypeError(`no field "${name}" is known`);
    }
    const [number, kind] = field;
    for (const item of Array.isArray(content) ? content : [content]) {
      parts.push(...encodeField(number, kind, item));
    }
  }
  return Buffer.concat(parts);
}

function encodeField(number: number, kind: Kind, value: unknown): Buffer[] {
  switch (kind) {
    case "string":
      return delimited(number, Buffer.from(String(value)));
    case "bool":
      return [tag(number, 0), varint(value ? 1n : 0n)];
    case "integer":
      return [tag(number, 0), varint(BigInt(value as string | number))];
    case "timestamp": {
      const milliseconds = Date.parse(String(value));
      const seconds = Math.floor(milliseconds / 1000);
      return delimited(number, secondsAndNanos(BigInt(seconds), (milliseconds - seconds * 1000) * 1e6));
    }
    case "duration": {
      const [, sign = "", seconds = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?s$/.exec(String(value)) ?? [];
      const factor = sign === "-" ? -1 : 1;
      const nanos = Number(fraction.padEnd(9, "0"));
      return delimited(number, secondsAndNanos(BigInt(seconds) * BigInt(factor), nanos * factor));
    }
    default:
      return isWords(kind)
        ? [tag(number, 0), varint(BigInt(kind.indexOf(String(value)) + 1))]
        : delimited(number, message(value as object, kind));
  }
}

function isWords(kind: readonly string[] | Fields): kind is readonly string[] {
  return Array.isArray(kind);
}

function secondsAndNanos(seconds: bigint, nanos: number): Buffer {
  return Buffer.concat([
    ...(seconds === 0n ? [] : [tag(1, 0), varint(seconds)]),
    ...(nanos === 0 ? [] : [tag(2, 0), varint(BigInt(nanos))]),
  ]);
}

function delimited(number: number, bytes: Buffer): Buffer[] {
  return [tag(number, 2), varint(BigInt(bytes.length)), bytes];
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

/** Negative numbers as protobuf has them: in two's complement of 64 bits. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

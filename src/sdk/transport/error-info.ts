/**
 * Decodes the one protobuf message that a unary error carries, so that a
 * short-lived program need not load a protobuf runtime for it
 * (https://protobuf.dev/programming-guides/encoding/).
 */
import type { ErrorInfo } from "./connect-error.ts";

/** @returns undefined if the bytes are not a google.rpc.ErrorInfo */
export function decodeErrorInfo(bytes: Buffer): ErrorInfo | undefined {
  const metadata: Record<string, string> = {};
  let reason = "";
  let domain = "";
  try {
    for (const [field, value] of lengthDelimitedFields(bytes)) {
      if (field === 1) {
        reason = value.toString("utf8");
      } else if (field === 2) {
        domain = value.toString("utf8");
      } else if (field === 3) {
        const entry = new Map(lengthDelimitedFields(value));
        metadata[entry.get(1)?.toString("utf8") ?? ""] = entry.get(2)?.toString("utf8") ?? "";
      }
    }
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
  return { reason, domain, metadata };
}

function* lengthDelimitedFields(bytes: Buffer): Generator<[number: number, value: Buffer]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        return value;
      }
    }
    throw new RangeError("a varint that is too long");
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 !== 2) {
      throw new RangeError("a field that ErrorInfo does not have");
    }
    const length = varint();
    if (length > bytes.length - at) {
      throw new RangeError("a field longer than the message");
    }
    yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
    at += length;
  }
}

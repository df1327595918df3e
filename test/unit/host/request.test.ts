import fc from "fast-check";
import { expect, test } from "vitest";
import { rlimitNames } from "../../../src/cli/rlimits.ts";
import { decodeRequest, MalformedRequest } from "../../../src/host/request.ts";

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const string = (bytes: Uint8Array): Buffer => Buffer.concat([u32(bytes.length), bytes]);
const strings = (all: readonly Uint8Array[]): Buffer => Buffer.concat([u32(all.length), ...all.map(string)]);

interface Fields {
  readonly args: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
  readonly cwd: Uint8Array | undefined;
  readonly nice: number;
  readonly size: readonly [rows: number, columns: number];
}

function encode({ args, env, cwd, nice, size }: Fields): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(0o022, 0);
  head.writeInt32LE(nice, 4);
  head.writeUInt32LE(5, 8);
  head.writeUInt16LE(size[0], 12);
  head.writeUInt16LE(size[1], 14);
  const limits = Buffer.alloc(16 * Object.keys(rlimitNames).length);
  for (let i = 0; i < limits.length; i += 16) {
    limits.writeBigUInt64LE(BigInt(i), i);
    limits.writeBigUInt64LE(2n ** 64n - 1n, i + 8);
  }
  return Buffer.concat([head, limits, cwd === undefined ? u32(0xffffffff) : string(cwd), strings(args), strings(env)]);
}

const fields: fc.Arbitrary<Fields> = fc.record({
  args: fc.array(fc.uint8Array({ maxLength: 20 })),
  env: fc.array(fc.uint8Array({ maxLength: 20 })),
  cwd: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
  nice: fc.integer({ min: -20, max: 19 }),
  size: fc.tuple(fc.nat(65535), fc.nat(65535)),
});
const plain = (all: readonly Uint8Array[]): string[] => all.map((bytes) => Buffer.from(bytes).toString("hex"));

test("what was encoded is decoded", () => {
  fc.assert(
    fc.property(fields, (given) => {
      const { inherited, terminal, cwd } = decodeRequest(encode(given));
      expect(plain(inherited.args)).toEqual(plain(given.args));
      expect(plain(inherited.env)).toEqual(plain(given.env));
      expect(cwd === undefined).toBe(given.cwd === undefined);
      expect(inherited).toMatchObject({ umask: 0o022, nice: given.nice });
      expect(inherited.rlimits["fsize"]).toEqual({ soft: 16n, hard: undefined });
      const [rows, columns] = given.size;
      expect(terminal).toEqual({
        stdin: true,
        stdout: false,
        stderr: true,
        size: rows > 0 && columns > 0 ? { rows, columns } : undefined,
      });
    }),
  );
});

test("of a variable that is there twice the first counts, and names are only names", () => {
  const env = ["A=1", "A=2", "__proto__=3", "nothing", "=4", "B=x=y", "C="].map((text) => Buffer.from(text));
  const decoded = decodeRequest(encode({ args: [], env, cwd: undefined, nice: 0, size: [0, 0] }));
  expect(Object.entries(decoded.env)).toEqual([
    ["A", "1"],
    ["__proto__", "3"],
    ["B", "x=y"],
    ["C", ""],
  ]);
});

test("anything else is malformed, whatever it is", () => {
  fc.assert(
    fc.property(fields, fc.nat(), fc.uint8Array({ maxLength: 4 }), (given, cut, more) => {
      const bytes = encode(given);
      expect(() => decodeRequest(bytes.subarray(0, cut % bytes.length))).toThrow(MalformedRequest);
      if (more.length > 0) {
        expect(() => decodeRequest(Buffer.concat([bytes, more]))).toThrow(MalformedRequest);
      }
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      expect(() => decodeRequest(Buffer.from(bytes))).toThrow(MalformedRequest);
    }),
  );
});

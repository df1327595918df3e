/** Everything wrong that a client can send, as fast-check arbitraries: the same seed gives the same cases. */
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { EventService } from "../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";

/** One case: bytes for a connection of its own, or a request on a connection that is in order. */
export type FuzzCase =
  | { readonly kind: "bytes"; readonly writes: readonly Uint8Array[] }
  | {
      readonly kind: "request";
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      /** Whether the right credentials go along, where there are credentials. */
      readonly authorized: boolean;
      /** Resets the stream instead of waiting for the response. */
      readonly reset: boolean;
    };

// A Shutdown would do what it says.
const methods = [...ProcessService.methods, ...EventService.methods, ...DaemonService.methods].filter(
  ({ name }) => name !== "Shutdown",
);
const paths = [
  ...methods.map(({ parent, name }) => `/${parent.typeName}/${name}`),
  "/grpc.health.v1.Health/Check",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

const someId = "0e3d4c5b-1111-4222-8333-944455566677";
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const latin1 = (text: string) => Buffer.from(text, "latin1");
const noise = fc.string({ unit: "binary", maxLength: 40 });

/** Messages that are valid or nearly so; none of them can start a program. */
const message = fc
  .oneof(
    ...methods.map((method) =>
      fc.constant(
        toBinary(
          method.input,
          create(method.input, {
            ...(method.input.field["process"] && { process: { ref: { case: "id", value: someId } } }),
          } as never),
        ),
      ),
    ),
    bytes(200),
    fc.record({ executable: noise, args: fc.array(noise, { maxLength: 4 }) }).map(({ executable, args }) => {
      const [start] = methods;
      return start === undefined
        ? new Uint8Array()
        : toBinary(start.input, create(start.input, { spec: { executable: `/no/such/${executable}`, args } } as never));
    }),
  )
  .chain((valid) =>
    fc.array(fc.tuple(fc.nat(Math.max(0, valid.length - 1)), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const changed = Uint8Array.from(valid);
      for (const [at, value] of changes) {
        if (at < changed.length) {
          changed[at] = value;
        }
      }
      return changed;
    }),
  );

const json = fc
  .oneof(
    fc.json({ maxDepth: 3 }),
    fc
      .record({ process: fc.oneof(noise, fc.integer(), fc.constant(null), fc.record({ id: noise })), unknown: noise })
      .map((value) => JSON.stringify(value)),
    fc
      .record({
        name: noise,
        spec: fc.record({ executable: noise, args: fc.array(noise, { maxLength: 3 }), cwd: noise }),
      })
      // None of them can start a program, either.
      .map(({ spec, ...rest }) => JSON.stringify({ ...rest, spec: { ...spec, cwd: `/no/such/${spec.cwd}` } })),
    fc.constant(`${"[".repeat(5000)}`),
    fc.constant(`{"process":{"name":"${"x".repeat(100_000)}"}}`),
  )
  .map((text) => Buffer.from(text));

/** 16 MiB of nothing in some kilobytes. */
const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024));

const body = fc.oneof(
  { weight: 6, arbitrary: message },
  { weight: 3, arbitrary: json },
  {
    weight: 6,
    // An envelope whose flags and length may lie.
    arbitrary: fc
      .tuple(
        fc.oneof(message, json),
        fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(255)),
        fc.integer({ min: -3, max: 3 }),
      )
      .map(([content, flags, lie]) => {
        const prefix = Buffer.alloc(5);
        prefix.writeUInt8(flags);
        prefix.writeUInt32BE(Math.max(0, content.length + lie), 1);
        return Buffer.concat([prefix, content]);
      }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Buffer.from([0, 255, 255, 255, 255]), Buffer.from([1, 0, 0, 0, 4, 1, 2, 3, 4])),
  },
  { weight: 1, arbitrary: fc.constant(bomb) },
);

const headerValue = fc.stringMatching(/^[\x21-\x7e]{0,30}$/);
const headers = fc.record(
  {
    "content-type": fc.oneof(
      fc.constantFrom(
        ...["proto", "json", "connect+proto", "connect+json", "grpc", "grpc+proto", "grpc+json", "grpc-web+proto"].map(
          (type) => `application/${type}`,
        ),
      ),
      headerValue,
    ),
    "content-encoding": fc.constantFrom("gzip", "br", "identity", "x"),
    "grpc-encoding": fc.constantFrom("gzip", "identity", "x"),
    "connect-content-encoding": fc.constantFrom("gzip", "br", "x"),
    "connect-protocol-version": fc.constantFrom("1", "2", ""),
    "connect-timeout-ms": fc.oneof(fc.constantFrom("0", "1", "-1", "99999999999", "1e3"), headerValue),
    "grpc-timeout": fc.oneof(fc.constantFrom("0n", "1u", "99999999H", "1"), headerValue),
    "grpc-accept-encoding": headerValue,
    te: fc.constant("trailers"),
    origin: headerValue,
    "x-noise": headerValue,
    "x-noise-bin": headerValue,
  },
  { requiredKeys: ["content-type"] },
);

const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...paths) },
  { weight: 1, arbitrary: fc.stringMatching(/^\/[\x21-\x7e]{0,40}$/) },
  // Connect's GET form.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...paths), fc.stringMatching(/^[\x21-\x7e]{0,60}$/))
      .map(([p, q]) => `${p}?${q}`),
  },
);

const request = fc.record({ path, headers, body, authorized: fc.boolean(), reset: fc.nat(9).map((n) => n === 0) }).map(
  ({ headers: given, body: content, ...rest }): FuzzCase => ({
    kind: "request",
    headers: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    body: content ?? new Uint8Array(),
    ...rest,
  }),
);

/** HTTP/1 with anything anywhere. */
const http1 = fc
  .record({
    method: fc.oneof(fc.constantFrom("POST", "GET", "OPTIONS", "CONNECT", "PRI", "HEAD", "PUT"), noise),
    path: fc.oneof(path, noise),
    version: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/9.9", ""),
    host: fc.oneof(fc.constantFrom("localhost", "a b", "a%2Fb", "::1::", "x:99999", ""), noise),
    lines: fc.array(
      fc.oneof(
        noise,
        fc.tuple(noise, noise).map(([name, value]) => `${name}: ${value}`),
        fc.constantFrom(
          "content-type: application/json",
          "content-length: 99999999",
          "content-length: -1",
          "transfer-encoding: chunked",
          "transfer-encoding: chunked, chunked",
          "expect: 100-continue",
          "upgrade: h2c",
          "connection: upgrade, HTTP2-Settings",
          "authorization: Basic \u00ff",
          "origin: https://evil.example",
        ),
      ),
      { maxLength: 6 },
    ),
    body: fc.oneof(bytes(60), fc.constantFrom("ffffffffff\r\n", "0\r\n\r\n", "5\r\nhello\r\n").map(latin1)),
  })
  .map(({ method, path: target, version, host, lines, body: content }) =>
    Buffer.concat([
      latin1(`${method} ${target} ${version}\r\nHost: ${host}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`),
      content,
    ]),
  );

/** HTTP/2 frames in no order. */
const frame = fc
  .tuple(
    fc.oneof(fc.nat(10), fc.nat(255)),
    fc.nat(255),
    fc.oneof(fc.constantFrom(0, 1, 3), fc.nat(0x7fffffff)),
    bytes(40),
  )
  .map(([type, flags, stream, payload]) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  });
const preface = Buffer.concat([latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]);
const http2 = fc.array(frame, { maxLength: 8 }).map((frames) => Buffer.concat([preface, ...frames]));

const rawBytes = fc.tuple(fc.oneof(http1, http2, bytes(200)), fc.nat(3)).map(([all, cuts]): FuzzCase => {
  const size = Math.max(1, Math.ceil(all.length / (cuts + 1)));
  const writes = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size));
  return { kind: "bytes", writes };
});

export const fuzzCase: fc.Arbitrary<FuzzCase> = fc.oneof(
  { weight: 7, arbitrary: request },
  { weight: 3, arbitrary: rawBytes },
);

/** `count` cases of a seed, a thousand at a time. */
export function* casesOf(seed: number, count: number): Generator<FuzzCase> {
  for (let begun = 0, round = 0; begun < count; round++) {
    const numRuns = Math.min(1000, count - begun);
    yield* fc.sample(fuzzCase, { seed: seed + round, numRuns });
    begun += numRuns;
  }
}

/** Streams by hand, against bytes that a daemon sends, and that whatever else listens may send. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { StreamOutputRequestSchema, StreamOutputResponseSchema } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { lightStream } from "../../src/sdk/transport/light-stream.ts";
import { failure } from "./support/scripted-daemon.ts";

const method = "pm.v1.ProcessService/StreamOutput";
const watch = "pm.v1.ProcessService/WatchProcesses";
const request = { process: { name: "web" }, follow: true };

/** A server that does this with each connection once the request is there. */
async function serve(onRequest: (socket: Socket, request: Buffer) => void): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "pm-sdk-"));
  const path = join(directory, "pm.sock");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const head = received.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(received.toString("latin1"))?.[1]);
      if (head >= 0 && received.length === head + 4 + length) {
        onRequest(socket, received);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });
  return path;
}

function envelope(payload: Uint8Array | string, flags = 0): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const chunk = (offset: number, data: Uint8Array): Buffer =>
  envelope(
    toBinary(
      StreamOutputResponseSchema,
      create(StreamOutputResponseSchema, {
        frame: { case: "chunk", value: { stream: 1, offset: BigInt(offset), time: { seconds: 1n }, data } },
      }),
    ),
  );
const end = envelope("{}", 2);
const head = (type = "application/connect+proto"): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunked = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

test("the request is one enveloped message in the Connect protocol", async () => {
  const received = Promise.withResolvers<Buffer>();
  const path = await serve((socket, bytes) => {
    received.resolve(bytes);
    socket.write(Buffer.concat([Buffer.from(head()), chunked(end)]));
  });
  expect(await Array.fromAsync(lightStream(path, method, request, { timeoutMs: 1500.2 }))).toEqual([]);
  const bytes = await received.promise;
  const at = bytes.indexOf("\r\n\r\n");
  expect(bytes.toString("latin1", 0, at).split("\r\n")).toEqual([
    `POST /${method} HTTP/1.1`,
    "Host: localhost",
    "Connection: close",
    "Content-Type: application/connect+proto",
    "Connect-Protocol-Version: 1",
    "Connect-Timeout-Ms: 1501",
    `Content-Length: ${bytes.length - at - 4}`,
  ]);
  const message = bytes.subarray(at + 9);
  expect(bytes.readUInt32BE(at + 5)).toBe(message.length);
  expect(fromBinary(StreamOutputRequestSchema, message)).toMatchObject({
    process: { ref: { case: "name", value: "web" } },
    follow: true,
  });
});

test.each([1, 7, 64, 1000, 65_536])("bytes are exact however they are cut: pieces of %i", async (size) => {
  const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) % 251));
  const path = await serve(async (socket) => {
    // Each chunk of HTTP ends somewhere within a message.
    const body = Buffer.concat([chunk(0, data.subarray(0, 3000)), chunk(3000, data.subarray(3000)), end]);
    const parts = [body.subarray(0, 2), body.subarray(2, 3200), body.subarray(3200)].map(chunked);
    const bytes = Buffer.concat([Buffer.from(head()), ...parts, Buffer.from("0\r\n\r\n")]);
    for (let at = 0; at < bytes.length; at += size) {
      if (!socket.write(bytes.subarray(at, at + size))) {
        await new Promise((resolve) => socket.once("drain", resolve));
      }
      if (at % 1024 < size) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });
  const frames = await Array.fromAsync(lightStream(path, method, request, {}));
  expect(frames.map((frame) => (frame.type === "chunk" ? frame.offset : -1))).toEqual([0, 3000]);
  expect(Buffer.concat(frames.map((frame) => (frame.type === "chunk" ? frame.data : Buffer.alloc(0))))).toEqual(data);
});

test.each([
  [7, true],
  [1000, true],
  [65_536, true],
  [65_536, false],
])(
  "small chunks that come together are one for whoever wants bytes alone: pieces of %i, memory reused %s",
  async (size, reuse) => {
    const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));
    const path = await serve(async (socket) => {
      const chunks: Buffer[] = [];
      for (let at = 0, length = 1; at < data.length; at += length, length = (length * 3) % 4001) {
        chunks.push(chunk(at, data.subarray(at, at + length)));
      }
      // Cut anywhere, as a socket does.
      const bytes = Buffer.concat([
        Buffer.from(head()),
        chunked(Buffer.concat([...chunks, end])),
        Buffer.from("0\r\n\r\n"),
      ]);
      for (let at = 0; at < bytes.length; at += size) {
        if (!socket.write(bytes.subarray(at, at + size))) {
          await new Promise((resolve) => socket.once("drain", resolve));
        }
      }
    });
    let next = 0;
    let pieces = 0;
    const got = Buffer.alloc(data.length);
    for await (const frame of lightStream(path, method, request, { joins: true, reuse })) {
      if (frame.type !== "chunk") {
        throw new Error(`a frame of type ${frame.type}`);
      }
      expect(frame.offset).toBe(next);
      got.set(frame.data, next);
      next += frame.data.length;
      pieces += 1;
    }
    expect(got.equals(data)).toBe(true);
    expect(next).toBe(data.length);
    if (size === 65_536) {
      expect(pieces).toBeLessThan(50);
    }
  },
);

test("what came before an error is delivered, then the error", async () => {
  const error = { code: "unavailable", message: "going", details: [] };
  const path = await serve((socket) => {
    const body = [chunk(0, Buffer.from("x")), envelope(JSON.stringify({ error }), 2)].map(chunked);
    socket.write(Buffer.concat([Buffer.from(head()), ...body]));
  });
  const frames = lightStream(path, method, request, {});
  // Both are there before the first is taken.
  const first = await frames.next();
  expect(first.value).toMatchObject({ type: "chunk" });
  expect(await failure(frames.next())).toMatchObject({ reason: "DISCONNECTED", code: "unavailable", message: "going" });
  expect(await frames.next()).toEqual({ done: true, value: undefined });
});

test.each([
  ["no HTTP", "hello\r\n\r\n", "PROTOCOL"],
  ["a web page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "PROTOCOL"],
  ["a compressed message", Buffer.concat([Buffer.from(head()), chunked(envelope("x", 1))]), "PROTOCOL"],
  ["a message that is none", Buffer.concat([Buffer.from(head()), chunked(envelope("\xff\xff"))]), "PROTOCOL"],
  ["an end that is none", Buffer.concat([Buffer.from(head()), chunked(envelope("oops", 2))]), "PROTOCOL"],
  ["an absurd length", Buffer.concat([Buffer.from(head()), chunked(Buffer.from([0, 255, 255, 255, 255]))]), "PROTOCOL"],
  [
    "no end",
    Buffer.concat([Buffer.from(head()), chunked(chunk(0, Buffer.from("x"))), Buffer.from("0\r\n\r\n")]),
    "DISCONNECTED",
  ],
  ["a refusal without a word", "HTTP/1.1 415 Unsupported Media Type\r\nContent-Length: 0\r\n\r\n", "INTERNAL"],
  ["a method that it does not have", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "PROTOCOL"],
  [
    "a refusal with a reason",
    'HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n{"code":"resource_exhausted"}',
    "LIMIT_EXCEEDED",
  ],
])("%s", async (_, response, reason) => {
  const path = await serve((socket) => socket.write(response));
  expect((await failure(Array.fromAsync(lightStream(path, method, request, {})))).reason).toBe(reason);
});

test("a JSON stream, and a connection that is lost within it", async () => {
  const path = await serve((socket) => {
    socket.write(head("application/connect+json"));
    socket.end(chunked(envelope('{"type":"WATCH_EVENT_TYPE_BOOKMARK","resourceVersion":"7"}')));
  });
  const events = lightStream(path, watch, {}, {});
  expect(await events.next()).toEqual({
    done: false,
    value: { type: "WATCH_EVENT_TYPE_BOOKMARK", resourceVersion: "7" },
  });
  expect((await failure(events.next())).reason).toBe("DISCONNECTED");
});

test("a reader that does not read holds the daemon back, and gets everything when it does", async () => {
  const total = 64;
  let written = 0;
  const size = 256 * 1024;
  const path = await serve(async (socket) => {
    socket.write(head());
    for (; written < total; written++) {
      if (!socket.write(chunked(chunk(written * size, Buffer.alloc(size, written))))) {
        await new Promise((resolve) => socket.once("drain", resolve));
      }
    }
    socket.write(chunked(end));
  });
  const frames = lightStream(path, method, request, {});
  expect((await frames.next()).done).toBe(false);
  // Long enough for all of it, if nothing held it back.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(written).toBeLessThan(total / 2);
  let received = 1;
  for await (const frame of frames) {
    expect(frame).toMatchObject({ type: "chunk", offset: received * size });
    received += 1;
  }
  expect(received).toBe(total);
});

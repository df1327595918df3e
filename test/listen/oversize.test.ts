/** Messages above the limit: they get a reason, and the connection that brought them goes on. */
import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { createClient } from "@connectrpc/connect";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { discardMaxBytes } from "../../src/server/listen/limits.ts";
import { grpcClientTo } from "../rpc/grpc-client.ts";
import { type Kept, kept, type Protocol, protocols } from "./kept-connection.ts";
import { failureOf, tooLong } from "./refusal.ts";
import { clientOf, closed, type Implementation, serve } from "./serve.ts";
import { basic, serveTls, tlsOptions } from "./serve-tls.ts";

const megabyte = 1024 * 1024;
const implementation: Implementation = {
  startProcess: () => ({}),
  streamOutput: async function* () {},
};

function text(megabytes: number): string {
  return "a".repeat(megabytes * megabyte);
}

async function expectGoesOn({ transport, connections }: Kept, protocol: Protocol, megabytes: number): Promise<void> {
  const processes = createClient(ProcessService, transport);
  const daemon = createClient(DaemonService, transport);
  const tenMore = async () => {
    for (let i = 0; i < 10; i++) {
      expect((await daemon.getInfo({})).version).toBe("test");
    }
  };
  const started = processes.startProcess({ spec: { executable: "x", args: [text(megabytes)] } });
  expect(await failureOf(started)).toEqual(tooLong);
  await tenMore();
  expect(await failureOf(Array.fromAsync(processes.streamOutput({ holdToken: text(megabytes) })))).toEqual(tooLong);
  await tenMore();
  // Over HTTP/1.1 the client itself gives up the connection of a stream that failed.
  expect(connections()).toBeLessThanOrEqual(protocol.endsWith("HTTP/1.1") ? 2 : 1);
}

describe.each(protocols)("%s", (protocol) => {
  test.each([9, 20, 60])("goes on over the unix socket after messages of %i MB", async (megabytes) => {
    const { path } = await serve(implementation);
    await expectGoesOn(kept(protocol, { path }), protocol, megabytes);
  });

  test("goes on over TLS after messages of 20 MB", async () => {
    const { port } = await serveTls(implementation);
    await expectGoesOn(kept(protocol, { port }), protocol, 20);
  });
});

test.each(["unix", "TLS"])("grpc-js goes on over %s", async (place) => {
  const { ca, cert, key } = tlsOptions;
  // Node.js's own limit; the default of grpc-js is none, and it got over early answers.
  const options = { "grpc-node.max_session_memory": 10, authorization: basic() };
  const client =
    place === "unix"
      ? grpcClientTo(`unix:${(await serve(implementation)).path}`, credentials.createInsecure(), options)
      : grpcClientTo(
          `localhost:${(await serveTls(implementation)).port}`,
          credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert)),
          options,
        );
  const { startProcess, streamOutput } = ProcessService.method;
  for (const megabytes of [9, 20, 60]) {
    const refused = { code: status.RESOURCE_EXHAUSTED, metadata: expect.anything() };
    const unary = client.unary(startProcess, { spec: { executable: "x", args: [text(megabytes)] } });
    const error: ServiceError = await unary.then(
      () => expect.unreachable(),
      (cause) => cause,
    );
    expect(error).toMatchObject(refused);
    expect(String(error.metadata.get("grpc-status-details-bin")[0])).toContain("LIMIT_EXCEEDED");
    const stream = Array.fromAsync(client.stream(streamOutput, { holdToken: text(megabytes) }));
    await expect(stream).rejects.toMatchObject(refused);
    for (let i = 0; i < 10; i++) {
      expect((await client.unary(DaemonService.method.getInfo, {})).version).toBe("test");
    }
  }
});

test.each(["connect", "grpc", "grpc-web"] as const)(
  "%s gets a new connection once it was cut off",
  async (protocol) => {
    const { path } = await serve(implementation);
    const client = kept(protocol, { path });
    const started = createClient(ProcessService, client.transport).startProcess({ spec: { args: [text(100)] } });
    // Whether the client takes the answer is its own affair; it must not wait for ever.
    await expect(started).rejects.toThrow();
    for (let i = 0; i < 10; i++) {
      expect((await createClient(DaemonService, client.transport).getInfo({})).version).toBe("test");
    }
    expect(client.connections()).toBe(2);
  },
);

/** A gRPC envelope's prefix that promises more than is accepted, and then as many bytes as are asked for. */
function* message(bytes: number, onChunk: (length: number) => void = () => {}): Generator<Buffer> {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(0xffff_ffff, 1);
  yield prefix;
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= chunk.length) {
    onChunk(chunk.length);
    yield chunk;
  }
}

const requestHeaders = {
  ":method": "POST",
  ":path": "/pm.v1.ProcessService/GetProcess",
  "content-type": "application/grpc",
};

function rawSession(path: string) {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return session;
}

test("what is thrown away takes no memory", async () => {
  const { path } = await serve({ getProcess: () => ({}) });
  const session = rawSession(path);
  const before = process.memoryUsage().rss;
  let most = 0;
  const sample = () => {
    most = Math.max(most, process.memoryUsage.rss() - before);
  };
  const statuses = Array.from({ length: 15 }, () => {
    const stream = session.request(requestHeaders);
    stream.resume();
    Readable.from(message(60 * megabyte, sample)).pipe(stream);
    return new Promise((resolve, reject) => {
      stream.once("error", reject);
      stream.once("trailers", (trailers) => resolve([trailers["grpc-status"], stream.writableEnded]));
    });
  });
  // Each answer came when all was sent.
  expect(await Promise.all(statuses)).toEqual(Array(15).fill(["8", true]));
  expect(most).toBeLessThan(300 * megabyte);
});

test("a client that sends without end gets its answer over HTTP/2, and is cut off", async () => {
  const { path } = await serve({ getProcess: () => ({}) });
  const session = rawSession(path);
  const ended = new Promise<void>((resolve) => session.once("close", () => resolve()));
  const stream = session.request(requestHeaders);
  const reset = new Promise((resolve) => stream.once("close", () => resolve(stream.rstCode)));
  const answered = new Promise((resolve) => stream.once("trailers", (trailers) => resolve(trailers["grpc-status"])));
  stream.on("error", () => {});
  stream.resume();
  let sent = 0;
  const endless = message(Number.POSITIVE_INFINITY, (length) => {
    sent += length;
  });
  Readable.from(endless).pipe(stream);
  expect(await answered).toBe("8");
  expect(await reset).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  await ended;
  expect(sent).toBeGreaterThan(discardMaxBytes);
  expect(sent).toBeLessThan(discardMaxBytes + 8 * megabyte);
  expect((await clientOf(DaemonService, path).getInfo({})).version).toBe("test");
});

test("a client that sends without end is cut off over HTTP/1.1", async () => {
  const { path } = await serve({ getProcess: () => ({}) });
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  socket.resume();
  socket.on("error", () => {});
  socket.write(
    "POST /pm.v1.ProcessService/GetProcess HTTP/1.1\r\nHost: x\r\n" +
      "content-type: application/proto\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000), Buffer.from("\r\n")]);
  sendForEver(socket, chunk);
  await closed(socket);
  expect(socket.bytesWritten).toBeGreaterThan(discardMaxBytes);
  expect(socket.bytesWritten).toBeLessThan(discardMaxBytes + 16 * megabyte);
});

test("a client that goes on when its session was ended is cut off", async () => {
  const { path } = await serve({ getProcess: () => ({}) }, { discard: { maxBytes: megabyte, timeoutMs: 60_000 } });
  // Otherwise Node.js would close this side when the other one is.
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  const field = (name: string, value: string) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  const fields = Buffer.concat(
    Object.entries({ ...requestHeaders, ":scheme": "http", ":authority": "x" })
      // Pseudo-headers come first.
      .sort()
      .map(([name, value]) => field(name, value)),
  );
  socket.write(
    Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0), frame(1, 4, 1, fields)]),
  );
  const [prefix] = message(0);
  socket.write(frame(0, 0, 1, prefix));
  sendForEver(socket, frame(0, 0, 1, Buffer.alloc(16 * 1024)));
  await closed(socket);
});

test("a client that stops in the middle of what is too long is answered", async () => {
  const { path } = await serve({ getProcess: () => ({}) }, { discard: { maxBytes: megabyte, timeoutMs: 100 } });
  const session = rawSession(path);
  const ended = new Promise<void>((resolve) => session.once("close", () => resolve()));
  const stream = session.request(requestHeaders);
  const answered = new Promise((resolve) => stream.once("trailers", (trailers) => resolve(trailers["grpc-status"])));
  stream.on("error", () => {});
  stream.resume();
  for (const bytes of message(1)) {
    stream.write(bytes);
  }
  expect(await answered).toBe("8");
  await ended;
});

function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Until the other side takes no more. */
function sendForEver(socket: Socket, bytes: Buffer): void {
  const more = () => {
    if (!socket.destroyed) {
      socket.write(bytes, () => setImmediate(more));
    }
  };
  more();
}

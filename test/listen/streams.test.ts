import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { shuttingDown } from "../../src/server/rpc/errors.ts";
import { clientOf, type Implementation, serve } from "./serve.ts";

const streamPath = "/pm.v1.ProcessService/StreamOutput";
const opened = { frame: { case: "opened", value: { processId: "p", run: 1, startOffset: 0n } } } as const;

function chunk(offset: number) {
  const data = new Uint8Array(65_536);
  return {
    frame: { case: "chunk", value: { stream: OutputStream.STDOUT, offset: BigInt(offset), data } },
  } as const;
}

interface Flood {
  readonly implementation: Implementation;
  /** Bytes handed to the transport. */
  readonly produced: () => number;
  readonly finished: Promise<void>;
}

/** A stream without end; `finished` settles when the handler's finally ran. */
function flood(): Flood {
  let produced = 0;
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  return {
    implementation: {
      async *streamOutput() {
        try {
          yield opened;
          for (;;) {
            produced += 65_536;
            yield chunk(produced - 65_536);
          }
        } finally {
          resolve();
        }
      },
    },
    produced: () => produced,
    finished,
  };
}

/** A message in the envelope of streaming Connect RPCs. */
function envelope(json: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([head, Buffer.from(json)]);
}

function stalledHttp2Reader(path: string): { stream: ClientHttp2Stream; socket: Socket } {
  const socket = connect(path);
  const session = connectHttp2("http://localhost", { createConnection: () => socket });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": streamPath,
    "content-type": "application/connect+json",
  });
  stream.on("error", () => {});
  stream.pause();
  stream.end(envelope("{}"));
  return { stream, socket };
}

/** Settles when `value` has been the same a few times. */
async function steady(value: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  await expect
    .poll(
      () => {
        const now = value();
        same = now === last && now > 0 ? same + 1 : 0;
        last = now;
        return same;
      },
      { interval: 50, timeout: 30_000 },
    )
    .toBeGreaterThan(5);
  return last;
}

test("a handler ends when its client vanishes while the response is blocked (HTTP/2)", async () => {
  const { implementation, produced, finished } = flood();
  const { path } = await serve(implementation);
  const { socket } = stalledHttp2Reader(path);
  await steady(produced);
  socket.destroy();
  await finished;
});

test("a handler ends when its client vanishes while the response is blocked (HTTP/1.1)", async () => {
  const { implementation, produced, finished } = flood();
  const { path } = await serve(implementation);
  const request = requestHttp1({
    socketPath: path,
    method: "POST",
    path: streamPath,
    headers: { "content-type": "application/connect+json" },
  });
  request.on("error", () => {});
  request.on("response", (response) => {
    response.on("error", () => {});
    response.pause();
  });
  request.end(envelope("{}"));
  await steady(produced);
  request.destroy();
  await finished;
});

test("an idle handler that heeds the signal ends when its client cancels", async () => {
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const { path } = await serve({
    async *streamOutput(_request, { signal }) {
      try {
        yield opened;
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      } finally {
        resolve();
      }
    },
  });
  const controller = new AbortController();
  const client = clientOf(ProcessService, path);
  const iterator = client.streamOutput({}, { signal: controller.signal })[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.frame.case).toBe("opened");
  controller.abort();
  await expect(iterator.next()).rejects.toMatchObject({ code: Code.Canceled });
  await finished;
});

test("readers that stop reading hold the handler back, and block nobody", async () => {
  const { implementation, produced } = flood();
  const { path } = await serve(implementation);
  for (let reader = 0; reader < 4; reader += 1) {
    stalledHttp2Reader(path);
  }
  // What a stalled reader can hold: the window, the kernel's buffers, a few messages.
  expect(await steady(produced)).toBeLessThan(4 * 8 * 1024 * 1024);

  const client = clientOf(ProcessService, path);
  let received = 0;
  for await (const { frame } of client.streamOutput({})) {
    received += frame.case === "chunk" ? frame.value.data.length : 0;
    if (received > 16 * 1024 * 1024) {
      break;
    }
  }
  expect(received).toBeGreaterThan(16 * 1024 * 1024);
});

test("responses are not compressed, whatever the client accepts", async () => {
  const { implementation } = flood();
  const { path } = await serve(implementation);
  const headers = await new Promise<NodeJS.Dict<string | string[]>>((resolve, reject) => {
    const request = requestHttp1({
      socketPath: path,
      method: "POST",
      path: streamPath,
      headers: {
        "content-type": "application/connect+json",
        "connect-accept-encoding": "gzip, br",
        "accept-encoding": "gzip, br",
      },
    });
    request.once("error", reject);
    request.once("response", (response) => {
      response.on("error", () => {});
      resolve(response.headers);
      request.destroy();
    });
    request.end(envelope("{}"));
  });
  expect(headers["content-type"]).toBe("application/connect+json");
  expect(headers["connect-content-encoding"]).toBeUndefined();
  expect(headers["content-encoding"]).toBeUndefined();
});

test.each(["connect", "grpc", "grpcWeb"] as const)(
  "shutdown ends streams with SHUTTING_DOWN (%s)",
  async (protocol) => {
    const { path, shutdown } = await serve({
      async *streamOutput(_request, { signal }) {
        yield opened;
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const iterator = clientOf(ProcessService, path, protocol).streamOutput({})[Symbol.asyncIterator]();
    await iterator.next();
    shutdown.abort(shuttingDown());
    const error = await iterator.next().then(
      () => undefined,
      (reason: unknown) => ConnectError.from(reason),
    );
    expect(error?.code).toBe(Code.Unavailable);
    expect(error?.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "SHUTTING_DOWN", domain: "pm" }]);
  },
);

test("closing cuts off calls that do not end", async () => {
  const { implementation, produced, finished } = flood();
  const { path, listener } = await serve(implementation, { graceMs: 100 });
  const { stream } = stalledHttp2Reader(path);
  const gone = new Promise((resolve) => stream.once("close", resolve));
  await steady(produced);
  await listener.close();
  await Promise.all([finished, gone]);
});

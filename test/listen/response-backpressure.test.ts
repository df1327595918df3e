/** A client that reads nothing: what the daemon holds for it is bounded, and is given back. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { maxConcurrentStreams, unreadMaxBytes } from "../../src/server/listen/limits.ts";
import { type Implementation, serve } from "./serve.ts";

const megabyte = 1024 * 1024;
const chunkBytes = 4 * megabyte;

/** When it knows how many streams it may open. */
async function openSession(path: string): Promise<ClientHttp2Session> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  await once(session, "remoteSettings");
  return session;
}

function call(session: ClientHttp2Session, method: string): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `/pm.v1.${method}`,
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5));
  return stream;
}

/** The status of gRPC in the headers or the trailers, and the details beside it. */
function outcome(stream: ClientHttp2Stream): Promise<{ status: unknown; details: string }> {
  return new Promise((resolve, reject) => {
    const found = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined) {
        const details = Buffer.from(String(headers["grpc-status-details-bin"] ?? ""), "base64");
        resolve({ status: headers["grpc-status"], details: details.toString("latin1") });
      }
    };
    stream.once("response", found);
    stream.once("trailers", found);
    stream.once("close", () => reject(new Error(`closed with ${stream.rstCode}`)));
  });
}

/** Large answers, of one message or of many. */
function large() {
  const count = { began: 0, over: 0 };
  const data = new Uint8Array(chunkBytes);
  const implementation: Implementation = {
    async *streamOutput() {
      count.began++;
      try {
        for (;;) {
          yield { frame: { case: "chunk", value: { data } } };
        }
      } finally {
        count.over++;
      }
    },
    getOutput() {
      count.began++;
      return { chunks: [{ data }] };
    },
  };
  return { implementation, count };
}

const methods = ["GetOutput", "StreamOutput"] as const;

test.each(methods)("calls of %s that nobody reads wait, and are refused with a reason", async (method) => {
  const { implementation, count } = large();
  const { path } = await serve(implementation, { unread: { maxBytes: unreadMaxBytes, timeoutMs: 500 } });
  const session = await openSession(path);
  const before = process.memoryUsage().rss;
  const unread = unreadMaxBytes / chunkBytes;
  const calls = Array.from({ length: maxConcurrentStreams - 1 }, () => call(session, `ProcessService/${method}`));
  const refused = calls.slice(unread).map(outcome);
  for (const { status, details } of await Promise.all(refused)) {
    expect(status).toBe("8");
    expect(details).toContain("unread_bytes");
  }
  expect(count).toEqual({ began: unread, over: 0 });
  // Each answer is there twice: as the handler made it, and as it goes out.
  expect(process.memoryUsage().rss - before).toBeLessThan(4 * unreadMaxBytes);

  for (const stream of calls) {
    stream.close(constants.NGHTTP2_CANCEL);
  }
  expect((await outcome(call(session, "DaemonService/GetInfo").resume())).status).toBe("0");
});

test.each(methods)("calls of %s that wait go on when others have been canceled", async (method) => {
  const { implementation, count } = large();
  const { path } = await serve(implementation, { unread: { maxBytes: unreadMaxBytes, timeoutMs: 2 ** 30 } });
  const session = await openSession(path);
  const unread = unreadMaxBytes / chunkBytes;
  const calls = Array.from({ length: 4 * unread }, () => call(session, `ProcessService/${method}`));
  for (let began = unread; began < calls.length; began++) {
    await expect.poll(() => count.began, { timeout: 30_000 }).toBe(began);
    calls[began - unread]?.close(constants.NGHTTP2_CANCEL);
  }
  // Also those that were canceled while they waited make way.
  const waiting = Array.from({ length: 8 }, () => call(session, `ProcessService/${method}`));
  const info = outcome(call(session, "DaemonService/GetInfo").resume());
  for (const stream of [...waiting, ...calls]) {
    stream.close(constants.NGHTTP2_CANCEL);
  }
  expect((await info).status).toBe("0");
});

test("large answers that are read all come, however many are asked for at a time", async () => {
  const { implementation, count } = large();
  const { path } = await serve(implementation, { unread: { maxBytes: unreadMaxBytes, timeoutMs: 2 ** 30 } });
  const session = await openSession(path);
  const calls = Array.from({ length: 64 }, () => call(session, "ProcessService/GetOutput").resume());
  expect((await Promise.all(calls.map(outcome))).map(({ status }) => status)).toEqual(calls.map(() => "0"));
  expect(count.began).toBe(calls.length);
});

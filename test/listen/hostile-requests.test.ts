import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { decodeErrorInfo } from "../../src/sdk/transport/error-info.ts";
import { failureOf, tooLong } from "./refusal.ts";
import { clientOf, closed, type Served, serve, talk } from "./serve.ts";

const infoPath = "/pm.v1.DaemonService/GetInfo";
const body = "content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/** The daemon is this process: an uncaught exception fails the test run. */
async function expectServing(served: Served): Promise<void> {
  const client = clientOf(DaemonService, served.path);
  expect((await client.getInfo({})).version).toBe("test");
}

test.each([
  ["a percent sign", "a%2Fb"],
  ["a space", "a b"],
  ["no brackets around IPv6", "::1::"],
  ["a port that is none", "localhost:99999999"],
  ["nothing", ""],
])("serves a request whose Host holds %s", async (_name, host) => {
  const served = await serve({});
  const answer = await talk(served.path, `POST ${infoPath} HTTP/1.1\r\nHost: ${host}\r\n${body}`);
  expect(answer).toContain("200 OK");
  expect(answer).toContain('"version":"test"');
  await expectServing(served);
});

test("serves HTTP/1.0 without Host", async () => {
  const served = await serve({});
  const answer = await talk(served.path, `POST ${infoPath} HTTP/1.0\r\n${body}`);
  expect(answer).toContain("200 OK");
  await expectServing(served);
});

test.each(["a%2Fb", "%2Ftmp%2Fpm.sock", "[::1"])("serves HTTP/2 with :authority %s", async (authority) => {
  const served = await serve({});
  const session = connectHttp2("http://localhost", { createConnection: () => connect(served.path) });
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": infoPath,
    ":authority": authority,
    "content-type": "application/json",
  });
  stream.end("{}");
  const status = await new Promise((resolve, reject) => {
    stream.once("response", (headers) => resolve(headers[":status"]));
    stream.once("error", reject);
  });
  expect(status).toBe(200);
  stream.close(constants.NGHTTP2_NO_ERROR);
  await expectServing(served);
});

test.each([
  ["noise", Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10])],
  ["a request line that is none", "GET\r\n\r\n"],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["a preface with a wrong end", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"],
  [
    "a preface and then noise",
    Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.alloc(64, 0xff)]),
  ],
  ["an unknown path", "POST /nothing HTTP/1.1\r\nHost: x\r\ncontent-length: 0\r\n\r\n"],
  ["a CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["oversize headers", `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(40_000)}\r\n\r\n`],
])("survives %s", async (_name, bytes) => {
  const served = await serve({});
  const answer = await talk(served.path, bytes);
  expect(answer).not.toContain("200 OK");
  await expectServing(served);
});

test("reads bytes that arrive one by one", async () => {
  const served = await serve({});
  const socket = connect(served.path);
  socket.setNoDelay(true);
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  for (const character of `POST ${infoPath} HTTP/1.1\r\nHost: x\r\n${body}`) {
    socket.write(character);
    await delay(0);
  }
  await closed(socket);
  expect(answer).toContain('"version":"test"');
});

test.each([
  ["says nothing", ""],
  ["begins a preface", "PR"],
  ["never ends the preface", "PRI * HTTP/2.0\r\n"],
  ["sends no settings", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["never ends its headers", "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "],
])("cuts off a client that %s", async (_name, bytes) => {
  const served = await serve({}, { firstBytesTimeoutMs: 200 });
  const socket = connect(served.path);
  socket.on("error", () => {});
  socket.resume();
  if (bytes !== "") {
    socket.write(bytes);
  }
  await closed(socket);
  await expectServing(served);
});

test("leaves a client alone that has made itself known", async () => {
  const served = await serve({}, { firstBytesTimeoutMs: 100 });
  const session = connectHttp2("http://localhost", { createConnection: () => connect(served.path) });
  onTestFinished(() => session.destroy());
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  await delay(400);
  expect(session.closed || session.destroyed).toBe(false);
});

test("lets go of a client that closes its half in the middle of a request", async () => {
  const served = await serve({});
  const socket = connect(served.path);
  socket.resume();
  socket.end(`POST ${infoPath} HTTP/1.1\r\nHost: x\r\ncontent-length: 100\r\n\r\n{`);
  await closed(socket);
  await expectServing(served);
});

test("refuses a message above the limit", async () => {
  const served = await serve({ startProcess: () => ({}) });
  const client = clientOf(ProcessService, served.path);
  const args = [Buffer.alloc(9 * 1024 * 1024, "a").toString()];
  await expect(client.startProcess({ spec: { executable: "x", args } })).rejects.toThrow(/resource_exhausted/);
  await expectServing(served);
});

test("refuses oversize headers over HTTP/2", async () => {
  const served = await serve({});
  const session = connectHttp2("http://localhost", { createConnection: () => connect(served.path) });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const stream = session.request({
    ":method": "POST",
    ":path": infoPath,
    "content-type": "application/json",
    ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-long-${index}`, "a".repeat(1000)])),
  });
  const refused = new Promise((resolve) => {
    stream.once("error", () => resolve("refused"));
    stream.once("response", (headers) => resolve(headers[":status"]));
  });
  stream.end("{}");
  expect(["refused", 431]).toContain(await refused);
  await expectServing(served);
});

test("refuses connections above the limit and goes on when there is room", async () => {
  const served = await serve({}, { maxConnections: 2, reservedConnections: 0 });
  const first = connect(served.path);
  const second = connect(served.path);
  await Promise.all([first, second].map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  // The third is accepted by the kernel and closed by the listener.
  const third = connect(served.path);
  third.on("error", () => {});
  third.resume();
  await closed(third);
  expect(served.logged()).toContain("too many connections");
  first.destroy();
  second.destroy();
  await expect
    .poll(() =>
      expectServing(served).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
});

/** The library refuses these before any interceptor of ours sees the call. */
test.each(["connect", "grpc", "grpcWeb"] as const)("gives a reason for what %s cannot read", async (protocol) => {
  const served = await serve({ getProcess: () => ({}) });
  const client = clientOf(ProcessService, served.path, protocol);
  const process = { ref: { case: "name", value: "x".repeat(9 * 1024 * 1024) } } as const;
  expect(await failureOf(client.getProcess({ process }))).toEqual(tooLong);
  await expectServing(served);
});

test("gives a reason for a body that is none of the contract's", async () => {
  const served = await serve({ getProcess: () => ({}) });
  const answer = await talk(
    served.path,
    `POST /pm.v1.ProcessService/GetProcess HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{"view": {}}`,
  );
  const body = JSON.parse(answer.slice(answer.indexOf("{")));
  expect(body).toMatchObject({ code: "invalid_argument", details: [{ type: "google.rpc.ErrorInfo" }] });
  expect(decodeErrorInfo(Buffer.from(body.details[0].value, "base64"))).toEqual({
    reason: "INVALID_ARGUMENT",
    domain: "pm",
    metadata: {},
  });
});

/** Clients of the TCP listener that dawdle, flood or lie: others are served meanwhile. */
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { closed } from "./serve.ts";
import { basic, daemonClient, type ServedTls, serveTls, tlsOptions } from "./serve-tls.ts";

async function expectServing({ port }: ServedTls): Promise<void> {
  expect((await daemonClient(port).getInfo({}, { timeoutMs: 20_000 })).version).toBe("test");
}

function tls(port: number, protocol: "h2" | "http/1.1"): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "localhost", port, ...tlsOptions, ALPNProtocols: [protocol] });
    onTestFinished(() => void socket.destroy());
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.on("error", () => {});
      socket.resume();
      resolve(socket);
    });
  });
}

test("TLS handshakes that never end are cut off, and hold up nobody", async () => {
  const served = await serveTls({}, { handshakeTimeoutMs: 500 });
  const sockets = Array.from({ length: 100 }, (): Socket => {
    const socket = connectTcp(served.port, "127.0.0.1");
    socket.on("error", () => {});
    // A record header that promises 512 bytes, of which none come.
    socket.write(Buffer.from([22, 3, 1, 2, 0]));
    return socket;
  });
  await expectServing(served);
  await Promise.all(sockets.map(closed));
  await expectServing(served);
});

test("HTTP/1.1 headers that trickle are cut off (slowloris)", async () => {
  const served = await serveTls({}, { firstBytesTimeoutMs: 500 });
  const sockets = await Promise.all(Array.from({ length: 30 }, () => tls(served.port, "http/1.1")));
  for (const socket of sockets) {
    socket.write("POST /pm.v1.DaemonService/GetInfo HTTP/1.1\r\nHost: x\r\nX-a: ");
  }
  const trickle = setInterval(() => {
    for (const socket of sockets) {
      socket.write("b");
    }
  }, 50);
  onTestFinished(() => clearInterval(trickle));
  await expectServing(served);
  await Promise.all(sockets.map(closed));
});

test("connections that say nothing, or nothing of use, are closed in time", async () => {
  const served = await serveTls({}, { authenticationTimeoutMs: 500, firstBytesTimeoutMs: 400 });
  const silent = await tls(served.port, "h2");
  const preface = await tls(served.port, "h2");
  // The preface and empty settings, and then no request.
  preface.write(
    Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
  );
  await expectServing(served);
  await Promise.all([closed(silent), closed(preface)]);
});

test("an HTTP/2 header block that is never completed is cut off", async () => {
  const served = await serveTls({}, { authenticationTimeoutMs: 700 });
  const socket = await tls(served.port, "h2");
  socket.write(
    Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
  );
  // HEADERS of stream 1 without END_HEADERS, then CONTINUATION frames without end (CVE-2024-27983's kin).
  socket.write(Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]));
  const flood = setInterval(() => socket.write(Buffer.from([0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82])), 5);
  onTestFinished(() => clearInterval(flood));
  await expectServing(served);
  await closed(socket);
  await expectServing(served);
});

test("streams that are opened and reset at once end the connection, not the service (rapid reset)", async () => {
  const served = await serveTls();
  const session = connectHttp2(`https://localhost:${served.port}`, tlsOptions);
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  const ended = new Promise<void>((resolve) => session.once("close", () => resolve()));
  let opened = 0;
  const burst = () => {
    for (let i = 0; i < 200 && !session.closed && !session.destroyed && opened < 20_000; i++, opened++) {
      const stream = session.request({
        ":method": "POST",
        ":path": "/pm.v1.DaemonService/GetInfo",
        "content-type": "application/json",
        authorization: basic(),
      });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    if (!session.closed && !session.destroyed && opened < 20_000) {
      setImmediate(burst);
    }
  };
  burst();
  await expectServing(served);
  await ended;
  expect(opened).toBeLessThan(20_000);
  await expectServing(served);
});

test("a client that opens all its streams and reads none of them holds up nobody", async () => {
  const served = await serveTls({
    streamOutput: async function* () {
      for (;;) {
        yield { frame: { case: "chunk", value: { data: Buffer.alloc(64 * 1024) } } };
      }
    },
  });
  const session = connectHttp2(`https://localhost:${served.port}`, tlsOptions);
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  const message = Buffer.from(JSON.stringify({}));
  const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const responses = Array.from({ length: 100 }, () => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/pm.v1.ProcessService/StreamOutput",
      "content-type": "application/connect+json",
      authorization: basic(),
    });
    stream.on("error", () => {});
    stream.end(envelope);
    return new Promise((resolve) => stream.once("response", resolve));
  });
  await Promise.all(responses);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 20; i++) {
    await expectServing(served);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});

test("connections beyond the limit are refused until others end", async () => {
  const served = await serveTls({}, { maxConnections: 3 });
  const held = await Promise.all([1, 2, 3].map(() => tls(served.port, "h2")));
  await expect(tls(served.port, "h2")).rejects.toThrow();
  expect(served.logged()).toContain("too many connections");
  for (const socket of held) {
    socket.destroy();
  }
  await Promise.all(held.map(closed));
  await expect
    .poll(
      () =>
        tls(served.port, "h2").then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
});

test("HTTP/2 where HTTP/1.1 was negotiated is refused at once, and leaves nothing behind", async () => {
  const served = await serveTls();
  for (let i = 0; i < 15; i++) {
    const socket = await tls(served.port, "http/1.1");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await closed(socket);
  }
  await expectServing(served);
});

test("a timeout that no timer can wait for is none", async () => {
  const served = await serveTls();
  const session = connectHttp2(`https://localhost:${served.port}`, tlsOptions);
  onTestFinished(() => session.destroy());
  const statusWith = (header: string, value: string, contentType: string, body: Buffer) =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/pm.v1.DaemonService/GetInfo",
        "content-type": contentType,
        authorization: basic(),
        [header]: value,
      });
      stream.once("error", reject);
      stream.once("response", (headers) => resolve(headers[":status"]));
      stream.once("trailers", (trailers) => resolve(trailers["grpc-status"]));
      stream.resume();
      stream.end(body);
    });
  expect(await statusWith("connect-timeout-ms", "9999999999", "application/json", Buffer.from("{}"))).toBe(200);
  expect(await statusWith("grpc-timeout", "99999999H", "application/grpc", Buffer.alloc(5))).toBe(200);
});

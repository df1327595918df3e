/** Streams that their client cancels with much of the response unread: the connection goes on, and nobody is alarmed. */
import { createClient } from "@connectrpc/connect";
import { credentials, status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { ProcessManager } from "../../src/sdk/index.ts";
import { grpcClientTo } from "../rpc/grpc-client.ts";
import { kept, protocols } from "./kept-connection.ts";
import { type Implementation, serve } from "./serve.ts";
import { basic, serveTls, tlsOptions } from "./serve-tls.ts";

const megabyte = 1024 * 1024;
const opened = { frame: { case: "opened", value: { processId: "p", run: 1, startOffset: 0n } } } as const;
const time = { seconds: 0n, nanos: 0 };
const data = new Uint8Array(4 * megabyte);

/** Streams without end, and counts of those that began and that are over. */
function flood() {
  const count = { began: 0, over: 0 };
  const implementation: Implementation = {
    async *streamOutput() {
      count.began++;
      try {
        yield opened;
        for (let offset = 0n; ; offset += BigInt(data.length)) {
          yield { frame: { case: "chunk", value: { stream: OutputStream.STDOUT, offset, time, data } } };
        }
      } finally {
        count.over++;
      }
    },
  };
  return { implementation, count };
}

/** What was logged as a warning or worse. */
function alarms(logged: string): unknown[] {
  const lines = logged.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);
}

async function expectOver(count: { readonly over: number }, streams: number): Promise<void> {
  await expect.poll(() => count.over, { timeout: 50_000 }).toBe(streams);
}

const places = ["unix", "TLS"] as const;
const servedAt = (place: (typeof places)[number], implementation: Implementation) =>
  place === "unix" ? serve(implementation) : serveTls(implementation);

test.each(protocols.flatMap((protocol) => places.map((place) => ({ protocol, place }))))(
  "$protocol goes on over $place",
  async ({ protocol, place }) => {
    const { implementation, count } = flood();
    const served = await servedAt(place, implementation);
    const { transport, connections } = kept(protocol, served);
    const processes = createClient(ProcessService, transport);
    // Over HTTP/1.1 the connection ends with the answer, and it is about the log alone.
    const isHttp1 = protocol.endsWith("HTTP/1.1");
    const streams = isHttp1 ? 10 : 100;
    for (let i = 0; i < streams; i++) {
      const controller = new AbortController();
      const frames = processes.streamOutput({}, { signal: controller.signal })[Symbol.asyncIterator]();
      expect((await frames.next()).value?.frame.case).toBe("opened");
      controller.abort();
      await expect(frames.next()).rejects.toThrow();
    }
    await expectOver(count, streams);
    for (let i = 0; i < 10; i++) {
      expect((await createClient(DaemonService, transport).getInfo({})).version).toBe("test");
    }
    if (!isHttp1) {
      expect(connections()).toBe(1);
    }
    expect(alarms(served.logged())).toEqual([]);
  },
);

test.each(places)("grpc-js goes on over %s", async (place) => {
  const { implementation, count } = flood();
  const served = await servedAt(place, implementation);
  const { ca, cert, key } = tlsOptions;
  const client =
    "path" in served
      ? grpcClientTo(`unix:${served.path}`, credentials.createInsecure())
      : grpcClientTo(
          `localhost:${served.port}`,
          credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert)),
          { authorization: basic() },
        );
  for (let i = 0; i < 100; i++) {
    const stream = client.stream(ProcessService.method.streamOutput, {});
    const canceled = new Promise((resolve) => stream.once("error", resolve));
    await new Promise((resolve) => stream.once("data", resolve));
    stream.cancel();
    expect(await canceled).toMatchObject({ code: status.CANCELLED });
  }
  await expectOver(count, 100);
  for (let i = 0; i < 10; i++) {
    expect((await client.unary(DaemonService.method.getInfo, {})).version).toBe("test");
  }
  expect(alarms(served.logged())).toEqual([]);
});

test("the SDK goes on", async () => {
  const { implementation, count } = flood();
  const { path, logged } = await serve(implementation);
  const pm = await ProcessManager.connect({ socket: path });
  onTestFinished(() => pm.close());
  // A stream of its own, open all the while, shows that the session stays the same.
  const lasting = pm.processes.stream("p", { follow: true, reconnect: false })[Symbol.asyncIterator]();
  expect((await lasting.next()).value?.type).toBe("opened");
  for (let i = 0; i < 100; i++) {
    for await (const frame of pm.processes.stream("p", { follow: true, reconnect: false })) {
      expect(frame.type).toBe("opened");
      break;
    }
  }
  await expectOver(count, 100);
  for (let i = 0; i < 10; i++) {
    const next = pm.processes.stream("p", { reconnect: false })[Symbol.asyncIterator]();
    expect((await next.next()).value?.type).toBe("opened");
    await next.return?.();
  }
  expect((await lasting.next()).value?.type).toBe("chunk");
  await lasting.return?.();
  await expectOver(count, 111);
  expect(alarms(logged())).toEqual([]);
});

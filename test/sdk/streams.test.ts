import { mkdtempSync, rmSync } from "node:fs";
import { constants, createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test, vi } from "vitest";
import { OutputStream as Stream } from "../../gen/ts/pm/v1/output_pb.ts";
import { type StreamOutputResponseSchema, WatchEventType } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { Attempts } from "../../src/sdk/call/attempts.ts";
import { type ConnectionEvent, type OutputFrame, ProcessManager } from "../../src/sdk/index.ts";
import { lostError } from "../../src/sdk/transport/local-errors.ts";
import { openTransport } from "../../src/sdk/transport/open.ts";
import { stockTransport } from "../../src/sdk/transport/streaming.ts";
import { aborted, contractError, failure, lose, runningProcess, ScriptedDaemon } from "./support/scripted-daemon.ts";

const id = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";
const time = { seconds: 1_700_000_000n, nanos: 5_000_000 };

type Frame = MessageInitShape<typeof StreamOutputResponseSchema>;

const opened = (startOffset: number, run = 1): Frame => ({
  frame: {
    case: "opened",
    value: { processId: id, run, startOffset: BigInt(startOffset), output: { nextOffset: 10n, limitBytes: 4096n } },
  },
});
const chunk = (offset: number, text: string, stream: Stream = Stream.STDOUT): Frame => ({
  frame: { case: "chunk", value: { stream, offset: BigInt(offset), time, data: Buffer.from(text) } },
});
const gap = (from: number, to: number): Frame => ({
  frame: { case: "gap", value: { fromOffset: BigInt(from), toOffset: BigInt(to) } },
});
const heartbeat = (nextOffset: number): Frame => ({
  frame: { case: "heartbeat", value: { nextOffset: BigInt(nextOffset) } },
});
const end = (finalOffset: number, nextRun?: number): Frame => ({
  frame: {
    case: "end",
    value: {
      finalOffset: BigInt(finalOffset),
      reason: 1,
      ...(nextRun !== undefined && { nextRun }),
      exit: { result: { case: "code", value: 0 } },
    },
  },
});

/** One line per frame. */
function summary(frame: OutputFrame): string {
  switch (frame.type) {
    case "opened":
      return `opened ${frame.run}@${frame.startOffset}`;
    case "chunk":
      return `${frame.stream} ${frame.offset} ${Buffer.from(frame.data)}`;
    case "gap":
      return `gap ${frame.from}-${frame.to}`;
    case "heartbeat":
      return `heartbeat ${frame.nextOffset}`;
    case "end":
      return `end ${frame.finalOffset} ${frame.reason}`;
  }
}

/** Connect 2.2 does not cancel an RPC whose `for await` is left: the transport must. */
test("leaving a stream of the transport cancels it on the server", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput(_, { signal }) {
        begun.resolve(signal);
        yield opened(0);
        await aborted(signal);
      },
    },
  });
  const transport = openTransport({ kind: "unix", path: daemon.socket });
  for await (const frame of transport.stream(
    "pm.v1.ProcessService/StreamOutput",
    { process: { id }, follow: true },
    {},
  )) {
    expect(frame.type).toBe("opened");
    break;
  }
  await aborted(await begun.promise);
  transport.close();
});

test.each(["break", "throw", "return() while next() waits", "destroy of a Node.js stream", "cancel of a Web stream"])(
  "%s cancels the stream on the server",
  async (way) => {
    const begun = Promise.withResolvers<AbortSignal>();
    await using daemon = await ScriptedDaemon.start({
      process: {
        async *streamOutput(_, { signal }) {
          begun.resolve(signal);
          yield opened(0);
          yield chunk(0, "first");
          await aborted(signal);
        },
      },
    });
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    const stream = pm.processes.stream(id, { follow: true });
    if (way === "break") {
      for await (const frame of stream) {
        expect(frame.type).toBe("opened");
        break;
      }
    } else if (way === "throw") {
      const work = async () => {
        for await (const frame of stream) {
          throw new Error(frame.type);
        }
      };
      await expect(work()).rejects.toThrow("opened");
    } else if (way.startsWith("return")) {
      const frames = stream[Symbol.asyncIterator]();
      await frames.next();
      await frames.next();
      const pending = frames.next();
      await frames.return?.();
      expect(await pending).toEqual({ done: true, value: undefined });
    } else if (way.startsWith("destroy")) {
      const readable = stream.toNodeStream();
      await new Promise((resolve) => readable.once("data", resolve));
      readable.destroy();
    } else {
      const reader = stream.toWebStream().getReader();
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("first");
      await reader.cancel();
    }
    await aborted(await begun.promise);
  },
);

test("an abort rejects with ABORTED and cancels", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput(_, { signal }) {
        begun.resolve(signal);
        yield opened(0);
        await aborted(signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const controller = new AbortController();
  const work = failure(Array.fromAsync(pm.processes.stream(id, { follow: true, signal: controller.signal })));
  const signal = await begun.promise;
  controller.abort(new Error("enough"));
  expect(await work).toMatchObject({ reason: "ABORTED", cause: new Error("enough") });
  await aborted(signal);
});

test("a time limit ends a stream, also between two attempts", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput(_, { signal }) {
        yield opened(0);
        await aborted(signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect((await failure(Array.fromAsync(pm.processes.stream(id, { follow: true, timeoutMs: 200 })))).reason).toBe(
    "TIMEOUT",
  );

  const work = failure(
    (async () => {
      for await (const _ of pm.processes.stream(id, { follow: true, timeoutMs: 600 })) {
        void daemon.die();
      }
    })(),
  );
  expect((await work).reason).toBe("TIMEOUT");
});

test("transport failures have reasons of their own", async () => {
  const daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput() {
        yield opened(0);
        daemon.cut();
        await new Promise(() => {});
      },
      // biome-ignore lint/correctness/useYield: refuses before the first event
      async *watchProcesses() {
        throw contractError(Code.InvalidArgument, "INVALID_ARGUMENT", { field: "filter.label_selector" });
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const once = { follow: true, reconnect: false };
  expect((await failure(Array.fromAsync(pm.processes.stream(id, once)))).reason).toBe("DISCONNECTED");
  expect(await failure(Array.fromAsync(pm.processes.watch()))).toMatchObject({
    reason: "INVALID_ARGUMENT",
    code: "invalid_argument",
    message: "scripted INVALID_ARGUMENT",
    metadata: { field: "filter.label_selector" },
  });
  await daemon[Symbol.asyncDispose]();
  await using later = await ProcessManager.connect({ socket: daemon.socket });
  expect(await failure(Array.fromAsync(later.processes.stream(id)))).toMatchObject({
    reason: "UNREACHABLE",
    metadata: { errno_name: "ENOENT" },
  });
});

test("a stream resumes by offset as one stream", async () => {
  const starts: string[] = [];
  const events: ConnectionEvent[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ process, run, start }, { signal }) {
        starts.push(`${process?.ref.value} ${run} ${start?.position.case} ${start?.position.value}`);
        switch (starts.length) {
          case 1:
            yield opened(40);
            yield chunk(40, "four");
            yield chunk(44, "err", Stream.STDERR);
            return lose(daemon, signal);
          case 2:
            yield opened(47);
            return lose(daemon, signal);
          case 3:
            yield opened(47);
            yield gap(47, 60);
            return lose(daemon, signal);
          case 4:
            yield opened(60);
            yield heartbeat(70);
            return lose(daemon, signal);
          default:
            yield opened(70);
            yield chunk(70, "last");
            yield end(74);
        }
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const options = {
    follow: true,
    start: { tailLines: 3 },
    onConnection: (event: ConnectionEvent) => events.push(event),
  };
  const frames = await Array.fromAsync(pm.processes.stream("api", options), summary);
  expect(frames).toEqual([
    "opened 1@40",
    "stdout 40 four",
    "stderr 44 err",
    "gap 47-60",
    "heartbeat 70",
    "stdout 70 last",
    "end 74 complete",
  ]);
  expect(starts).toEqual([
    "api undefined tailLines 3",
    `${id} 1 offset 47`,
    `${id} 1 offset 47`,
    `${id} 1 offset 60`,
    `${id} 1 offset 70`,
  ]);
  expect(events.map(({ type, attempt }) => `${type} ${attempt}`)).toEqual(
    Array.from({ length: 4 }, () => ["disconnected 1", "reconnected 1"]).flat(),
  );
});

test("a stream waits for the next daemon", async () => {
  const daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ start }, { signal }) {
        const offset = start?.position.case === "offset" ? Number(start.position.value) : 0;
        yield opened(offset);
        if (offset > 0) {
          yield end(offset);
          return;
        }
        yield chunk(0, "before");
        await aborted(signal);
      },
    },
  });
  await using _ = daemon;
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const attempts: string[] = [];
  const onConnection = (event: ConnectionEvent) => {
    attempts.push(event.type === "disconnected" ? event.error.reason : event.type);
    if (attempts.length === 2) {
      void daemon.listen();
    }
  };
  const frames: string[] = [];
  for await (const frame of pm.processes.stream(id, { follow: true, onConnection })) {
    frames.push(summary(frame));
    if (frame.type === "chunk") {
      await daemon.die();
    }
  }
  expect(frames).toEqual(["opened 1@0", "stdout 0 before", "end 6 complete"]);
  expect(attempts.slice(0, 2)).toEqual(["DISCONNECTED", "UNREACHABLE"]);
  expect(attempts.at(-1)).toBe("reconnected");
});

test("silence is a lost connection, but not while the consumer takes its time", async () => {
  let attempts = 0;
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput(request, { signal }) {
        attempts += 1;
        expect(request.heartbeatInterval?.nanos).toBe(100_000_000);
        yield opened(0);
        if (attempts === 1) {
          await aborted(signal);
          return;
        }
        yield end(0);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const errors: string[] = [];
  const onConnection = (event: ConnectionEvent) => {
    if (event.type === "disconnected") {
      errors.push(event.error.message);
    }
  };
  const frames = await Array.fromAsync(
    pm.processes.stream(id, { follow: true, heartbeatMs: 100, onConnection }),
    summary,
  );
  expect(frames).toEqual(["opened 1@0", "end 0 complete"]);
  expect(errors).toEqual(["no sign of life from the daemon for 250 ms"]);
});

test("restarts are followed on request, over runs that are gone by then too", async () => {
  const runs: (number | undefined)[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ run }) {
        runs.push(run);
        if (run === 2) {
          throw contractError(Code.NotFound, "RUN_NOT_FOUND", { id, run: "2" });
        }
        yield opened(0, run ?? 1);
        yield chunk(0, `run ${run ?? 1}`);
        yield end(5, run === 4 ? undefined : (run ?? 1) + 1);
      },
      async *watchProcesses() {
        yield { type: WatchEventType.ADDED, process: runningProcess(id, 4) };
        await new Promise(() => {});
      },
      listRuns: () => ({ runs: [4, 3, 1].map((number) => ({ number, state: 4, createTime: time })) }),
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect(await Array.fromAsync(pm.processes.stream("api", { follow: true }), summary)).toHaveLength(3);
  runs.length = 0;
  const frames = await Array.fromAsync(pm.processes.stream("api", { follow: true, followRestarts: true }), summary);
  expect(runs).toEqual([undefined, 2, 3, 4]);
  expect(frames.filter((line) => line.startsWith("opened"))).toEqual(["opened 1@0", "opened 3@0", "opened 4@0"]);
});

test("bytes come as they are, and never silently with a hole", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput() {
        yield opened(0);
        yield chunk(0, "\0\xff one");
        yield gap(7, 9);
        yield chunk(9, "two", Stream.STDERR);
        yield end(12);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const stream = pm.processes.stream(id);
  const gaps: unknown[] = [];
  const bytes = await Array.fromAsync(stream.bytes({ onGap: (missing) => gaps.push(missing) }));
  expect(Buffer.concat(bytes)).toEqual(Buffer.from("\0\xff onetwo"));
  expect(gaps).toEqual([{ from: 7, to: 9 }]);
  expect(await failure(Array.fromAsync(stream.bytes()))).toMatchObject({
    reason: "OUTPUT_GAP",
    metadata: { from: "7", to: "9" },
  });
  await expect(Array.fromAsync(stream.toNodeStream())).rejects.toMatchObject({ reason: "OUTPUT_GAP" });
});

test("a daemon that repeats bytes is not believed", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput() {
        yield opened(0);
        yield chunk(0, "twice");
        yield chunk(0, "twice");
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect((await failure(Array.fromAsync(pm.processes.stream(id)))).reason).toBe("PROTOCOL");
});

test("a stream that nobody reads does not hold up another one", async () => {
  // The scripted daemon complains of each flood that is left in the middle of a write, after this test too.
  vi.spyOn(console, "error").mockImplementation(() => {});
  const block = "x".repeat(64 * 1024);
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ process }, { signal }) {
        yield opened(0);
        for (let n = 0; process?.ref.value === "flood" ? !signal.aborted : n < 100; n++) {
          yield chunk(n * block.length, block);
        }
        yield end(100 * block.length);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const stalled = Array.from({ length: 8 }, () => pm.processes.stream("flood")[Symbol.asyncIterator]());
  for (const frames of stalled) {
    await frames.next();
  }
  const bytes = await Array.fromAsync(pm.processes.stream("other").bytes());
  expect(Buffer.concat(bytes).length).toBe(100 * block.length);
  await Promise.all(stalled.map((frames) => frames.return?.()));
});

test("many streams share connections, and none has so many that a unary call must wait (F14)", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *watchProcesses(_, { signal }) {
        yield { type: WatchEventType.BOOKMARK, resourceVersion: "v1" };
        await aborted(signal);
      },
      getProcess: () => ({ process: runningProcess(id) }),
    },
  });
  const transport = stockTransport({ kind: "unix", path: daemon.socket });
  onTestFinished(() => transport.close());
  const streams = Array.from({ length: 250 }, () =>
    transport.stream("pm.v1.ProcessService/WatchProcesses", {}, {})[Symbol.asyncIterator](),
  );
  await Promise.all(streams.map((events) => events.next()));
  expect(daemon.connections).toBe(3);
  const { process } = await transport.unary("pm.v1.ProcessService/GetProcess", { process: { id } }, {});
  expect(process?.id).toBe(id);
  await Promise.all(streams.map((events) => events.return?.()));
  // The first one is kept for the next call.
  await vi.waitFor(() => expect(daemon.connections).toBe(1));
  transport.close();

  // Over the local socket the first ones have connections of their own.
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const watches = Array.from({ length: 40 }, () => pm.processes.watch()[Symbol.asyncIterator]());
  await Promise.all(watches.map((events) => events.next()));
  await vi.waitFor(() => expect(daemon.connections).toBe(17));
  await Promise.all(watches.map((events) => events.return?.()));
});

test("a call that a closing HTTP/2 session refuses was not taken, and may be sent again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pm-sdk-"));
  const server = createServer();
  server.on("request", (request) => {
    request.stream.on("error", () => {});
    request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  const socket = join(directory, "pm.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const transport = stockTransport({ kind: "unix", path: socket });
  onTestFinished(async () => {
    transport.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });

  const refusals = [
    await failure(Array.fromAsync(transport.stream("pm.v1.ProcessService/StreamOutput", { process: { id } }, {}))),
    await failure(transport.unary("pm.v1.DaemonService/GetInfo", {}, {})),
  ];
  for (const refused of refusals) {
    expect(refused).toMatchObject({ reason: "DISCONNECTED", code: "unavailable" });
    expect(refused.message).toContain("did not take the call");
    const attempts = new Attempts({ what: "pruning", repeatable: "unsent" });
    await attempts.again(refused);
    await expect(attempts.again(lostError(undefined))).rejects.toMatchObject({ reason: "DISCONNECTED" });
  }
});

import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { ErrorReasonSchema } from "../../gen/ts/pm/v1/errors_pb.ts";
import { OutputEndReason, OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { ProcessView, WatchEventType } from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import { EngineError, type EngineErrorReason } from "../../src/server/engine/errors.ts";
import { clientOn, someProcess } from "./fake-engine.ts";

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.fail("the call succeeded"),
    (cause: unknown) => ConnectError.from(cause),
  );
}

test("a process is answered in full, its environment only on request", async () => {
  const { client } = clientOn({ get: () => someProcess });
  const { process } = await client.getProcess({ id: "web" });
  expect(process).toMatchObject({
    id: someProcess.id,
    state: ProcessState.EXITED,
    createTime: { seconds: 1_700_000_000n, nanos: 123_456_789 },
    exit: {
      result: { case: "signal", value: 9 },
      signalName: "SIGKILL",
      oomKilled: true,
      usage: { userTime: { seconds: 1n, nanos: 500_000_000 }, systemTime: { seconds: 0n, nanos: 2000 } },
    },
    spec: { executable: "/bin/true", env: {}, stop: { gracePeriod: { seconds: 1n, nanos: 500_000_000 } } },
    output: { nextOffset: 5n, complete: true },
    resourceVersion: "v1",
  });
  expect(process?.failure).toBeUndefined();
  const full = await client.getProcess({ id: "web", view: ProcessView.FULL });
  expect(full.process?.spec?.env).toEqual({ SECRET: "hush" });
});

test.each(
  ErrorReasonSchema.values.slice(1, 19).map((value) => value.name.replace("ERROR_REASON_", "") as EngineErrorReason),
)("the engine's %s arrives with its documented code", async (reason) => {
  const { client } = clientOn({
    get: () => {
      throw new EngineError(reason, "what happened", { id: "web" });
    },
  });
  const error = await failureOf(client.getProcess({ id: "web" }));
  const documented = documentedCodes[reason];
  expect(error.code).toBe(documented);
  expect(error.rawMessage).toBe("what happened");
  expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason, domain: "pm", metadata: { id: "web" } }]);
});

const documentedCodes: Record<EngineErrorReason, Code> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_ID: Code.InvalidArgument,
  PROCESS_NOT_FOUND: Code.NotFound,
  PROCESS_AMBIGUOUS: Code.FailedPrecondition,
  PROCESS_EXISTS: Code.AlreadyExists,
  NAME_IN_USE: Code.AlreadyExists,
  START_FAILED: Code.FailedPrecondition,
  NOT_RUNNING: Code.FailedPrecondition,
  STILL_RUNNING: Code.FailedPrecondition,
  INPUT_CLOSED: Code.FailedPrecondition,
  RUN_NOT_FOUND: Code.NotFound,
  OFFSET_OUT_OF_RANGE: Code.OutOfRange,
  RESOURCE_VERSION_EXPIRED: Code.OutOfRange,
  PAGE_TOKEN_INVALID: Code.InvalidArgument,
  UNSUPPORTED_LIMIT: Code.FailedPrecondition,
  LIMIT_EXCEEDED: Code.ResourceExhausted,
  SHUTTING_DOWN: Code.Unavailable,
  SUPERVISOR_LOST: Code.FailedPrecondition,
};

test("a start that fails for want of resources is RESOURCE_EXHAUSTED", async () => {
  const { client } = clientOn({
    start: () => Promise.reject(new EngineError("START_FAILED", "no", { errno_name: "EAGAIN", step: "fork" })),
  });
  expect((await failureOf(client.startProcess({ spec: { executable: "x" } }))).code).toBe(Code.ResourceExhausted);
});

test("an unexpected failure is hidden behind an id that is in the log", async () => {
  const { client, logged } = clientOn({ remove: () => Promise.reject(new Error("secret detail")) });
  const error = await failureOf(client.removeProcess({ id: "web" }));
  expect(error.code).toBe(Code.Internal);
  expect(error.rawMessage).not.toContain("secret");
  const id = /[0-9a-f-]{36}/.exec(error.rawMessage)?.[0];
  expect(id).toBeDefined();
  expect(logged()).toContain(id);
  expect(logged()).toContain("secret detail");
});

test("long metadata is cut, so that the trailers arrive", async () => {
  const { client } = clientOn({
    remove: () => Promise.reject(new EngineError("STILL_RUNNING", "x".repeat(100_000), { pids: "1,".repeat(50_000) })),
  });
  const error = await failureOf(client.removeProcess({ id: "web" }));
  expect(error.rawMessage.length).toBe(2048);
  expect(error.findDetails(ErrorInfoSchema)[0]?.metadata["pids"]?.length).toBe(1024);
});

test("a page of large processes is cut short, never below one", async () => {
  const large: ProcessInfo = { ...someProcess, spec: { ...someProcess.spec, args: ["x".repeat(1_200_000)] } };
  const { client } = clientOn({
    list: async (_filter, { size, fits }) => {
      expect(size).toBe(1000);
      const room = [0, 1, 2, 3, 4].map(() => fits?.(large));
      expect(room).toEqual([true, true, false, false, false]);
      return { processes: [large, large], nextPageToken: "next", resourceVersion: "v", totalSize: 5 };
    },
  });
  expect(await client.listProcesses({})).toMatchObject({ processes: [{}, {}], nextPageToken: "next" });
});

test("a page never holds more than 10000", async () => {
  const { client } = clientOn({
    list: async (_filter, { size }) => ({ processes: [], nextPageToken: "", resourceVersion: "v", totalSize: size }),
  });
  expect((await client.listProcesses({ pageSize: 4_000_000_000 })).totalSize).toBe(10_000);
});

test("output is answered in chunks of at most 64 KiB without a byte lost", async () => {
  const data = Buffer.alloc(150_000, "abc");
  const { client } = clientOn({
    readOutput: async () => ({
      run: 2,
      chunks: [{ stream: "stderr", offset: 7, timeMicros: 1_700_000_000_123_999, data }],
      gap: { from: 0, to: 7 },
      nextOffset: 150_007,
      output: someProcess.output,
    }),
  });
  const answer = await client.getOutput({ id: "web" });
  expect(answer.chunks.map((chunk) => [chunk.offset, chunk.data.length])).toEqual([
    [7n, 65_536],
    [65_543n, 65_536],
    [131_079n, 18_928],
  ]);
  expect(Buffer.concat(answer.chunks.map((chunk) => chunk.data)).equals(data)).toBe(true);
  expect(answer.chunks[0]).toMatchObject({
    stream: OutputStream.STDERR,
    time: { seconds: 1_700_000_000n, nanos: 123_000_000 },
  });
  expect(answer).toMatchObject({ run: 2, gap: { fromOffset: 0n, toOffset: 7n }, nextOffset: 150_007n });
});

test("every frame of an output stream arrives", async () => {
  const { client } = clientOn({
    async *streamOutput() {
      yield { kind: "opened", processId: someProcess.id, run: 1, startOffset: 3, output: someProcess.output };
      yield { kind: "gap", gap: { from: 3, to: 4 } };
      yield { kind: "chunk", chunk: { stream: "tty", offset: 4, timeMicros: 0, data: new Uint8Array([0, 255]) } };
      yield { kind: "heartbeat", nextOffset: 6 };
      yield { kind: "end", finalOffset: 6, reason: "complete", exit: someProcess.exit, nextRun: 2 };
    },
  });
  const frames = [];
  for await (const { frame } of client.streamOutput({ id: "web", follow: true })) {
    frames.push(frame);
  }
  expect(frames).toMatchObject([
    { case: "opened", value: { processId: someProcess.id, run: 1, startOffset: 3n } },
    { case: "gap", value: { fromOffset: 3n, toOffset: 4n } },
    { case: "chunk", value: { stream: OutputStream.TTY, offset: 4n, data: new Uint8Array([0, 255]) } },
    { case: "heartbeat", value: { nextOffset: 6n } },
    { case: "end", value: { finalOffset: 6n, reason: OutputEndReason.COMPLETE, nextRun: 2 } },
  ]);
});

test("every event of a watch arrives, and its end is the engine's error", async () => {
  const { client } = clientOn({
    async *watch(): AsyncGenerator<WatchEvent> {
      yield { type: "added", process: someProcess, resourceVersion: "" };
      yield { type: "bookmark", resourceVersion: "v1" };
      yield { type: "removed", id: someProcess.id, resourceVersion: "v2" };
      throw new EngineError("SHUTTING_DOWN", "stopping");
    },
  });
  const events: unknown[] = [];
  const error = await failureOf(
    (async () => {
      for await (const event of client.watchProcesses({})) {
        events.push(event);
      }
    })(),
  );
  expect(events).toMatchObject([
    { type: WatchEventType.ADDED, process: { id: someProcess.id, spec: { env: {} } } },
    { type: WatchEventType.BOOKMARK, resourceVersion: "v1" },
    { type: WatchEventType.REMOVED, process: { id: someProcess.id }, resourceVersion: "v2" },
  ]);
  expect(error.code).toBe(Code.Unavailable);
  expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "SHUTTING_DOWN" }]);
});

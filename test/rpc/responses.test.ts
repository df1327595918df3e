import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { CauseKind } from "../../gen/ts/pm/v1/cause_pb.ts";
import { EventType } from "../../gen/ts/pm/v1/event_pb.ts";
import { OutputEndReason, OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { DesiredState, ProcessSchema, ProcessState, ProcessView } from "../../gen/ts/pm/v1/process_pb.ts";
import { GetOutputResponseSchema, WatchEventType, WatchRemoval } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { RunState, StopOutcome } from "../../gen/ts/pm/v1/run_pb.ts";
import type {
  EngineInfo,
  EventsFrame,
  OutputsFrame,
  ProcessInfo,
  WatchEvent,
} from "../../src/server/engine/api/index.ts";
import { EngineError, type EngineErrorReason } from "../../src/server/engine/errors.ts";
import { all, failureOf } from "./failure.ts";
import { clientOn, someProcess, someReceipt, someRun, someSpec } from "./fake-engine.ts";

const process = { ref: { case: "name", value: "web" } } as const;

test("a process is sent in full, its environment only on request", async () => {
  const { client } = clientOn({ get: () => someProcess });
  const response = await client.getProcess({ process });
  expect(response.process).toMatchObject({
    id: someProcess.id,
    name: "web",
    labels: { tier: "front" },
    state: ProcessState.EXITED,
    desiredState: DesiredState.STOPPED,
    createTime: { seconds: 1_700_000_000n, nanos: 123_456_789 },
    sequence: 7n,
    resourceVersion: "v1",
    spec: { executable: "/bin/true", env: {}, stop: { gracePeriod: { seconds: 1n, nanos: 500_000_000 } } },
    lastChange: {
      sequence: 12n,
      from: ProcessState.STOPPING,
      to: ProcessState.EXITED,
      cause: { kind: CauseKind.EXIT, detail: "signal SIGKILL" },
    },
    run: {
      number: 1,
      state: RunState.EXITED,
      cause: { kind: CauseKind.REQUEST, principal: "local" },
      exit: {
        result: { case: "signal", value: 9 },
        signalName: "SIGKILL",
        oomKilled: true,
        usage: { userTime: { seconds: 1n, nanos: 500_000_000 }, systemTime: { seconds: 0n, nanos: 2000 } },
      },
      effective: {
        cwd: "/",
        outputLimitBytes: 4096n,
        stopGracePeriod: { seconds: 1n, nanos: 500_000_000 },
        umask: 0o22,
      },
      stop: { cause: { principal: "ann", requestId: "r1" }, outcome: StopOutcome.STOPPED, force: true },
      output: { nextOffset: 5n, complete: true, held: false },
    },
  });
  expect(response.process?.run?.pid).toBeUndefined();
  expect(response.process?.run?.failure).toBeUndefined();
  expect(response.process?.run?.stop?.killTime).toBeUndefined();
  const full = await client.getProcess({ process, view: ProcessView.FULL });
  expect(full.process?.spec?.env).toEqual({ SECRET: "hush" });
});

test("a summary has what a table shows, and nothing more", async () => {
  const { client } = clientOn({ get: () => someProcess });
  const { process: shown } = await client.getProcess({ process, view: ProcessView.SUMMARY });
  expect(toJson(ProcessSchema, shown ?? create(ProcessSchema))).toEqual({
    id: someProcess.id,
    name: "web",
    labels: { tier: "front" },
    spec: { executable: "/bin/true", ...(someSpec.args.length > 0 && { args: someSpec.args }) },
    state: "PROCESS_STATE_EXITED",
    desiredState: "DESIRED_STATE_STOPPED",
    createTime: "2023-11-14T22:13:20.123456789Z",
    sequence: "7",
    resourceVersion: "v1",
    run: {
      number: 1,
      state: "RUN_STATE_EXITED",
      createTime: "2023-11-14T22:13:20.123456789Z",
      startTime: "2023-11-14T22:13:21Z",
      exitTime: "2023-11-14T22:13:22Z",
      exit: { signal: 9, signalName: "SIGKILL", oomKilled: true },
    },
  });
});

test("what is not known is not set, and what is zero is", async () => {
  const run = { ...someRun, pid: 12, exit: { ...(someRun.exit ?? never()), signal: null, code: 0, oomKilled: null } };
  const { client } = clientOn({ get: () => ({ ...someProcess, run }) });
  const shown = (await client.getProcess({ process })).process?.run;
  expect(shown?.pid).toBe(12);
  expect(shown?.exit?.result).toEqual({ case: "code", value: 0 });
  expect(shown?.exit?.oomKilled).toBeUndefined();
});

function never(): never {
  throw new Error("the example has an exit");
}

const documentedCodes: Record<EngineErrorReason, Code> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_ID: Code.InvalidArgument,
  PROCESS_NOT_FOUND: Code.NotFound,
  CONDITION_FAILED: Code.Aborted,
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
  SUPERVISOR_UNRESPONSIVE: Code.Unavailable,
  OUTPUT_HELD: Code.FailedPrecondition,
  HOLD_REFUSED: Code.FailedPrecondition,
  REQUEST_ID_REUSED: Code.AlreadyExists,
  OUTPUT_UNREADABLE: Code.DataLoss,
};

test.each(Object.keys(documentedCodes) as EngineErrorReason[])(
  "the engine's %s arrives with its documented code and its metadata",
  async (reason) => {
    const metadata = { id: "web", run: "2" };
    const { client } = clientOn({
      get: () => {
        throw new EngineError(reason, "what happened", metadata);
      },
    });
    expect(await failureOf(client.getProcess({ process }))).toMatchObject({
      code: documentedCodes[reason],
      text: "what happened",
      reason,
      domain: "pm",
      metadata,
    });
  },
);

test("a start that fails for want of resources is RESOURCE_EXHAUSTED", async () => {
  const { client } = clientOn({
    start: () => Promise.reject(new EngineError("START_FAILED", "no", { errno_name: "EAGAIN", step: "fork" })),
  });
  expect((await failureOf(client.startProcess({ spec: { executable: "x" } }))).code).toBe(Code.ResourceExhausted);
});

test("an unexpected failure is hidden behind an id that is in the log", async () => {
  const { client, logged } = clientOn({ remove: () => Promise.reject(new Error("secret detail")) });
  const { code, reason, metadata, text } = await failureOf(client.removeProcess({ process }));
  expect({ code, reason }).toEqual({ code: Code.Internal, reason: "INTERNAL" });
  expect(text).not.toContain("secret");
  expect(metadata["error_id"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(logged()).toContain(metadata["error_id"]);
  expect(logged()).toContain("secret detail");
});

test("long metadata is cut, so that the trailers arrive", async () => {
  const { client } = clientOn({
    remove: () => Promise.reject(new EngineError("STILL_RUNNING", "x".repeat(100_000), { pids: "1,".repeat(50_000) })),
  });
  const { text, metadata } = await failureOf(client.removeProcess({ process }));
  expect(text.length).toBe(2048);
  expect(metadata["pids"]?.length).toBe(1024);
});

describe("a page", () => {
  test("of large processes is cut short, never below one", async () => {
    const large: ProcessInfo = { ...someProcess, spec: { ...someProcess.spec, args: ["x".repeat(1_200_000)] } };
    const { client } = clientOn({
      list: async (_filter, { size, fits, order }) => {
        expect({ size, order }).toEqual({ size: 1000, order: "created" });
        const room = [0, 1, 2, 3, 4].map(() => fits?.(large));
        expect(room).toEqual([true, true, false, false, false]);
        return { processes: [large, large], nextPageToken: "next", resourceVersion: "v", totalSize: 5 };
      },
    });
    expect(await client.listProcesses({})).toMatchObject({ processes: [{}, {}], nextPageToken: "next" });
  });

  test("never holds more than 10000", async () => {
    const { client } = clientOn({
      list: async (_filter, { size }) => ({ processes: [], nextPageToken: "", resourceVersion: "v", totalSize: size }),
    });
    expect((await client.listProcesses({ pageSize: 4_000_000_000 })).totalSize).toBe(10_000);
  });
});

test("output is sent in chunks of at most 256 KiB without a byte lost", async () => {
  const data = Buffer.alloc(600_000, "abc");
  const { client } = clientOn({
    readOutput: async () => ({
      processId: someProcess.id,
      run: 2,
      chunks: [{ stream: "stderr", offset: 7, timeMicros: 1_700_000_000_123_999, data }],
      gap: { from: 0, to: 7 },
      nextOffset: 600_007,
      output: someRun.output,
    }),
  });
  const response = await client.getOutput({ process });
  expect(response.chunks.map((chunk) => [chunk.offset, chunk.data.length])).toEqual([
    [7n, 262_144],
    [262_151n, 262_144],
    [524_295n, 75_712],
  ]);
  expect(Buffer.concat(response.chunks.map((chunk) => chunk.data)).equals(data)).toBe(true);
  expect(response.chunks[0]).toMatchObject({
    stream: OutputStream.STDERR,
    time: { seconds: 1_700_000_000n, nanos: 123_000_000 },
  });
  expect(response).toMatchObject({
    processId: someProcess.id,
    run: 2,
    gap: { fromOffset: 0n, toOffset: 7n },
    nextOffset: 600_007n,
  });
});

test("output in very many chunks is cut where a stock gRPC client would refuse the message", async () => {
  const chunks = Array.from({ length: 500_000 }, (_, offset) => ({
    stream: offset % 2 === 0 ? ("stdout" as const) : ("stderr" as const),
    offset,
    timeMicros: 1_700_000_000_123_999,
    data: new Uint8Array([1]),
  }));
  const { client } = clientOn({
    readOutput: async () => ({
      processId: someProcess.id,
      run: 1,
      chunks,
      gap: null,
      nextOffset: chunks.length,
      output: someRun.output,
    }),
  });
  const response = await client.getOutput({ process, maxBytes: 3 * 1024 * 1024 });
  expect(toBinary(GetOutputResponseSchema, create(GetOutputResponseSchema, response)).length).toBeLessThan(4_194_304);
  expect(response.chunks.length).toBeGreaterThan(50_000);
  expect(response.nextOffset).toBe(BigInt(response.chunks.length));
});

test("every frame of an output stream arrives", async () => {
  const { client } = clientOn({
    async *streamOutput(_ref, options) {
      expect(options.hold).toEqual({ token: "" });
      yield {
        kind: "opened",
        processId: someProcess.id,
        run: 1,
        startOffset: 3,
        output: someRun.output,
        holdToken: "hold",
      };
      yield { kind: "gap", gap: { from: 3, to: 4 } };
      yield { kind: "chunk", chunk: { stream: "tty", offset: 4, timeMicros: 0, data: new Uint8Array([0, 255]) } };
      yield { kind: "heartbeat", nextOffset: 6 };
      yield { kind: "end", finalOffset: 6, reason: "complete", exit: someRun.exit, nextRun: 2 };
    },
  });
  const frames = await all(client.streamOutput({ process, follow: true, hold: true }));
  expect(frames.map(({ frame }) => frame)).toMatchObject([
    { case: "opened", value: { processId: someProcess.id, run: 1, startOffset: 3n, holdToken: "hold" } },
    { case: "gap", value: { fromOffset: 3n, toOffset: 4n } },
    { case: "chunk", value: { stream: OutputStream.TTY, offset: 4n, data: new Uint8Array([0, 255]) } },
    { case: "heartbeat", value: { nextOffset: 6n } },
    { case: "end", value: { finalOffset: 6n, reason: OutputEndReason.COMPLETE, nextRun: 2 } },
  ]);
});

test("every frame of the output of many processes arrives", async () => {
  const cursor = { processId: someProcess.id, run: 2, nextOffset: 9 };
  const { client } = clientOn({
    async *streamOutputs(options): AsyncGenerator<OutputsFrame> {
      expect(options).toMatchObject({
        start: { position: { kind: "tailLines", lines: 5 }, since: null },
        cursors: [cursor],
        mergeWindowMs: 50,
        heartbeatMs: 15_000,
        untilIdle: true,
      });
      yield { kind: "opened", selected: 1 };
      yield {
        kind: "memberOpened",
        member: 1,
        processId: someProcess.id,
        processName: "web",
        run: 2,
        startOffset: 9,
        output: someRun.output,
      };
      yield {
        kind: "chunk",
        member: 1,
        chunk: { stream: "stdout", offset: 9, timeMicros: 0, data: new Uint8Array(262_145) },
      };
      yield { kind: "gap", member: 1, gap: { from: 1, to: 2 } };
      yield { kind: "heartbeat", cursors: [cursor] };
      yield { kind: "memberEnd", member: 1, end: { finalOffset: 9, reason: "removed", exit: null, nextRun: null } };
    },
  });
  const frames = await all(
    client.streamOutputs({
      start: { position: { case: "tailLines", value: 5n } },
      cursors: [{ ...cursor, nextOffset: 9n }],
      follow: true,
      untilIdle: true,
    }),
  );
  expect(frames.map(({ frame }) => frame)).toMatchObject([
    { case: "opened", value: { selected: 1 } },
    { case: "memberOpened", value: { member: 1, processName: "web", run: 2, startOffset: 9n } },
    { case: "chunk", value: { member: 1, chunk: { offset: 9n } } },
    { case: "chunk", value: { member: 1, chunk: { offset: 262_153n } } },
    { case: "gap", value: { member: 1, gap: { fromOffset: 1n, toOffset: 2n } } },
    { case: "heartbeat", value: { cursors: [{ processId: someProcess.id, run: 2, nextOffset: 9n }] } },
    { case: "memberEnd", value: { member: 1, end: { finalOffset: 9n, reason: OutputEndReason.REMOVED } } },
  ]);
});

test("every event of a watch arrives, and its end is the engine's error", async () => {
  const { client } = clientOn({
    async *watch(): AsyncGenerator<WatchEvent> {
      yield { type: "added", process: someProcess, resourceVersion: "" };
      yield { type: "bookmark", resourceVersion: "v1" };
      yield {
        type: "removed",
        id: someProcess.id,
        removal: "retention",
        cause: { kind: "retention", principal: "", requestId: "", detail: "" },
        resourceVersion: "v2",
      };
      throw new EngineError("SHUTTING_DOWN", "stopping");
    },
  });
  const events: unknown[] = [];
  const failure = await failureOf(
    (async () => {
      for await (const event of client.watchProcesses({})) {
        events.push(event);
      }
    })(),
  );
  expect(events).toMatchObject([
    { type: WatchEventType.ADDED, process: { id: someProcess.id, spec: { env: {} } } },
    { type: WatchEventType.BOOKMARK, resourceVersion: "v1" },
    {
      type: WatchEventType.REMOVED,
      process: { id: someProcess.id },
      removal: WatchRemoval.RETENTION,
      cause: { kind: CauseKind.RETENTION },
      resourceVersion: "v2",
    },
  ]);
  expect(failure).toMatchObject({ code: Code.Unavailable, reason: "SHUTTING_DOWN" });
});

test("every frame of a stream of events arrives", async () => {
  const { events } = clientOn({
    async *events(options): AsyncGenerator<EventsFrame> {
      expect(options).toEqual({ afterSequence: 0, filter: null, types: ["signaled"], follow: true, heartbeatMs: 1000 });
      yield { kind: "opened", journalId: "j", firstSequence: 3, lastSequence: 4 };
      yield { kind: "dropped", from: 1, to: 3 };
      yield {
        kind: "event",
        event: {
          sequence: 3,
          time: 1_700_000_000_000_000_001n,
          type: "stateChanged",
          processId: someProcess.id,
          processName: "web",
          run: 1,
          from: "running",
          to: "exited",
          cause: { kind: "exit", principal: "", requestId: "", detail: "exit code 1" },
          exit: someRun.exit,
        },
      };
      yield { kind: "heartbeat", sequence: 4 };
    },
  });
  const frames = await all(
    events.streamEvents({
      afterSequence: 0n,
      types: [EventType.SIGNALED],
      follow: true,
      heartbeatInterval: { seconds: 1n },
    }),
  );
  expect(frames.map(({ frame }) => frame)).toMatchObject([
    { case: "opened", value: { journalId: "j", firstSequence: 3n, lastSequence: 4n } },
    { case: "dropped", value: { fromSequence: 1n, toSequence: 3n } },
    {
      case: "event",
      value: {
        sequence: 3n,
        time: { seconds: 1_700_000_000n, nanos: 1 },
        type: EventType.STATE_CHANGED,
        run: 1,
        from: ProcessState.RUNNING,
        to: ProcessState.EXITED,
        exit: { signalName: "SIGKILL" },
      },
    },
    { case: "heartbeat", value: { sequence: 4n } },
  ]);
});

test("the runs that are kept arrive", async () => {
  const { client } = clientOn({
    runs: () => ({ processId: someProcess.id, runs: [{ ...someRun, number: 2 }, someRun] }),
  });
  expect(await client.listRuns({ process })).toMatchObject({
    processId: someProcess.id,
    runs: [{ number: 2 }, { number: 1 }],
  });
});

test("a stop answers its receipt, and a wait the run that was waited for", async () => {
  const survivor = { pid: 7, command: "sleep 1", state: "sleeping" };
  const { client } = clientOn({
    stop: async () => ({
      process: someProcess,
      receipt: { ...someReceipt, outcome: "survived", survivors: [survivor] },
    }),
    wait: async (_ref, condition, run) => {
      expect([condition, run]).toEqual(["treeGone", 1]);
      return { process: someProcess, run: null };
    },
  });
  expect((await client.stopProcess({ process })).receipt).toMatchObject({
    signal: "SIGTERM",
    gracePeriod: { seconds: 1n, nanos: 500_000_000 },
    requestTime: { seconds: 1_700_000_001n, nanos: 500_000_000 },
    outcome: StopOutcome.SURVIVED,
    survivors: [survivor],
  });
  expect((await client.waitProcess({ process, condition: 3, run: 1 })).run).toBeUndefined();
});

test("GetInfo tells what the daemon is, can and allows", async () => {
  const info: EngineInfo = {
    defaultOutputLimitBytes: 1_048_576,
    maxOutputLimitBytes: 2 ** 30,
    maxProcesses: 10_000,
    cgroupLimits: true,
    counts: { starting: 1, running: 2, stopping: 3, exited: 4, failed: 5, lost: 6, waiting: 7, givenUp: 8 },
    keptRuns: 5,
    retention: { count: 100, ageMs: 3_600_000, bytes: 2 ** 28 },
    bootId: "b",
    journal: { id: "j", firstSequence: 1, lastSequence: 9, bytes: 300, maxBytes: 4_194_304 },
    setAside: [{ path: "/run/pm/aside/x", problem: "not JSON", processId: "", newer: false }],
    setAsideCount: 101,
  };
  const { daemon } = clientOn({ info: () => info });
  expect(await daemon.getInfo({})).toMatchObject({
    version: "1.2.3",
    bootId: "b",
    features: [],
    limits: {
      defaultOutputLimitBytes: 1_048_576n,
      maxOutputLimitBytes: 1_073_741_824n,
      maxProcesses: 10_000,
      maxStreamsPerConnection: 256,
      maxConnections: 512,
      maxRequestBytes: 8_388_608n,
      maxOutputReadBytes: 3_145_728n,
      maxInputBytes: 1_048_576n,
      keptRuns: 5,
      maxEndedProcesses: 100,
      maxEndedAge: { seconds: 3600n },
      maxEndedBytes: 268_435_456n,
    },
    counts: { ...info.counts },
    journal: { id: "j", firstSequence: 1n, lastSequence: 9n, bytes: 300n, maxBytes: 4_194_304n },
    setAside: [{ path: "/run/pm/aside/x", problem: "not JSON", processId: "", newer: false }],
    setAsideCount: 101,
    cgroupLimits: true,
  });
});

test("an update by mask changes what the mask names and nothing else", async () => {
  const updates: unknown[] = [];
  const { client } = clientOn({
    update: async (_ref, update) => {
      updates.push(update(someProcess));
      return someProcess;
    },
  });
  const spec = { executable: "y", umask: 0o77 };
  await client.updateProcess({ process, updateMask: { paths: ["name"] }, labels: { a: "b" }, spec });
  await client.updateProcess({ process, updateMask: { paths: ["labels", "spec.umask"] }, labels: { a: "b" }, spec });
  await client.updateProcess({ process, updateMask: { paths: ["spec.cwd"] } });
  expect(updates).toEqual([
    { name: "" },
    { labels: { a: "b" }, spec: { ...someProcess.spec, umask: 0o77 } },
    { spec: { ...someProcess.spec, cwd: "" } },
  ]);
  expect(
    await failureOf(client.updateProcess({ process, updateMask: { paths: ["spec.exec", "nam", "spec.stop.signal"] } })),
  ).toMatchObject({
    reason: "UNKNOWN_FIELD",
    violations: [
      ["update_mask.paths[0]", "UNKNOWN_FIELD"],
      ["update_mask.paths[1]", "UNKNOWN_FIELD"],
      ["update_mask.paths[2]", "UNKNOWN_FIELD"],
    ],
  });
});

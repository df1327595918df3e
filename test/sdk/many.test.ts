/** Calls by filter, events, output of many processes, and holding back, through lost connections. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { StreamEventsResponseSchema } from "../../gen/ts/pm/v1/event_service_pb.ts";
import { OutputEndReason } from "../../gen/ts/pm/v1/output_pb.ts";
import type { StreamOutputResponseSchema, StreamOutputsResponseSchema } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { type EventFrame, type OutputsFrame, ProcessManager } from "../../src/sdk/index.ts";
import {
  aborted,
  contractError,
  exitedProcess,
  failure,
  lose,
  runningProcess,
  ScriptedDaemon,
} from "./support/scripted-daemon.ts";

const time = { seconds: 1_700_000_000n };
const a = "aaaaaaaa-0d52-4a53-9a3f-3d5f0c6b7a10";
const b = "bbbbbbbb-0d52-4a53-9a3f-3d5f0c6b7a10";

test("a stop by filter goes on after a lost connection: each process once, with the same request id", async () => {
  const requests: string[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *stopProcesses({ filter, all, options, requestId }, { signal }) {
        requests.push(`${requestId} ${filter?.labelSelector} ${all} ${options?.force}`);
        yield { frame: { case: "opened", value: { selected: 3 } } };
        yield {
          frame: {
            case: "result",
            value: { process: exitedProcess(a, 7), receipt: { outcome: 2, signal: "SIGTERM" } },
          },
        };
        if (requests.length === 1) {
          return lose(daemon, signal);
        }
        yield {
          frame: {
            case: "result",
            value: {
              process: runningProcess(b),
              receipt: { outcome: 3, survivors: [{ pid: 7, command: "x", state: "sleeping" }] },
            },
          },
        };
        yield {
          frame: {
            case: "result",
            value: {
              process: runningProcess("c"),
              error: { reason: "SUPERVISOR_LOST", message: "the shim was killed", metadata: { id: "c" } },
            },
          },
        };
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const results = await Array.fromAsync(pm.processes.stopAll({ selector: "x=y" }, { force: true }));
  expect(results.map(({ id, receipt, exit }) => [id, receipt?.outcome, exit?.code])).toEqual([
    [a, "stopped", 7],
    [b, "survived", undefined],
    ["c", undefined, undefined],
  ]);
  expect(results[2]?.error).toMatchObject({
    name: "PmError",
    reason: "SUPERVISOR_LOST",
    code: "failed_precondition",
    metadata: { id: "c" },
  });
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatch(/^\S+ x=y false true$/);
  expect(requests[1]).toBe(requests[0]);
});

test("a result of what was removed meanwhile is one, though only its id is known", async () => {
  const gone = { process: { id: a }, error: { reason: "PROCESS_NOT_FOUND", message: `process ${a} not found` } };
  async function* results() {
    yield { frame: { case: "opened" as const, value: { selected: 2 } } };
    yield { frame: { case: "result" as const, value: gone } };
    yield { frame: { case: "result" as const, value: { process: runningProcess(b) } } };
  }
  await using daemon = await ScriptedDaemon.start({
    process: { stopProcesses: results, signalProcesses: results, restartProcesses: results },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const { processes } = pm;
  for (const call of [
    processes.stopAll({ all: true }),
    processes.signalAll({ all: true }, "HUP"),
    processes.restartAll({ all: true }),
  ]) {
    const [first, second] = await Array.fromAsync(call);
    expect(first).toEqual({ id: a, error: expect.objectContaining({ reason: "PROCESS_NOT_FOUND" }) });
    expect(second).toMatchObject({ id: b, process: { id: b } });
  }
});

test("signal, restart and remove by filter", async () => {
  const requests: unknown[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *signalProcesses({ all, signal, target }) {
        requests.push([all, signal, target]);
        yield { frame: { case: "opened", value: { selected: 1 } } };
        yield { frame: { case: "result", value: { process: runningProcess(a) } } };
      },
      async *restartProcesses({ filter, options }) {
        requests.push([filter?.namePatterns, options?.signal]);
        yield { frame: { case: "opened", value: { selected: 1 } } };
        yield { frame: { case: "result", value: { process: runningProcess(a, 2) } } };
      },
      async *removeProcesses({ all, force }) {
        requests.push([all, force]);
        if (!all) {
          throw contractError(Code.InvalidArgument, "ALL_REQUIRED", { field: "all" });
        }
        yield { frame: { case: "opened", value: { selected: 2 } } };
        yield { frame: { case: "result", value: { id: a, name: "one" } } };
        yield { frame: { case: "result", value: { id: b, error: { reason: "STILL_RUNNING" } } } };
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const { processes } = pm;
  expect(await Array.fromAsync(processes.signalAll({ all: true }, 10, { target: "tree" }))).toHaveLength(1);
  const restarted = await Array.fromAsync(processes.restartAll({ namePatterns: ["web-*"] }, { stopSignal: "INT" }));
  expect(restarted.map(({ process }) => process?.run?.number)).toEqual([2]);
  expect((await failure(Array.fromAsync(processes.removeAll({})))).reason).toBe("ALL_REQUIRED");
  const removed = await Array.fromAsync(processes.removeAll({ all: true }, { force: true }));
  expect(removed).toEqual([
    { id: a, name: "one" },
    { id: b, error: expect.objectContaining({ reason: "STILL_RUNNING" }) },
  ]);
  expect(requests).toEqual([
    [true, "10", 3],
    [["web-*"], "INT"],
    [false, false],
    [true, true],
  ]);
});

type Journal = MessageInitShape<typeof StreamEventsResponseSchema>;
const journal = (journalId: string, lastSequence: bigint): Journal => ({
  frame: { case: "opened", value: { journalId, firstSequence: 1n, lastSequence } },
});
const event = (sequence: bigint): Journal => ({
  frame: { case: "event", value: { sequence, time, type: 2, processId: a, from: 2, to: 4, cause: { kind: 2 } } },
});

function eventSummary(frame: EventFrame): string {
  switch (frame.type) {
    case "opened":
      return `opened ${frame.journalId} ${frame.lastSequence}`;
    case "event":
      return `event ${frame.event.sequence} ${frame.event.type} ${frame.event.to} ${frame.event.cause?.kind}`;
    case "dropped":
      return `dropped ${frame.from}-${frame.to}`;
    case "heartbeat":
      return `heartbeat ${frame.sequence}`;
  }
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) {
      break;
    }
  }
  return taken;
}

test("events resume by sequence, and begin anew with another journal", async () => {
  const starts: (bigint | undefined)[] = [];
  await using daemon = await ScriptedDaemon.start({
    events: {
      async *streamEvents({ afterSequence, follow }, { signal }) {
        expect(follow).toBe(true);
        starts.push(afterSequence);
        switch (starts.length) {
          case 1: // "From now on": what happens while the connection is lost belongs to it.
            yield journal("j1", 5n);
            return lose(daemon, signal);
          case 2:
            yield journal("j1", 6n);
            yield event(6n);
            return lose(daemon, signal);
          case 3:
            yield journal("j1", 20n);
            yield { frame: { case: "dropped", value: { fromSequence: 7n, toSequence: 10n } } };
            return lose(daemon, signal);
          case 4:
            yield journal("j1", 20n);
            yield event(10n);
            yield { frame: { case: "heartbeat", value: { sequence: 20n } } };
            return lose(daemon, signal);
          case 5:
            yield journal("j2", 2n);
            await aborted(signal);
            return;
          default:
            yield journal("j2", 2n);
            yield event(1n);
            await aborted(signal);
        }
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const frames = await take(pm.events.stream({ follow: true }), 7);
  expect(frames.map(eventSummary)).toEqual([
    "opened j1 5",
    "event 6 stateChanged exited exit",
    "dropped 7-10",
    "event 10 stateChanged exited exit",
    "heartbeat 20",
    "opened j2 2",
    "event 1 stateChanged exited exit",
  ]);
  expect(starts).toEqual([undefined, 5n, 6n, 9n, 20n, 0n]);
});

test("events without follow end with what there is", async () => {
  await using daemon = await ScriptedDaemon.start({
    events: {
      async *streamEvents({ types }) {
        expect(types).toEqual([8, 1]);
        yield journal("j1", 2n);
        yield event(2n);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect(await Array.fromAsync(pm.events.stream({ types: ["removed", "created"] }), eventSummary)).toHaveLength(2);
});

type Outputs = MessageInitShape<typeof StreamOutputsResponseSchema>;
const selected: Outputs = { frame: { case: "opened", value: { selected: 2 } } };
const joined = (member: number, processId: string, run: number, startOffset = 0): Outputs => ({
  frame: {
    case: "memberOpened",
    value: { member, processId, processName: `name-${processId.slice(0, 1)}`, run, startOffset: BigInt(startOffset) },
  },
});
const said = (member: number, offset: number, text: string): Outputs => ({
  frame: {
    case: "chunk",
    value: { member, chunk: { stream: 1, offset: BigInt(offset), time, data: Buffer.from(text) } },
  },
});
const over = (member: number, finalOffset: number, reason: OutputEndReason = OutputEndReason.COMPLETE): Outputs => ({
  frame: { case: "memberEnd", value: { member, end: { finalOffset: BigInt(finalOffset), reason } } },
});

function outputsSummary(frame: OutputsFrame): string {
  switch (frame.type) {
    case "opened":
      return `opened ${frame.selected}`;
    case "memberOpened":
      return `${frame.member.processName} ${frame.member.run} opened @${frame.startOffset}`;
    case "chunk":
      return `${frame.member.processName} ${frame.member.run} ${frame.offset} ${Buffer.from(frame.data)}`;
    case "gap":
      return `${frame.member.processName} gap ${frame.from}-${frame.to}`;
    case "memberEnd":
      return `${frame.member.processName} ${frame.member.run} ended @${frame.finalOffset}`;
    case "heartbeat":
      return "heartbeat";
  }
}

test("the output of many resumes with a cursor for each run, whatever numbers they have then", async () => {
  const requests: string[][] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutputs({ filter, cursors, follow, untilIdle }, { signal }) {
        expect([filter?.labelSelector, follow, untilIdle]).toEqual(["x=y", true, true]);
        requests.push(cursors.map(({ processId, run, nextOffset }) => `${processId.slice(0, 1)}${run}@${nextOffset}`));
        yield selected;
        switch (requests.length) {
          case 1:
            yield joined(1, a, 1);
            yield joined(2, b, 1, 10);
            yield said(1, 0, "one");
            yield said(2, 10, "two");
            yield over(1, 3);
            return lose(daemon, signal);
          case 2: // Other numbers, and the ended one is ended again.
            yield joined(1, b, 1, 13);
            yield joined(2, a, 1, 3);
            yield over(2, 3);
            yield { frame: { case: "gap", value: { member: 1, gap: { fromOffset: 13n, toOffset: 20n } } } };
            yield joined(3, a, 2);
            yield said(3, 0, "again");
            yield {
              frame: { case: "heartbeat", value: { cursors: [{ processId: b, run: 1, nextOffset: 25n }] } },
            };
            return lose(daemon, signal);
          default:
            yield joined(1, a, 2, 5);
            yield joined(2, b, 1, 25);
            yield said(2, 25, "end");
            yield over(2, 28, OutputEndReason.REMOVED);
            yield over(1, 5);
        }
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const stream = pm.processes.outputs({ selector: "x=y" }, { follow: true, untilIdle: true });
  expect(await Array.fromAsync(stream, outputsSummary)).toEqual([
    "opened 2",
    "name-a 1 opened @0",
    "name-b 1 opened @10",
    "name-a 1 0 one",
    "name-b 1 10 two",
    "name-a 1 ended @3",
    "name-b gap 13-20",
    "name-a 2 opened @0",
    "name-a 2 0 again",
    "heartbeat",
    "name-b 1 25 end",
    "name-b 1 ended @28",
    "name-a 2 ended @5",
  ]);
  // The first run of a is over and followed by another: it cannot come again.
  expect(requests.map((cursors) => cursors.sort())).toEqual([[], ["a1@3", "b1@13"], ["a2@5", "b1@25"]]);
  expect(stream.cursors()).toEqual([{ processId: a, run: 2, nextOffset: 5 }]);
});

test("the output of many goes on from the cursors of an earlier stream, and never twice", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutputs({ cursors }) {
        yield selected;
        yield joined(1, a, 1, Number(cursors[0]?.nextOffset));
        yield said(1, 3, "four");
        yield said(1, 3, "four");
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const stream = pm.processes.outputs(undefined, { cursors: [{ processId: a, run: 1, nextOffset: 3 }] });
  expect((await take(stream, 3)).map(outputsSummary)).toEqual(["opened 2", "name-a 1 opened @3", "name-a 1 3 four"]);
  const again = pm.processes.outputs(undefined, { cursors: [{ processId: a, run: 1, nextOffset: 3 }] });
  expect((await failure(Array.fromAsync(again))).reason).toBe("PROTOCOL");
});

type Frame = MessageInitShape<typeof StreamOutputResponseSchema>;
const held = (holdToken: string, startOffset = 0, limitBytes = 4096n): Frame => ({
  frame: {
    case: "opened",
    value: { processId: a, run: 1, startOffset: BigInt(startOffset), output: { limitBytes, held: true }, holdToken },
  },
});
const bytes = (offset: number, length: number): Frame => ({
  frame: { case: "chunk", value: { stream: 1, offset: BigInt(offset), time, data: Buffer.alloc(length, "x") } },
});

test("a stream that holds acknowledges what was taken, resumes its hold, and ends it when it is left", async () => {
  const acknowledged: string[] = [];
  const tokens: string[] = [];
  const heard = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ hold, holdToken, start }, { signal }) {
        expect(hold).toBe(true);
        tokens.push(holdToken);
        const offset = start?.position.case === "offset" ? Number(start.position.value) : 0;
        yield held("token", offset);
        yield bytes(offset, 1024);
        if (tokens.length === 1) {
          // What the consumer has taken is acknowledged though it is no quarter of the limit.
          yield bytes(1024, 10);
          await heard.promise;
          return lose(daemon, signal);
        }
        yield bytes(offset + 1024, 5);
        await aborted(signal);
      },
      acknowledgeOutput: ({ processId, run, holdToken, nextOffset, release }) => {
        acknowledged.push(`${processId === a} ${run} ${holdToken} ${nextOffset}${release ? " release" : ""}`);
        if (nextOffset === 1034n) {
          heard.resolve();
        }
        if (release) {
          released.resolve();
        }
        return {};
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  let length = 0;
  for await (const data of pm.processes.stream(a, { follow: true, hold: true }).bytes()) {
    length += data.length;
    if (length === 1034 + 1024 + 5) {
      break;
    }
  }
  await released.promise;
  expect(tokens).toEqual(["", "token"]);
  expect(acknowledged).toContain("true 1 token 1024");
  expect(acknowledged).toContain("true 1 token 1034");
  // What is in the hands of a consumer that leaves is taken as far as it came back for more.
  expect(acknowledged.at(-1)).toBe("true 1 token 2058 release");
});

test("a hold that ended meanwhile is taken anew", async () => {
  const tokens: string[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *streamOutput({ holdToken, start }, { signal }) {
        tokens.push(holdToken);
        switch (tokens.length) {
          case 1:
            yield held("first");
            yield bytes(0, 10);
            return lose(daemon, signal);
          case 2:
            throw contractError(Code.FailedPrecondition, "HOLD_REFUSED", { id: a, run: "1" });
          default:
            expect(start?.position.value).toBe(10n);
            yield held("second", 10);
            yield { frame: { case: "gap", value: { fromOffset: 10n, toOffset: 30n } } };
            yield { frame: { case: "end", value: { finalOffset: 30n, reason: 1 } } };
        }
      },
      acknowledgeOutput: () => ({}),
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const frames = await Array.fromAsync(pm.processes.stream(a, { follow: true, hold: true }), ({ type }) => type);
  expect(frames).toEqual(["opened", "chunk", "gap", "end"]);
  expect(tokens).toEqual(["", "first", ""]);
});

test("a hold that is refused is an error", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      // biome-ignore lint/correctness/useYield: refuses before the first frame
      async *streamOutput() {
        throw contractError(Code.FailedPrecondition, "HOLD_REFUSED", { id: a, run: "1" });
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const stream = pm.processes.stream(a, { follow: true, hold: true });
  expect((await failure(Array.fromAsync(stream))).reason).toBe("HOLD_REFUSED");
});

import { createHash } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { ProcessService, type StreamOutputResponse } from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { OutputChunk, OutputFrame, OutputsFrame } from "../../src/server/engine/api/index.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { clientOf, type Protocol, serve } from "../listen/serve.ts";
import { dependenciesOn } from "./fake-engine.ts";

const output = {
  firstOffset: 0,
  nextOffset: 0,
  complete: false,
  stdoutBytes: 0,
  stderrBytes: 0,
  limitBytes: 4096,
  held: false,
};

/** Sizes around what a buffer, a window and a message hold; some with room before them, as a ring gives it. */
const sizes = [1, 3, 127, 128, 16_383, 16_384, 65_536, 262_144, 5, 300_000];
const chunks: OutputChunk[] = [];
for (const [index, size] of sizes.entries()) {
  const headroom = index % 2 === 0 ? 64 : 0;
  const last = chunks.at(-1);
  chunks.push({
    stream: index % 3 === 0 ? "stderr" : "stdout",
    offset: (last?.offset ?? 0) + (last?.data.length ?? 0),
    timeMicros: 1_700_000_000_123_000 + index,
    data: Buffer.alloc(headroom + size, index + 1).subarray(headroom),
    headroom,
  });
}
const id = "0189f7a2-0000-4000-8000-000000000000";
const total = sizes.reduce((sum, size) => sum + size, 0);

async function* frames(): AsyncGenerator<OutputFrame, void, undefined> {
  yield { kind: "opened", processId: id, run: 1, startOffset: 0, output, holdToken: "", more: true };
  // Some of them together.
  for (const [index, chunk] of chunks.entries()) yield { kind: "chunk", chunk, more: index % 4 < 2 };
  yield { kind: "gap", gap: { from: total, to: total + 7 } };
  yield { kind: "heartbeat", nextOffset: total + 7 };
}

async function* memberFrames(): AsyncGenerator<OutputsFrame, void, undefined> {
  yield { kind: "opened", selected: 1 };
  for (const chunk of chunks) yield { kind: "chunk", member: 300, chunk };
  yield { kind: "heartbeat", cursors: [] };
  throw new EngineError("SHUTTING_DOWN", "over");
}

async function served() {
  const engine = {
    async *streamOutput() {
      yield* frames();
      yield { kind: "end", finalOffset: total + 7, reason: "complete", exit: null, nextRun: null } as const;
    },
    streamOutputs: memberFrames,
  };
  return await serve((log) => daemonRoutes(dependenciesOn(engine, log)));
}

function sumOf(data: string): string {
  return createHash("sha256").update(data, "latin1").digest("hex");
}

/** The same whatever the messages were cut into. */
function summary(responses: readonly StreamOutputResponse[]) {
  let data = "";
  const kinds: string[] = [];
  for (const { frame } of responses) {
    if (frame.case !== kinds.at(-1)) kinds.push(String(frame.case));
    if (frame.case !== "chunk") continue;
    expect(Number(frame.value.offset)).toBe(data.length);
    expect(frame.value.data.length).toBeLessThanOrEqual(262_144);
    data += Buffer.from(frame.value.data).toString("latin1");
  }
  return { sum: sumOf(data), kinds };
}

const expected = {
  sum: sumOf(Buffer.concat(chunks.map((chunk) => chunk.data)).toString("latin1")),
  kinds: ["opened", "chunk", "gap", "heartbeat", "end"],
};

async function all<T>(responses: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const response of responses) got.push(response);
  return got;
}

test.each<[Protocol, "1.1" | "2"]>([
  ["connect", "2"],
  ["connect", "1.1"],
  ["grpc", "2"],
  ["grpcWeb", "2"],
  ["grpcWeb", "1.1"],
])("output encoded once is what a stock client reads: %s over HTTP/%s", async (protocol, version) => {
  const { path } = await served();
  const client = clientOf(ProcessService, path, protocol, version);
  const request = { process: { ref: { case: "id", value: id } } } as const;
  // Two followers of the same chunks, at the same time.
  const both = await Promise.all([all(client.streamOutput(request)), all(client.streamOutput(request))]);
  for (const responses of both) expect(summary(responses)).toEqual(expected);

  const members: StreamOutputResponse[] = [];
  const reading = (async () => {
    for await (const { frame } of client.streamOutputs({})) {
      if (frame.case !== "chunk") continue;
      expect(frame.value.member).toBe(300);
      if (frame.value.chunk !== undefined) {
        members.push({ frame: { case: "chunk", value: frame.value.chunk } } as StreamOutputResponse);
      }
    }
  })();
  // An error that comes after encoded frames is told as ever.
  await expect(reading).rejects.toThrow("over");
  expect(summary(members).sum).toBe(expected.sum);
});

test("as JSON the messages are encoded as ever", async () => {
  const { path } = await served();
  const transport = createConnectTransport({
    httpVersion: "1.1",
    baseUrl: "http://localhost",
    nodeOptions: { socketPath: path },
    useBinaryFormat: false,
  });
  const client = createClient(ProcessService, transport);
  const responses = await all(client.streamOutput({ process: { ref: { case: "id", value: id } } }));
  expect(summary(responses)).toEqual(expected);
});

test("what was to be sent with something that failed is sent before the failure", async () => {
  const engine = {
    async *streamOutput() {
      yield* together();
      throw new EngineError("SHUTTING_DOWN", "over");
    },
  };
  const { path } = await serve((log) => daemonRoutes(dependenciesOn(engine, log)));
  const client = clientOf(ProcessService, path, "connect", "1.1");
  const kinds: (string | undefined)[] = [];
  const reading = (async () => {
    for await (const { frame } of client.streamOutput({ process: { ref: { case: "id", value: id } } })) {
      kinds.push(frame.case);
    }
  })();
  await expect(reading).rejects.toThrow("over");
  expect(kinds).toEqual(["opened", "chunk", "chunk"]);
});

/** All of which announce another one. */
async function* together(): AsyncGenerator<OutputFrame, void, undefined> {
  yield { kind: "opened", processId: id, run: 1, startOffset: 0, output, holdToken: "", more: true };
  for (const chunk of chunks.slice(0, 2)) yield { kind: "chunk", chunk, more: true };
}

/** What the SDK asks for and what it makes of answers, against the protobuf runtime's own reading of the JSON. */
import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProcessSchema } from "../../../gen/ts/pm/v1/process_pb.ts";
import {
  ListProcessesRequestSchema,
  StartProcessRequestSchema,
  StopProcessRequestSchema,
  StreamOutputRequestSchema,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { PmError, toContractJson } from "../../../src/sdk/index.ts";
import { processFromJson } from "../../../src/sdk/json/process.ts";
import { filterToJson, outputToJson, startToJson, stopToJson } from "../../../src/sdk/json/requests.ts";
import { dateFromJson, durationToJson, millisecondsFromJson } from "../../../src/sdk/json/scalars.ts";

const process = create(ProcessSchema, {
  id: "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10",
  spec: {
    executable: "/bin/sh",
    args: ["-c", "exit 0", ""],
    env: { A: "1", B: "=\n" },
    envMode: 2,
    cwd: "/srv",
    name: "api",
    labels: { tier: "web" },
    outputLimitBytes: 2n ** 53n - 1n,
    stdin: 2,
    terminal: { rows: 24, columns: 80 },
    limits: {
      rlimits: [
        { resource: "nofile", soft: 2n ** 64n - 1n },
        { resource: "core", soft: 0n, hard: 0n },
      ],
      memoryBytes: 0n,
      cpuMillis: 1500,
    },
    stop: { signal: "SIGINT", gracePeriod: { seconds: 1n, nanos: 500_000_000 } },
  },
  state: 4,
  run: 3,
  createTime: { seconds: 1_700_000_000n, nanos: 123_456_789 },
  startTime: { seconds: 1_700_000_001n },
  exitTime: { seconds: 1_700_000_002n, nanos: 1_000_000 },
  exit: {
    result: { case: "code", value: 0 },
    usage: { userTime: { nanos: 12_345_000 }, systemTime: { seconds: 2n }, maxResidentBytes: 4096n },
  },
  output: { firstOffset: 10n, nextOffset: 20n, complete: true, stdoutBytes: 15n, stderrBytes: 5n, limitBytes: 4096n },
  resourceVersion: "v7",
});

test("a process with everything in it", () => {
  const json = toJson(ProcessSchema, process);
  const info = processFromJson(json);
  expect(info).toEqual({
    id: "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10",
    spec: {
      executable: "/bin/sh",
      args: ["-c", "exit 0", ""],
      env: { A: "1", B: "=\n" },
      envMode: "replace",
      cwd: "/srv",
      name: "api",
      labels: { tier: "web" },
      outputLimitBytes: Number.MAX_SAFE_INTEGER,
      stdin: "pipe",
      terminal: { rows: 24, columns: 80 },
      limits: {
        rlimits: [
          { resource: "nofile", soft: 2n ** 64n - 1n },
          { resource: "core", soft: 0n, hard: 0n },
        ],
        memoryBytes: 0,
        cpuMillis: 1500,
      },
      stop: { signal: "SIGINT", graceMs: 1500 },
    },
    state: "exited",
    run: 3,
    createTime: new Date("2023-11-14T22:13:20.123Z"),
    startTime: new Date("2023-11-14T22:13:21Z"),
    exitTime: new Date("2023-11-14T22:13:22.001Z"),
    exit: {
      code: 0,
      signalName: "",
      coreDumped: false,
      oomKilled: false,
      usage: { userMs: 12.345, systemMs: 2000, maxResidentBytes: 4096 },
    },
    output: {
      firstOffset: 10,
      nextOffset: 20,
      complete: true,
      stdoutBytes: 15,
      stderrBytes: 5,
      limitBytes: 4096,
    },
    treeAlive: false,
    resourceVersion: "v7",
  });
  expect(toContractJson(info)).toBe(json);
  expect(() => toContractJson({ ...info })).toThrow(TypeError);
});

test("a process that failed to start, with nothing but what must be there", () => {
  const info = processFromJson({
    id: "x",
    state: "PROCESS_STATE_FAILED",
    run: 1,
    createTime: "2023-11-14T22:13:20Z",
    failure: { step: "START_STEP_EXEC", errno: 2, errnoName: "ENOENT", message: "No such file or directory" },
  });
  expect(info.failure).toEqual({
    step: "exec",
    errno: 2,
    errnoName: "ENOENT",
    message: "No such file or directory",
    path: "",
  });
  expect(info.spec).toMatchObject({ args: [], envMode: "extend", stdin: "null", stop: { signal: "SIGTERM" } });
  expect(info).not.toHaveProperty("exit");
  expect(info).not.toHaveProperty("pid");
});

test.each([
  [undefined],
  [{}],
  [{ id: "x", state: "PROCESS_STATE_RUNNING" }],
  [{ id: "x", createTime: "2023-11-14T22:13:20Z" }],
  [{ id: "x", state: "PROCESS_STATE_RUNNING", createTime: "yesterday" }],
])("what is no process is a PROTOCOL error: %j", (json) => {
  let error: unknown;
  try {
    processFromJson(json as Parameters<typeof processFromJson>[0]);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PmError);
  expect(error).toMatchObject({ reason: "PROTOCOL" });
});

test("a start as the protobuf runtime reads it", () => {
  const json = startToJson("the-id", {
    executable: "sh",
    args: ["-c", ":"],
    env: { A: "" },
    envMode: "replace",
    cwd: "/",
    name: "n",
    labels: { k: "v" },
    outputLimitBytes: 8192,
    stdin: "pipe",
    terminal: { rows: 1, columns: 2 },
    limits: { rlimits: [{ resource: "core", soft: 0n }], memoryBytes: 1, cpuMillis: 2, processes: 3 },
    stop: { signal: "HUP", graceMs: 0 },
  });
  expect(toJson(StartProcessRequestSchema, fromJson(StartProcessRequestSchema, json as JsonValue))).toEqual({
    id: "the-id",
    spec: {
      executable: "sh",
      args: ["-c", ":"],
      env: { A: "" },
      envMode: "ENV_MODE_REPLACE",
      cwd: "/",
      name: "n",
      labels: { k: "v" },
      outputLimitBytes: "8192",
      stdin: "STDIN_MODE_PIPE",
      terminal: { rows: 1, columns: 2 },
      limits: { rlimits: [{ resource: "core", soft: "0" }], memoryBytes: "1", cpuMillis: 2, processes: 3 },
      stop: { signal: "HUP", gracePeriod: "0s" },
    },
  });
  expect(startToJson("", { executable: "true" })).toEqual({ id: "", spec: { executable: "true" } });
});

test("other requests as the protobuf runtime reads them", () => {
  const stop = fromJson(StopProcessRequestSchema, stopToJson("x", { graceMs: 1.5, force: true, stopSignal: "INT" }));
  expect(stop).toMatchObject({ id: "x", signal: "INT", force: true, gracePeriod: { seconds: 0n, nanos: 1_500_000 } });
  const list = fromJson(ListProcessesRequestSchema, filterToJson({ selector: "a", states: ["lost"], ids: ["i"] }));
  expect(list.filter).toMatchObject({ labelSelector: "a", states: [6], ids: ["i"] });
  const since = new Date("2024-01-02T03:04:05.678Z");
  const output = fromJson(
    StreamOutputRequestSchema,
    outputToJson("x", { run: 2, start: { since }, streams: ["stderr", "tty"] }),
  );
  expect(output).toMatchObject({ run: 2, streams: [2, 3] });
  expect(output.start?.position).toMatchObject({ case: "since", value: { seconds: 1704164645n, nanos: 678_000_000 } });
  // Two starts are for the daemon to refuse, not for the SDK to choose from.
  const both = outputToJson("x", { start: { offset: 1, tailLines: 2 } });
  expect(() => fromJson(StreamOutputRequestSchema, both)).toThrow("position");
});

test("durations and times", () => {
  expect(durationToJson(0)).toBe("0.000000s");
  expect(durationToJson(1)).toBe("0.001000s");
  expect(durationToJson(86_400_000)).toBe("86400.000000s");
  expect(millisecondsFromJson("1.001s")).toBe(1001);
  expect(millisecondsFromJson("0.000012345s")).toBe(0.012);
  expect(millisecondsFromJson("-3s")).toBe(-3000);
  for (const wrong of ["", "1", "1m", "s", "1e3s", "1.s", " 1s"]) {
    expect(() => millisecondsFromJson(wrong)).toThrow(PmError);
  }
  expect(dateFromJson("2023-11-14T22:13:20.123456789Z").getTime()).toBe(1_700_000_000_123);
  expect(dateFromJson("1970-01-01T00:00:00Z").getTime()).toBe(0);
});

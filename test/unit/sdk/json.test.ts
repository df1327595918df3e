/** What the SDK asks for and what it makes of responses, against the protobuf runtime's own reading of the JSON. */
import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProcessSchema } from "../../../gen/ts/pm/v1/process_pb.ts";
import {
  ListProcessesRequestSchema,
  StartProcessRequestSchema,
  StopProcessRequestSchema,
  StreamOutputRequestSchema,
  UpdateProcessRequestSchema,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { PmError, toContractJson } from "../../../src/sdk/index.ts";
import { processFromJson } from "../../../src/sdk/json/process.ts";
import {
  filterToJson,
  outputToJson,
  refToJson,
  selectionToJson,
  startToJson,
  stopOptionsToJson,
  updateToJson,
} from "../../../src/sdk/json/requests.ts";
import { dateFromJson, durationToJson, millisecondsFromJson } from "../../../src/sdk/json/scalars.ts";

const uuid = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";

const process = create(ProcessSchema, {
  id: uuid,
  name: "api",
  labels: { tier: "web" },
  spec: {
    executable: "/bin/sh",
    argsBytes: [Buffer.from("-c"), Buffer.from("caf\xe9", "latin1")],
    env: { A: "1", B: "=\n" },
    envBytes: [{ name: Buffer.from("C"), value: Buffer.from([0xff]) }],
    envMode: 2,
    cwd: "/srv",
    output: { limitBytes: 2n ** 53n - 1n, whenFull: 2 },
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
    umask: 0,
    nice: -5,
  },
  state: 4,
  desiredState: 2,
  sequence: 12n,
  createTime: { seconds: 1_700_000_000n, nanos: 123_456_789 },
  resourceVersion: "v7",
  lastChange: {
    sequence: 99n,
    time: { seconds: 1_700_000_002n },
    run: 3,
    from: 3,
    to: 4,
    cause: { kind: 1, principal: "local", requestId: "r1" },
  },
  run: {
    number: 3,
    state: 4,
    cause: { kind: 3, detail: "exit code 1" },
    createTime: { seconds: 1_700_000_000n },
    startTime: { seconds: 1_700_000_001n },
    exitTime: { seconds: 1_700_000_002n, nanos: 1_000_000 },
    exit: {
      result: { case: "code", value: 0 },
      oomKilled: false,
      usage: { userTime: { nanos: 12_345_000 }, systemTime: { seconds: 2n }, maxResidentBytes: 4096n },
    },
    output: { firstOffset: 10n, nextOffset: 20n, complete: true, stdoutBytes: 15n, stderrBytes: 5n, limitBytes: 4096n },
    effective: {
      cwd: "/srv",
      outputLimitBytes: 4096n,
      stopSignal: "SIGINT",
      stopGracePeriod: { seconds: 1n },
      nice: -5,
    },
    stop: {
      cause: { kind: 1, principal: "local" },
      signal: "SIGINT",
      gracePeriod: { seconds: 1n },
      force: true,
      requestTime: { seconds: 1_700_000_001n },
      signalTime: { seconds: 1_700_000_001n },
      endTime: { seconds: 1_700_000_002n },
      outcome: 3,
      survivors: [{ pid: 7, command: "[x]", state: "sleeping" }],
    },
  },
});

test("a process with everything in it", () => {
  const json = toJson(ProcessSchema, process);
  const info = processFromJson(json);
  expect(info).toEqual({
    id: uuid,
    name: "api",
    labels: { tier: "web" },
    spec: {
      executable: "/bin/sh",
      args: ["-c", new Uint8Array([0x63, 0x61, 0x66, 0xe9])],
      env: { A: "1", B: "=\n" },
      envBytes: [{ name: new Uint8Array([0x43]), value: new Uint8Array([0xff]) }],
      envMode: "replace",
      cwd: "/srv",
      output: { limitBytes: Number.MAX_SAFE_INTEGER, whenFull: "allowHold" },
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
      umask: 0,
      nice: -5,
    },
    state: "exited",
    desiredState: "stopped",
    sequence: 12,
    createTime: new Date("2023-11-14T22:13:20.123Z"),
    resourceVersion: "v7",
    lastChange: {
      sequence: 99,
      time: new Date("2023-11-14T22:13:22Z"),
      run: 3,
      from: "stopping",
      to: "exited",
      cause: { kind: "request", principal: "local", requestId: "r1" },
    },
    run: {
      number: 3,
      state: "exited",
      cause: { kind: "restartPolicy", detail: "exit code 1" },
      createTime: new Date("2023-11-14T22:13:20Z"),
      startTime: new Date("2023-11-14T22:13:21Z"),
      exitTime: new Date("2023-11-14T22:13:22.001Z"),
      exit: {
        code: 0,
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
        held: false,
      },
      treeAlive: false,
      suspended: false,
      effective: {
        cwd: "/srv",
        outputLimitBytes: 4096,
        stopSignal: "SIGINT",
        stopGraceMs: 1000,
        umask: 0,
        nice: -5,
        oomScoreAdj: 0,
      },
      survivors: [],
      stop: {
        cause: { kind: "request", principal: "local" },
        signal: "SIGINT",
        graceMs: 1000,
        force: true,
        requestTime: new Date("2023-11-14T22:13:21Z"),
        signalTime: new Date("2023-11-14T22:13:21Z"),
        endTime: new Date("2023-11-14T22:13:22Z"),
        outcome: "survived",
        survivors: [{ pid: 7, command: "[x]", state: "sleeping" }],
      },
    },
  });
  expect(toContractJson(info)).toBe(json);
  expect(() => toContractJson({ ...info })).toThrow(TypeError);
});

test("a process that failed to start, with nothing but what must be there", () => {
  const info = processFromJson({
    id: "x",
    state: "PROCESS_STATE_FAILED",
    desiredState: "DESIRED_STATE_STOPPED",
    createTime: "2023-11-14T22:13:20Z",
    run: {
      number: 1,
      state: "RUN_STATE_FAILED",
      createTime: "2023-11-14T22:13:20Z",
      cause: { kind: "CAUSE_KIND_FROM_THE_FUTURE" as never },
      failure: { step: "START_STEP_EXEC", errno: 2, errnoName: "ENOENT", message: "No such file or directory" },
    },
  });
  expect(info.run?.failure).toEqual({
    step: "exec",
    errno: 2,
    errnoName: "ENOENT",
    message: "No such file or directory",
  });
  expect(info.spec).toEqual({
    executable: "",
    args: [],
    env: {},
    envBytes: [],
    envMode: "extend",
    output: { whenFull: "dropOldest" },
    stdin: "null",
    limits: {},
    stop: {},
  });
  expect(info.run?.cause).toEqual({ kind: "unknown" });
  for (const absent of ["name", "lastChange"]) {
    expect(info).not.toHaveProperty(absent);
  }
  for (const absent of ["exit", "pid", "startTime", "exitTime", "effective", "stop"]) {
    expect(info.run).not.toHaveProperty(absent);
  }
});

test("a process that waits for its first run has none", () => {
  const info = processFromJson({
    id: "x",
    state: "PROCESS_STATE_WAITING",
    desiredState: "DESIRED_STATE_RUNNING",
    createTime: "2023-11-14T22:13:20Z",
  });
  expect(info.state).toBe("waiting");
  expect(info).not.toHaveProperty("run");
});

test.each([
  [undefined],
  [{}],
  [{ id: "x", state: "PROCESS_STATE_RUNNING", desiredState: "DESIRED_STATE_RUNNING" }],
  [{ id: "x", createTime: "2023-11-14T22:13:20Z" }],
  [{ id: "x", state: "PROCESS_STATE_RUNNING", desiredState: "DESIRED_STATE_RUNNING", createTime: "yesterday" }],
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
    executable: Buffer.from("sh"),
    args: ["-c", Buffer.from(":")],
    env: { A: "", B: Buffer.from("b") },
    envMode: "replace",
    cwd: "/",
    name: "n",
    labels: { k: "v" },
    output: { limitBytes: 8192, whenFull: "allowHold" },
    stdin: "pipe",
    terminal: { rows: 1, columns: 2 },
    limits: { rlimits: [{ resource: "core", soft: 0n }], memoryBytes: 1, cpuMillis: 2, processes: 3 },
    stop: { signal: 15, graceMs: 0 },
    umask: 0,
    nice: -1,
    oomScoreAdj: 0,
  });
  expect(toJson(StartProcessRequestSchema, fromJson(StartProcessRequestSchema, json as JsonValue))).toEqual({
    id: "the-id",
    name: "n",
    labels: { k: "v" },
    spec: {
      executable: "sh",
      args: ["-c", ":"],
      env: { A: "", B: "b" },
      envMode: "ENV_MODE_REPLACE",
      cwd: "/",
      output: { limitBytes: "8192", whenFull: "OUTPUT_FULL_MODE_ALLOW_HOLD" },
      stdin: "STDIN_MODE_PIPE",
      terminal: { rows: 1, columns: 2 },
      limits: { rlimits: [{ resource: "core", soft: "0" }], memoryBytes: "1", cpuMillis: 2, processes: 3 },
      stop: { signal: "15", gracePeriod: "0s" },
      umask: 0,
      nice: -1,
      oomScoreAdj: 0,
    },
  });
  expect(startToJson("", { executable: "true" })).toEqual({ id: "", spec: { executable: "true" } });
});

test("bytes that are no UTF-8 travel in fields of their own", () => {
  const bytes = new Uint8Array([0x63, 0xe9]);
  const { spec } = fromJson(
    StartProcessRequestSchema,
    startToJson("", {
      executable: bytes,
      args: ["text", bytes],
      env: new Map<string | Uint8Array, string | Uint8Array>([
        ["A", "1"],
        ["B", bytes],
        [bytes, "2"],
        ["__proto__", "3"],
      ]),
      cwd: bytes,
    }) as JsonValue,
  );
  expect(spec).toMatchObject({ executable: "", args: [], cwd: "" });
  expect(Buffer.from(spec?.executableBytes ?? [])).toEqual(Buffer.from(bytes));
  expect(spec?.argsBytes.map((arg) => Buffer.from(arg).toString("latin1"))).toEqual(["text", "c\xe9"]);
  expect(Buffer.from(spec?.cwdBytes ?? [])).toEqual(Buffer.from(bytes));
  expect(Object.entries(spec?.env ?? {})).toEqual([
    ["A", "1"],
    ["__proto__", "3"],
  ]);
  expect(
    spec?.envBytes.map(({ name, value }) => [name, value].map((part) => Buffer.from(part).toString("latin1"))),
  ).toEqual([
    ["B", "c\xe9"],
    ["c\xe9", "2"],
  ]);
  expect(() => startToJson("", { executable: "\ud800" })).toThrow("executable");
});

test("other requests as the protobuf runtime reads them", () => {
  expect(refToJson(uuid)).toEqual({ id: uuid });
  expect(refToJson(uuid.slice(0, 8))).toEqual({ name: uuid.slice(0, 8) });
  const stop = fromJson(StopProcessRequestSchema, stopOptionsToJson({ graceMs: 1.5, force: true, stopSignal: 2 }));
  expect(stop.options).toMatchObject({ signal: "2", force: true, gracePeriod: { seconds: 0n, nanos: 1_500_000 } });
  expect(stopOptionsToJson({})).toEqual({});
  const since = new Date("2024-01-02T03:04:05.678Z");
  const list = fromJson(
    ListProcessesRequestSchema,
    filterToJson({
      selector: "a",
      states: ["lost", "givenUp"],
      ids: ["i"],
      idPrefixes: ["abcd"],
      names: ["n"],
      namePatterns: ["n*"],
      createdAfter: since,
      endedBefore: since,
      living: false,
    }),
  );
  expect(list.filter).toMatchObject({
    labelSelector: "a",
    states: [6, 8],
    ids: ["i"],
    idPrefixes: ["abcd"],
    names: ["n"],
    namePatterns: ["n*"],
    createdAfter: { seconds: 1704164645n },
    endedBefore: { seconds: 1704164645n },
    living: false,
  });
  const output = fromJson(
    StreamOutputRequestSchema,
    outputToJson("x", { run: 2, start: { since, tailLines: 3 }, streams: ["stderr", "tty"], until: since }),
  );
  expect(output).toMatchObject({ run: 2, streams: [2, 3], until: { nanos: 678_000_000 } });
  expect(output.start).toMatchObject({ position: { case: "tailLines", value: 3n }, since: { seconds: 1704164645n } });
  // Two places are for the daemon to refuse, not for the SDK to choose from.
  const both = outputToJson("x", { start: { offset: 1, tailLines: 2 } });
  expect(() => fromJson(StreamOutputRequestSchema, both)).toThrow("position");
});

test("an update names what it changes, and both forms of what has two", () => {
  const request = fromJson(
    UpdateProcessRequestSchema,
    updateToJson({ name: null, labels: {}, spec: { args: ["x"], cwd: null, nice: 5 } }) as JsonValue,
  );
  expect(request.updateMask?.paths).toEqual([
    "name",
    "labels",
    "spec.args",
    "spec.args_bytes",
    "spec.cwd",
    "spec.cwd_bytes",
    "spec.nice",
  ]);
  expect(request).toMatchObject({ name: "", labels: {}, spec: { args: ["x"], cwd: "", nice: 5 } });
});

test("a word that there is not is refused instead of widening the request", () => {
  expect(() => filterToJson({ states: ["sleeping" as never] })).toThrow(/filter\.states.*sleeping/);
  expect(() => filterToJson({ createdAfter: new Date("x") })).toThrow("filter.createdAfter");
  expect(() => startToJson("", { executable: "x", stdin: "pip" as never })).toThrow("stdin");
  expect(() => startToJson("", { executable: "x", output: { limitBytes: 1.5 } })).toThrow("output.limitBytes");
  expect(selectionToJson({})).toEqual({ filter: {} });
  expect(selectionToJson({ all: true })).toEqual({ all: true });
  const both = { all: true as const, selector: "a=b" };
  expect(selectionToJson(both)).toEqual({ all: true, filter: { labelSelector: "a=b" } });
});

test("durations and times", () => {
  expect(durationToJson(0, "x")).toBe("0.000000s");
  expect(durationToJson(1, "x")).toBe("0.001000s");
  expect(durationToJson(86_400_000, "x")).toBe("86400.000000s");
  expect(millisecondsFromJson("1.001s")).toBe(1001);
  expect(millisecondsFromJson("0.000012345s")).toBe(0.012);
  expect(millisecondsFromJson("-3s")).toBe(-3000);
  expect(() => durationToJson(Number.NaN, "graceMs")).toThrow("graceMs");
  for (const wrong of ["", "1", "1m", "s", "1e3s", "1.s", " 1s"]) {
    expect(() => millisecondsFromJson(wrong)).toThrow(PmError);
  }
  expect(dateFromJson("2023-11-14T22:13:20.123456789Z").getTime()).toBe(1_700_000_000_123);
  expect(dateFromJson("1970-01-01T00:00:00Z").getTime()).toBe(0);
});

import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord, type ProcessRecord } from "../../../../src/server/engine/process/record.ts";

const bytes = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
const cause = { kind: "request", principal: "alice", requestId: "r-1", detail: "why" } as const;
const effective = {
  cwd: "/",
  outputLimitBytes: 4096,
  stopSignal: "SIGTERM",
  stopGraceMs: 10_000,
  umask: 0o022,
  nice: -5,
  oomScoreAdj: 0,
};
const spec: ProcessRecord["spec"] = {
  executable: bytes,
  args: ["a", bytes],
  env: [{ name: bytes, value: "1" }],
  envMode: "replace",
  cwd: bytes,
  output: { limitBytes: 4096, whenFull: "allowHold" },
  stdin: "pipe",
  terminal: { rows: 24, columns: 80 },
  limits: {
    rlimits: [{ resource: "nofile", soft: 2n ** 63n, hard: null }],
    memoryBytes: 1,
    cpuMillis: null,
    processes: 2,
  },
  stop: { signal: "SIGINT", graceMs: 5 },
  umask: 0o077,
  nice: -5,
  oomScoreAdj: null,
};
const exit = {
  code: null,
  signal: 9,
  signalName: "SIGKILL",
  coreDumped: false,
  oomKilled: true,
  usage: { userMicros: 1, systemMicros: 2, maxResidentBytes: 3 },
};
const output = {
  firstOffset: 1,
  nextOffset: 2,
  complete: true,
  stdoutBytes: 1,
  stderrBytes: 1,
  limitBytes: 4096,
  held: false,
};
const stop: NonNullable<ProcessRecord["runs"][number]["stop"]> = {
  cause,
  signal: "SIGTERM",
  graceMs: 1,
  force: true,
  requestTime: 1n,
  signalTime: 2n,
  killTime: null,
  endTime: null,
  outcome: "pending",
  survivors: [{ pid: 7, command: "sleep", state: "sleeping" }],
};
const run = {
  number: 2,
  cause,
  createTime: 10n ** 18n,
  sequence: 5,
  effective,
  failure: null,
  oomKilled: null,
  outputDropped: false,
};
const policy = {
  restart: null,
  readiness: null,
  liveness: null,
  dependsOn: [{ process: "db", condition: "ready" }],
  queue: "q",
  maxRunMs: null,
  stopCommand: null,
  hooks: [],
  successCodes: [0, 3],
} as const;
const supervision: ProcessRecord["supervision"] = {
  waiting: { reason: "restart", until: 5, for: [], why: "", cause, since: 1 },
  attempts: { streak: 1, times: [1], restarts: 2 },
  run: 1,
  readiness: null,
  health: null,
  probeMessage: "",
  notifyStatus: "",
  project: "",
  schedule: "",
  stopping: null,
};
const record: ProcessRecord = {
  id: "01234567-89ab-4cde-8f01-23456789abcd",
  name: "web",
  labels: { app: "web" },
  spec: { ...spec, policy },
  createTime: 10n ** 18n,
  sequence: 5,
  desired: "stopped",
  lastChange: { sequence: 6, time: 3n, run: 2, from: null, to: "starting", cause },
  supervision,
  standing: "waiting",
  signaling: { run: 2, seq: 0xffff_fff0, before: 7, cause, intentBootMs: 9, isLost: false },
  intents: [
    {
      kind: "restart",
      run: 2,
      cause,
      signal: "SIGTERM",
      graceMs: 1,
      force: false,
      requestBootMs: 77,
      signaled: true,
      spec,
      keepsDesired: false,
    },
  ],
  runs: [
    { ...run, limits: { memoryBytes: 7, cpuMillis: null, processes: 9 }, end: null, stop, past: null },
    {
      ...run,
      limits: null,
      number: 1,
      failure: { step: 11, errno: 2, errnoName: "ENOENT", message: "No such file or directory", path: "/x" },
      oomKilled: true,
      end: { time: 4n, bootMs: 5 },
      stop: null,
      past: { state: "exited", summary: { startTime: 1n, exitTime: null, exit, output } },
    },
  ],
};

test("a record is read as it was written, bytes and 64-bit numbers too", () => {
  expect(decodeRecord(encodeRecord(record))).toEqual({ kind: "readable", record });
});

/** Every place in a value, as a path of keys. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [
    ...(path.length > 0 ? [path] : []),
    ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key])),
  ];
}

function replaced(text: string, path: readonly string[], by: unknown): string {
  const whole = JSON.parse(text);
  const last = path.at(-1) ?? "";
  const parent = path.slice(0, -1).reduce((value, key) => value[key], whole);
  if (by === undefined) delete parent[last];
  else parent[last] = by;
  return JSON.stringify(whole);
}

describe("a garbled record", () => {
  const text = encodeRecord(record);

  test.each(places(JSON.parse(text)).filter((path) => path[0] !== "version"))(
    "with nonsense in its place for %s %s %s %s %s is refused, or means what it says",
    (...path) => {
      for (const nonsense of [{ never: 1 }, [[]], -1.5, undefined]) {
        const decoded = decodeRecord(replaced(text, path, nonsense));
        expect(["readable", "unreadable"]).toContain(decoded.kind);
        // Whatever is taken is whole: it can be written and read again.
        if (decoded.kind === "readable") {
          expect(decodeRecord(encodeRecord(decoded.record))).toEqual(decoded);
        }
      }
    },
  );

  test.each<[string, string]>([
    ["nothing", ""],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no version", "{}"],
    ["an old version", '{"version":1}'],
    ["no run", replaced(text, ["runs"], [])],
    ["a run out of order", replaced(text, ["runs", "1", "number"], 3)],
    ["another id", replaced(text, ["id"], "../../etc")],
    ["an unknown signal of an intent's kind", replaced(text, ["intents", "0", "kind"], "explode")],
  ])("of %s is unreadable", (_, garbled) => {
    expect(decodeRecord(garbled).kind).toBe("unreadable");
  });

  test("of a newer version is told apart", () => {
    expect(decodeRecord('{"version":3,"anything":true}').kind).toBe("newer");
  });
});

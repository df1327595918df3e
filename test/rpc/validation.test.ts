import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { ProcessSpecSchema } from "../../gen/ts/pm/v1/process_pb.ts";
import type { StopOptions } from "../../src/server/engine/api/control.ts";
import type { ProcessFilter } from "../../src/server/engine/api/list.ts";
import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";
import { clientOn, someProcess } from "./fake-engine.ts";

type Spec = MessageInitShape<typeof ProcessSpecSchema>;

async function failureOf(call: Promise<unknown>): Promise<{ code: Code; reason: string; field: string; text: string }> {
  const error = await call.then(
    () => expect.fail("the call succeeded"),
    (cause: unknown) => ConnectError.from(cause),
  );
  const info = error.findDetails(ErrorInfoSchema)[0];
  return {
    code: error.code,
    reason: info?.reason ?? "",
    field: info?.metadata["field"] ?? "",
    text: error.rawMessage,
  };
}

async function started(spec: Spec): Promise<ProcessSpec> {
  const seen = Promise.withResolvers<ProcessSpec>();
  const { client } = clientOn({
    start: async (request) => {
      seen.resolve(request.spec);
      return { process: someProcess, existing: false };
    },
  });
  await client.startProcess({ spec });
  return seen.promise;
}

const long = "a".repeat(64);

test.each<[string, Spec, string]>([
  ["no executable", {}, "spec.executable"],
  ["a NUL in the executable", { executable: "a\0b" }, "spec.executable"],
  ["an executable of 4096 bytes", { executable: `/${"ä".repeat(2048)}` }, "spec.executable"],
  ["a NUL in an argument", { executable: "x", args: ["ok", "a\0b"] }, "spec.args[1]"],
  ["a relative directory", { executable: "x", cwd: "tmp" }, "spec.cwd"],
  ["a NUL in the directory", { executable: "x", cwd: "/a\0" }, "spec.cwd"],
  ["an empty variable", { executable: "x", env: { "": "v" } }, "spec.env"],
  ["a variable with =", { executable: "x", env: { "a=b": "v" } }, "spec.env"],
  ["a NUL in a variable's value", { executable: "x", env: { A: "hush\0" } }, 'spec.env["A"]'],
  ["a name that begins with a digit", { executable: "x", name: "1a" }, "spec.name"],
  ["a name with a slash", { executable: "x", name: "a/b" }, "spec.name"],
  ["a name with a line feed", { executable: "x", name: "a\n" }, "spec.name"],
  ["a name of 64", { executable: "x", name: long }, "spec.name"],
  ["an empty label", { executable: "x", labels: { "": "v" } }, "spec.labels"],
  ["a label that ends with a dot", { executable: "x", labels: { "a.": "v" } }, "spec.labels"],
  ["a label's value with a slash", { executable: "x", labels: { a: "v/w" } }, "spec.labels[a]"],
  [
    "65 labels",
    { executable: "x", labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])) },
    "spec.labels",
  ],
  ["an output bound of 4095", { executable: "x", outputLimitBytes: 4095n }, "spec.output_limit_bytes"],
  ["no rows", { executable: "x", terminal: { rows: 0, columns: 80 } }, "spec.terminal.rows"],
  ["too many columns", { executable: "x", terminal: { rows: 1, columns: 65_536 } }, "spec.terminal.columns"],
  [
    "an unknown resource",
    { executable: "x", limits: { rlimits: [{ resource: "RLIMIT_AS" }] } },
    "spec.limits.rlimits[0].resource",
  ],
  [
    "a resource twice",
    { executable: "x", limits: { rlimits: [{ resource: "as" }, { resource: "as" }] } },
    "spec.limits.rlimits[1].resource",
  ],
  [
    "soft above hard",
    { executable: "x", limits: { rlimits: [{ resource: "as", soft: 2n, hard: 1n }] } },
    "spec.limits.rlimits[0].soft",
  ],
  ["no memory", { executable: "x", limits: { memoryBytes: 0n } }, "spec.limits.memory_bytes"],
  ["an unknown signal", { executable: "x", stop: { signal: "SIGNOPE" } }, "spec.stop.signal"],
  ["a signal by number", { executable: "x", stop: { signal: "9" } }, "spec.stop.signal"],
  ["SIGRTMIN+31", { executable: "x", stop: { signal: "SIGRTMIN+31" } }, "spec.stop.signal"],
  [
    "a grace period of 25 hours",
    { executable: "x", stop: { gracePeriod: { seconds: 90_000n, nanos: 0 } } },
    "spec.stop.grace_period",
  ],
  [
    "a negative grace period",
    { executable: "x", stop: { gracePeriod: { seconds: -1n, nanos: 0 } } },
    "spec.stop.grace_period",
  ],
  ["an unknown environment mode", { executable: "x", envMode: 7 as 1 }, "spec.env_mode"],
])("a start is refused with %s", async (_name, spec, field) => {
  const { client } = clientOn({});
  const failure = await failureOf(client.startProcess({ spec }));
  expect(failure).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_ARGUMENT", field });
  expect(failure.text).toContain(field);
  expect(failure.text).not.toContain("hush");
});

test("a start without a spec or with an id that is no UUID is refused", async () => {
  const { client } = clientOn({});
  expect(await failureOf(client.startProcess({}))).toMatchObject({ field: "spec" });
  const spec = { executable: "x" };
  expect(await failureOf(client.startProcess({ id: "web", spec }))).toMatchObject({ field: "id" });
});

test("a spec arrives with its defaults", async () => {
  expect(await started({ executable: "true" })).toEqual({
    executable: "true",
    args: [],
    env: {},
    envMode: "extend",
    cwd: "",
    name: "",
    labels: {},
    outputLimitBytes: 0,
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "", graceMs: null },
  });
});

test("a spec arrives as it was sent", async () => {
  const spec = await started({
    executable: "./x",
    args: ["", "ä", "--"],
    env: { A: "", B: "=\n" },
    envMode: 2,
    cwd: "/tmp",
    name: "_a.b-C",
    labels: { "app/tier": "a_b", x: "" },
    outputLimitBytes: 4096n,
    stdin: 2,
    terminal: { rows: 24, columns: 65_535 },
    limits: { rlimits: [{ resource: "nofile", soft: 2n ** 64n - 1n }], memoryBytes: 1n, cpuMillis: 1, processes: 1 },
    stop: { signal: "rtmax-1", gracePeriod: { seconds: 1n, nanos: 1 } },
  });
  expect(spec).toEqual({
    executable: "./x",
    args: ["", "ä", "--"],
    env: { A: "", B: "=\n" },
    envMode: "replace",
    cwd: "/tmp",
    name: "_a.b-C",
    labels: { "app/tier": "a_b", x: "" },
    outputLimitBytes: 4096,
    stdin: "pipe",
    terminal: { rows: 24, columns: 65_535 },
    limits: {
      rlimits: [{ resource: "nofile", soft: 2n ** 64n - 1n, hard: null }],
      memoryBytes: 1,
      cpuMillis: 1,
      processes: 1,
    },
    stop: { signal: "SIGRTMIN+29", graceMs: 1001 },
  });
});

async function filterOf(labelSelector: string): Promise<ProcessFilter> {
  const seen = Promise.withResolvers<ProcessFilter>();
  const { client } = clientOn({
    list: async (filter) => {
      seen.resolve(filter);
      return { processes: [], nextPageToken: "", resourceVersion: "v", totalSize: 0 };
    },
  });
  await client.listProcesses({ filter: { labelSelector } });
  return seen.promise;
}

test("a label selector is parsed", async () => {
  expect((await filterOf("a=b, app/tier!=c ,d,!e,f=")).labels).toEqual([
    { key: "a", op: "equals", value: "b" },
    { key: "app/tier", op: "notEquals", value: "c" },
    { key: "d", op: "exists", value: "" },
    { key: "e", op: "notExists", value: "" },
    { key: "f", op: "equals", value: "" },
  ]);
  expect((await filterOf("")).labels).toEqual([]);
});

test.each([",", "a,", "a==b", "=b", "!", "!!a", "!a=b", "a b=c", "a=b c"])(
  "the label selector %j is malformed",
  async (labelSelector) => {
    const { client } = clientOn({});
    expect(await failureOf(client.listProcesses({ filter: { labelSelector } }))).toMatchObject({
      code: Code.InvalidArgument,
      field: "filter.label_selector",
    });
  },
);

test("the rules of the other requests", async () => {
  const { client } = clientOn({});
  const id = "web";
  const cases: [() => Promise<unknown>, string][] = [
    [() => client.signalProcess({ id }), "signal"],
    [() => client.signalProcess({ id, signal: "TERM", target: 9 as 1 }), "target"],
    [() => client.stopProcess({ id, gracePeriod: { seconds: 0n, nanos: 2_000_000_000 } }), "grace_period.nanos"],
    [() => client.getOutput({ id, maxBytes: 4 * 1024 * 1024 + 1 }), "max_bytes"],
    [() => client.getOutput({ id, streams: [9 as 1] }), "streams[0]"],
    [() => client.writeInput({ id, data: new Uint8Array(1024 * 1024 + 1) }), "data"],
    [() => client.resizeTerminal({ id }), "size"],
    [() => client.listProcesses({ filter: { ids: Array.from({ length: 1001 }, () => "web") } }), "filter.ids"],
    [() => client.listProcesses({ view: 9 as 1 }), "view"],
    [() => client.waitProcess({ id, condition: 9 as 1 }), "condition"],
    [
      () =>
        client
          .watchProcesses({ bookmarkInterval: { seconds: 0n, nanos: 1 } })
          [Symbol.asyncIterator]()
          .next(),
      "bookmark_interval",
    ],
    [
      () =>
        client
          .streamOutput({ id, heartbeatInterval: { seconds: 3601n } })
          [Symbol.asyncIterator]()
          .next(),
      "heartbeat_interval",
    ],
  ];
  for (const [call, field] of cases) {
    expect(await failureOf(call())).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_ARGUMENT", field });
  }
});

test("a stop arrives with canonical names and milliseconds", async () => {
  const seen: StopOptions[] = [];
  const { client } = clientOn({
    stop: async (_ref, options) => {
      seen.push(options);
      return { process: someProcess, stopped: true, survivors: [] };
    },
  });
  await client.stopProcess({ id: "web" });
  await client.stopProcess({ id: "web", signal: "int", gracePeriod: { seconds: 0n, nanos: 0 }, force: true });
  expect(seen).toEqual([
    { signal: "", graceMs: null, force: false },
    { signal: "SIGINT", graceMs: 0, force: true },
  ]);
});

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { StartProcessRequestSchema } from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { ProcessSpecSchema } from "../../gen/ts/pm/v1/spec_pb.ts";
import type { ProcessFilter, RequestContext, StopOptions } from "../../src/server/engine/api/index.ts";
import { failureOf } from "./failure.ts";
import { clientOn, someProcess, someReceipt } from "./fake-engine.ts";

type Spec = MessageInitShape<typeof ProcessSpecSchema>;
type Start = MessageInitShape<typeof StartProcessRequestSchema>;

const long = "a".repeat(64);
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

test.each<[string, Spec, string]>([
  ["no executable", {}, "spec.executable"],
  ["a NUL in the executable", { executable: "a\0b" }, "spec.executable"],
  ["an executable of 4096 bytes", { executable: `/${"ä".repeat(2048)}` }, "spec.executable"],
  ["an executable twice", { executable: "x", executableBytes: bytes("\xff") }, "spec.executable_bytes"],
  ["a NUL in an argument", { executable: "x", args: ["ok", "a\0b"] }, "spec.args[1]"],
  ["arguments twice", { executable: "x", args: ["a"], argsBytes: [bytes("\xff")] }, "spec.args_bytes"],
  ["a NUL in an argument of bytes", { executable: "x", argsBytes: [bytes("\xff\0")] }, "spec.args_bytes[0]"],
  ["a relative directory", { executable: "x", cwd: "tmp" }, "spec.cwd"],
  ["a relative directory of bytes", { executable: "x", cwdBytes: bytes("\xff") }, "spec.cwd_bytes"],
  ["a directory twice", { executable: "x", cwd: "/a", cwdBytes: bytes("/\xff") }, "spec.cwd_bytes"],
  ["a NUL in the directory", { executable: "x", cwd: "/a\0" }, "spec.cwd"],
  ["an empty variable", { executable: "x", env: { "": "v" } }, "spec.env"],
  ["a variable with =", { executable: "x", env: { "a=b": "v" } }, "spec.env"],
  ["a NUL in a variable's value", { executable: "x", env: { A: "hush\0" } }, 'spec.env["A"]'],
  [
    "a variable of bytes with =",
    { executable: "x", envBytes: [{ name: bytes("\xff="), value: bytes("") }] },
    "spec.env_bytes[0].name",
  ],
  [
    "a variable in both forms",
    { executable: "x", env: { A: "1" }, envBytes: [{ name: bytes("A"), value: bytes("\xff") }] },
    "spec.env_bytes[0].name",
  ],
  ["an output limit of 4095", { executable: "x", output: { limitBytes: 4095n } }, "spec.output.limit_bytes"],
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
  ["signal 0", { executable: "x", stop: { signal: "0" } }, "spec.stop.signal"],
  ["a signal that glibc keeps for itself", { executable: "x", stop: { signal: "32" } }, "spec.stop.signal"],
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
  ["a umask of 01000", { executable: "x", umask: 0o1000 }, "spec.umask"],
  ["a niceness of 20", { executable: "x", nice: 20 }, "spec.nice"],
  ["a badness of -1001", { executable: "x", oomScoreAdj: -1001 }, "spec.oom_score_adj"],
])("a start is refused with %s", async (_name, spec, field) => {
  const { client } = clientOn({});
  const failure = await failureOf(client.startProcess({ spec }));
  expect(failure).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_ARGUMENT", metadata: { field } });
  expect(failure.violations).toEqual([[field, "INVALID_ARGUMENT"]]);
  expect(failure.text).toContain(field);
  expect(failure.text).not.toContain("hush");
});

test.each<[string, Start, string]>([
  ["no spec", {}, "spec"],
  ["an id that is no UUID", { id: "web", spec: { executable: "x" } }, "id"],
  ["a name that begins with a digit", { name: "1a", spec: { executable: "x" } }, "name"],
  ["a name that is a UUID", { name: "abcd0000-1111-4222-8333-944455566677", spec: { executable: "x" } }, "name"],
  ["a name with a slash", { name: "a/b", spec: { executable: "x" } }, "name"],
  ["a name with a line feed", { name: "a\n", spec: { executable: "x" } }, "name"],
  ["a name of 64", { name: long, spec: { executable: "x" } }, "name"],
  ["an empty label", { labels: { "": "v" }, spec: { executable: "x" } }, "labels"],
  ["a label that ends with a dot", { labels: { "a.": "v" }, spec: { executable: "x" } }, "labels"],
  ["a label's value with a slash", { labels: { a: "v/w" }, spec: { executable: "x" } }, 'labels["a"]'],
  [
    "65 labels",
    { labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])), spec: { executable: "x" } },
    "labels",
  ],
])("a start is refused with %s in the request", async (_name, request, field) => {
  const { client } = clientOn({});
  expect(await failureOf(client.startProcess(request))).toMatchObject({
    reason: "INVALID_ARGUMENT",
    violations: [[field, "INVALID_ARGUMENT"]],
  });
});

test("all violations are answered at once, the first in the ErrorInfo", async () => {
  const { client } = clientOn({});
  const failure = await failureOf(
    client.startProcess({
      id: "x",
      name: "1",
      labels: { "": "" },
      spec: { cwd: "tmp", args: ["\0"], nice: 99, stop: { signal: "NOPE" } },
    }),
  );
  expect(failure.metadata).toEqual({ field: "id" });
  expect(failure.violations.map(([field]) => field)).toEqual([
    "id",
    "name",
    "labels",
    "spec.executable",
    "spec.args[0]",
    "spec.cwd",
    "spec.stop.signal",
    "spec.nice",
  ]);
});

test("so many violations that no trailer would hold them are counted", async () => {
  const { client } = clientOn({});
  const args = Array.from({ length: 5000 }, () => "\0");
  const failure = await failureOf(client.startProcess({ spec: { executable: "x", args } }));
  expect(failure.violations.length).toBeGreaterThan(10);
  expect(failure.violations.length).toBeLessThan(200);
  expect(failure.text.length).toBeLessThanOrEqual(2048);
});

async function filterOf(filter: Parameters<ReturnType<typeof clientOn>["client"]["listProcesses"]>[0]["filter"]) {
  const seen = Promise.withResolvers<ProcessFilter>();
  const { client } = clientOn({
    list: async (given) => {
      seen.resolve(given);
      return { processes: [], nextPageToken: "", resourceVersion: "v", totalSize: 0 };
    },
  });
  await client.listProcesses(filter === undefined ? {} : { filter });
  return seen.promise;
}

test("a label selector is parsed", async () => {
  expect((await filterOf({ labelSelector: "a=b, app/tier!=c ,d,!e,f=" })).labels).toEqual([
    { key: "a", op: "equals", value: "b" },
    { key: "app/tier", op: "notEquals", value: "c" },
    { key: "d", op: "exists", value: "" },
    { key: "e", op: "notExists", value: "" },
    { key: "f", op: "equals", value: "" },
  ]);
  expect((await filterOf({ labelSelector: "" })).labels).toEqual([]);
});

test("every criterion of a filter arrives", async () => {
  expect(
    await filterOf({
      states: [4, 8, 4],
      ids: ["ABCD0000-1111-4222-8333-944455566677"],
      idPrefixes: ["ABCD", "abcd0000-11"],
      names: ["web"],
      namePatterns: ["api-*", "[a-c]?"],
      createdAfter: { seconds: 1n, nanos: 1 },
      createdBefore: { seconds: 2n },
      endedAfter: { seconds: 3n },
      endedBefore: { seconds: 4n },
      living: false,
    }),
  ).toEqual({
    labels: [],
    states: ["exited", "givenUp"],
    ids: ["abcd0000-1111-4222-8333-944455566677"],
    idPrefixes: ["abcd", "abcd0000-11"],
    names: ["web"],
    namePatterns: ["api-*", "[a-c]?"],
    createdAfter: 1_000_000_001n,
    createdBefore: 2_000_000_000n,
    endedAfter: 3_000_000_000n,
    endedBefore: 4_000_000_000n,
    living: false,
  });
});

test.each([",", "a,", "a==b", "=b", "!", "!!a", "!a=b", "a b=c", "a=b c"])(
  "the label selector %j is malformed",
  async (labelSelector) => {
    const { client } = clientOn({});
    expect(await failureOf(client.listProcesses({ filter: { labelSelector } }))).toMatchObject({
      code: Code.InvalidArgument,
      metadata: { field: "filter.label_selector" },
    });
  },
);

const many = (count: number, value: string) => Array.from({ length: count }, () => value);

test("the rules of the other requests", async () => {
  const { client, events } = clientOn({});
  const process = { ref: { case: "name", value: "web" } } as const;
  const first = (stream: AsyncIterable<unknown>) => stream[Symbol.asyncIterator]().next();
  const cases: [() => Promise<unknown>, string][] = [
    [() => client.signalProcess({ process }), "signal"],
    [() => client.getProcess({}), "process"],
    [
      () => client.stopProcess({ process, options: { gracePeriod: { seconds: 0n, nanos: 2_000_000_000 } } }),
      "options.grace_period.nanos",
    ],
    [() => client.stopProcess({ process, requestId: "x".repeat(65) }), "request_id"],
    [() => client.stopProcess({ process, precondition: { run: 0 } }), "precondition.run"],
    [
      () => client.stopProcess({ process, precondition: { resourceVersion: "x".repeat(1025) } }),
      "precondition.resource_version",
    ],
    [() => client.getOutput({ process, maxBytes: 3 * 1024 * 1024 + 1 }), "max_bytes"],
    [() => client.getOutput({ process, run: 0 }), "run"],
    [() => client.getOutput({ process, streams: [0] }), "streams[0]"],
    [() => client.getOutput({ process, start: { since: { seconds: 10n ** 12n } } }), "start.since"],
    [() => client.writeInput({ process, data: new Uint8Array(1024 * 1024 + 1) }), "data"],
    [() => client.resizeTerminal({ process }), "size"],
    [() => client.resizeTerminal({ process, size: { rows: 0, columns: 1 } }), "size.rows"],
    [() => client.listProcesses({ filter: { ids: many(1001, "web") } }), "filter.ids"],
    [() => client.listProcesses({ filter: { ids: ["web"] } }), "filter.ids[0]"],
    [() => client.listProcesses({ filter: { idPrefixes: ["abc"] } }), "filter.id_prefixes[0]"],
    [() => client.listProcesses({ filter: { idPrefixes: ["abcd-"] } }), "filter.id_prefixes[0]"],
    [() => client.listProcesses({ filter: { names: ["a b"] } }), "filter.names[0]"],
    [() => client.listProcesses({ filter: { namePatterns: ["[a"] } }), "filter.name_patterns[0]"],
    [() => client.listProcesses({ filter: { namePatterns: many(101, "a") } }), "filter.name_patterns"],
    [() => client.listProcesses({ filter: { states: [0] } }), "filter.states[0]"],
    [() => client.updateProcess({ process }), "update_mask"],
    [() => client.updateProcess({ process, updateMask: { paths: ["spec"] } }), "spec"],
    [() => client.updateProcess({ process, updateMask: { paths: ["name"] }, name: "a b" }), "name"],
    [() => client.updateProcess({ process, updateMask: { paths: ["spec.executable"] } }), "spec.executable"],
    [() => first(client.watchProcesses({ bookmarkInterval: { seconds: 0n, nanos: 1 } })), "bookmark_interval"],
    [() => first(client.streamOutput({ process, heartbeatInterval: { seconds: 3601n } })), "heartbeat_interval"],
    [() => first(client.streamOutput({ process, hold: true })), "hold"],
    [() => first(client.streamOutput({ process, follow: true, hold: true, streams: [1] })), "hold"],
    [() => first(client.streamOutput({ process, holdToken: "t" })), "hold_token"],
    [() => first(client.streamOutputs({ start: { position: { case: "offset", value: 1n } } })), "start.offset"],
    [() => first(client.streamOutputs({ mergeWindow: { seconds: 6n } })), "merge_window"],
    [() => first(client.streamOutputs({ cursors: [{ processId: someProcess.id }] })), "cursors[0].run"],
    [() => client.acknowledgeOutput({ processId: someProcess.id }), "run"],
    [() => first(client.statsProcesses({ interval: { nanos: 1 } })), "interval"],
    [() => first(client.statsProcesses({ includeMembers: true })), "include_members"],
    [() => first(events.streamEvents({ types: [0] })), "types[0]"],
  ];
  for (const [call, field] of cases) {
    expect(await failureOf(call()), field).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_ARGUMENT",
      metadata: { field },
    });
  }
});

test("a reference is a UUID or a name, told apart by its type", async () => {
  const seen: unknown[] = [];
  const { client } = clientOn({
    get: (ref) => {
      seen.push(ref);
      return someProcess;
    },
  });
  await client.getProcess({ process: { ref: { case: "id", value: someProcess.id.toUpperCase() } } });
  await client.getProcess({ process: { ref: { case: "name", value: "web" } } });
  expect(seen).toEqual([{ id: someProcess.id }, { name: "web" }]);
  for (const ref of [
    { case: "id", value: "0e3d4c5b" },
    { case: "name", value: someProcess.id },
    { case: "name", value: "" },
  ] as const) {
    expect(await failureOf(client.getProcess({ process: { ref } }))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_ID",
      metadata: { id: ref.value, field: `process.${ref.case}` },
    });
  }
});

test("a stop arrives with canonical names, milliseconds, its conditions and who asks", async () => {
  const seen: [StopOptions & { wait: boolean }, RequestContext][] = [];
  const { client } = clientOn({
    stop: async (_ref, options, context) => {
      seen.push([options, context]);
      return { process: someProcess, receipt: someReceipt };
    },
  });
  const process = { ref: { case: "name", value: "web" } } as const;
  await client.stopProcess({ process });
  await client.stopProcess({
    process,
    options: { signal: "2", gracePeriod: { seconds: 0n, nanos: 1 }, force: true },
    precondition: { run: 3, resourceVersion: "v" },
    requestId: "r",
    noWait: true,
  });
  // In this test no listener says who calls.
  const principal = "unknown";
  expect(seen).toEqual([
    [
      { signal: "", graceMs: null, force: false, wait: true },
      { principal, requestId: "", precondition: null },
    ],
    [
      { signal: "SIGINT", graceMs: 1, force: true, wait: false },
      { principal, requestId: "r", precondition: { run: 3, resourceVersion: "v" } },
    ],
  ]);
});

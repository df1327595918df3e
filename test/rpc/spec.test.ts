import { isDeepStrictEqual } from "node:util";
import { create, type DescField, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { UpdateProcessRequestSchema } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { type ProcessSpec, ProcessSpecSchema } from "../../gen/ts/pm/v1/spec_pb.ts";
import { specFieldByName, specFromProto, specToProto } from "../../src/server/rpc/convert/spec.ts";
import { updateFromProto } from "../../src/server/rpc/convert/update.ts";
import { checked } from "../../src/server/rpc/edge/field.ts";
import { someProcess, someSpec } from "./fake-engine.ts";

type Init = MessageInitShape<typeof ProcessSpecSchema>;

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const notUtf8 = latin1("/tmp/caf\xe9");

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

/** A value of each field that is not its default. */
const examples: Record<string, Init> = {
  executable: { executable: "./ä" },
  args: { args: ["", "ä", "--", "\ufeffx"] },
  env: { env: { B: "=\n", A: "", ["__proto__"]: "x" } },
  env_mode: { envMode: 2 },
  cwd: { cwd: "/tmp" },
  executable_bytes: { executableBytes: notUtf8 },
  args_bytes: { argsBytes: [latin1("plain"), latin1("\xff"), latin1("")] },
  env_bytes: {
    envBytes: [
      { name: latin1("N\xff"), value: latin1("v") },
      { name: latin1("V"), value: latin1("\xfe") },
    ],
  },
  cwd_bytes: { cwdBytes: notUtf8 },
  output: { output: { limitBytes: 4096n, whenFull: 2 } },
  stdin: { stdin: 2 },
  terminal: { terminal: { rows: 24, columns: 65_535 } },
  limits: {
    limits: {
      rlimits: [{ resource: "nofile", soft: 1n, hard: 2n ** 64n - 1n }, { resource: "msgqueue" }],
      memoryBytes: 1n,
      cpuMillis: 2,
      processes: 3,
    },
  },
  stop: { stop: { signal: "SIGRTMIN+29", gracePeriod: { seconds: 1n, nanos: 500_000_000 } } },
  umask: { umask: 0 },
  nice: { nice: -20 },
  oom_score_adj: { oomScoreAdj: 0 },
  restart: {
    restart: {
      mode: 4,
      maxAttempts: 0,
      window: seconds(1),
      backoff: { initial: seconds(0), max: seconds(1), multiplier: 1, jitter: 0 },
      stableTime: seconds(0),
      memoryBytes: 1n,
    },
  },
  readiness: {
    readiness: {
      check: {
        case: "http",
        value: { host: "h", port: 1, path: "/p", tls: true, headers: { a: "" }, statusCodes: [599] },
      },
      startPeriod: seconds(0),
      interval: seconds(1),
      timeout: seconds(1),
      successThreshold: 1,
      failureThreshold: 100,
    },
  },
  liveness: {
    liveness: {
      check: { case: "exec", value: { command: { executable: "x", args: ["y"] } } },
      startPeriod: seconds(1),
      interval: seconds(1),
      timeout: seconds(1),
      successThreshold: 2,
      failureThreshold: 1,
    },
  },
  depends_on: { dependsOn: [{ process: "db", condition: 4 }] },
  queue: { queue: "q" },
  max_run_time: { maxRunTime: seconds(1) },
  stop_command: { stopCommand: { executable: "x", args: [""] } },
  hooks: { hooks: [{ events: [1, 5], command: { executable: "x", args: ["y"] }, timeout: seconds(1) }] },
  success_codes: { successCodes: [255] },
};

function read(init: Init): ReturnType<typeof specFromProto> {
  return checked((root) => specFromProto(create(ProcessSpecSchema, init), root.child("spec")));
}

const pickPolicy = (init: Init) => ({ policy: read({ executable: "x", ...init }).policy });

function throughTheEngine(init: Init): ProcessSpec {
  return create(ProcessSpecSchema, specToProto(read(init), true));
}

const fieldOf = (spec: ProcessSpec, field: DescField) => (spec as unknown as Record<string, unknown>)[field.localName];

describe.each(ProcessSpecSchema.fields.map((field) => [field.name, field] as const))("%s", (name, field) => {
  const example = examples[name];
  const init: Init = { ...(name.startsWith("executable") ? {} : { executable: "x" }), ...example };

  test("has an example here that is not the default", () => {
    expect(example).toBeDefined();
    expect(fieldOf(create(ProcessSpecSchema, init), field)).not.toEqual(fieldOf(create(ProcessSpecSchema), field));
  });

  test("survives the way to the engine and back", () => {
    expect(fieldOf(throughTheEngine(init), field)).toEqual(fieldOf(create(ProcessSpecSchema, init), field));
  });

  test("can be changed alone", () => {
    const request = create(UpdateProcessRequestSchema, { updateMask: { paths: [`spec.${name}`] }, spec: init });
    const update = checked((root) => updateFromProto(request, root))(someProcess);
    const key = specFieldByName.get(name) ?? "executable";
    expect(update).toEqual({ spec: { ...someSpec, [key]: read(init)[key] } });
  });

  test("changes no other policy with it", () => {
    const queued = { ...someProcess, spec: { ...someSpec, ...pickPolicy({ queue: "before", successCodes: [9] }) } };
    const request = create(UpdateProcessRequestSchema, { updateMask: { paths: [`spec.${name}`] }, spec: init });
    const { policy } = checked((root) => updateFromProto(request, root))(queued).spec ?? {};
    expect([policy?.queue, policy?.successCodes]).toEqual([
      name === "queue" ? "q" : "before",
      name === "success_codes" ? [255] : [9],
    ]);
  });
});

test("every part of a spec's messages is in an example", () => {
  const parts = (init: object, desc: (typeof ProcessSpecSchema)["fields"][number]["message"]): string[] =>
    (desc?.fields ?? []).flatMap((field) => {
      const one = field.oneof && (init as Record<string, { case?: string; value?: unknown }>)[field.oneof.localName];
      if (field.oneof !== undefined && one?.case !== field.localName) {
        // Another one of them is there, or none.
        return one?.case === undefined ? [`${desc?.name}.${field.name}`] : [];
      }
      const value = one === undefined ? (init as Record<string, unknown>)[field.localName] : one.value;
      const items = field.fieldKind === "list" ? (value as unknown[] | undefined) : value === undefined ? [] : [value];
      if (items === undefined || items.length === 0) {
        return [`${desc?.name}.${field.name}`];
      }
      return field.message?.typeName.startsWith("pm.")
        ? parts(Object.assign({}, ...(items as object[])), field.message)
        : [];
    });
  expect(parts(Object.assign({}, ...Object.values(examples)), ProcessSpecSchema)).toEqual([]);
});

test("a spec arrives with its defaults", () => {
  expect(read({ executable: "true" })).toEqual({
    executable: "true",
    args: [],
    env: [],
    envMode: "extend",
    cwd: "",
    output: { limitBytes: 0, whenFull: "dropOldest" },
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "", graceMs: null },
    umask: null,
    nice: null,
    oomScoreAdj: null,
  });
});

test("bytes that are UTF-8 are text: equal specs are equal", () => {
  const asText = read({ executable: "ä", args: ["b", "\ufeff"], cwd: "/c", env: { A: "1", B: "2" } });
  const utf8 = (text: string) => Uint8Array.from(Buffer.from(text));
  const asBytes = read({
    executableBytes: utf8("ä"),
    argsBytes: [utf8("b"), utf8("\ufeff")],
    cwdBytes: utf8("/c"),
    envBytes: [
      { name: utf8("B"), value: utf8("2") },
      { name: utf8("A"), value: utf8("1") },
    ],
  });
  expect(asBytes).toEqual(asText);
});

test("bytes that are not UTF-8 are equal whatever buffer they came in, and keep none of it", () => {
  const request = Buffer.alloc(1_000_000, 0xff);
  const [piece] = read({ executable: "x", argsBytes: [request.subarray(5, 7) as Uint8Array<ArrayBuffer>] }).args;
  expect(isDeepStrictEqual(piece, new Uint8Array([0xff, 0xff]))).toBe(true);
  expect((piece as Uint8Array).buffer.byteLength).toBe(2);
});

test("variables are in one order, however the map came", () => {
  expect(read({ executable: "x", env: { B: "2", A: "1" } })).toEqual(
    read({ executable: "x", env: { A: "1", B: "2" } }),
  );
});

test("the environment is left out unless it is asked for", () => {
  const spec = read({
    executable: "x",
    env: { SECRET: "hush" },
    envBytes: [{ name: latin1("\xff"), value: latin1("hush") }],
  });
  const shown = create(ProcessSpecSchema, specToProto(spec, false));
  expect(shown.env).toEqual({});
  expect(shown.envBytes).toEqual([]);
});

test("a field for bytes is one with its field for text", () => {
  const pairs = ProcessSpecSchema.fields.filter(({ name }) => name.endsWith("_bytes"));
  expect(pairs.map(({ name }) => name)).toEqual(["executable_bytes", "args_bytes", "env_bytes", "cwd_bytes"]);
  for (const { name } of pairs) {
    expect(specFieldByName.get(name)).toBe(specFieldByName.get(name.replace("_bytes", "")));
  }
});

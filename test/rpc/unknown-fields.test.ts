/**
 * What a daemon does with what it does not know: a misspelled field of a
 * destructive call, dropped in silence, would widen the call to everything.
 */
import { request as httpRequest } from "node:http";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { describe, expect, test } from "vitest";
import { ProcessFilterSchema } from "../../gen/ts/pm/v1/process_pb.ts";
import {
  ProcessService,
  PruneProcessesRequestSchema,
  StopOptionsSchema,
  StopProcessesRequestSchema,
} from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { Engine } from "../../src/server/engine/api/index.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { version } from "../../src/server/version.ts";
import { clientOf, type Protocol, serve } from "../listen/serve.ts";
import { all, failureOf } from "./failure.ts";
import { dependenciesOn } from "./fake-engine.ts";

/** An engine that fails the test if anything reaches it. */
async function untouched(): Promise<{ path: string; reached: string[] }> {
  const reached: string[] = [];
  const engine = new Proxy({} as Engine, {
    get: (_target, name) => () => {
      reached.push(String(name));
      throw new Error("it reached the engine");
    },
  });
  const { path } = await serve((log) => daemonRoutes(dependenciesOn(engine, log)));
  return { path, reached };
}

interface Sent {
  readonly path: string;
  readonly contentType?: string;
  readonly method?: "GET" | "POST";
  readonly body?: Buffer;
}

function send(socketPath: string, { path, contentType, method = "POST", body }: Sent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      path: `/pm.v1.ProcessService/${path}`,
      method,
      headers: { ...(contentType && { "content-type": contentType }) },
    });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => resolve(Buffer.concat(chunks)));
    });
    request.end(body);
  });
}

function errorOf(json: string): ConnectError {
  return errorFromJson(JSON.parse(json), undefined, new ConnectError("no error", Code.Unknown));
}

function enveloped(json: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([head, Buffer.from(json)]);
}

const misspelled: [string, string, string[]][] = [
  ["PruneProcesses", '{"filtr":{"labelSelector":"a"},"dryRunn":true}', ["filtr", "dryRunn"]],
  ["PruneProcesses", '{"filter":{"label_selektor":"a"},"all":true}', ["filter.label_selektor"]],
  ["PruneProcesses", '{"filter":{"states":["PROCESS_STATE_EXITED","PROCESS_STATE_DONE"]}}', ["filter.states[1]"]],
  ["RemoveProcess", '{"process":{"id":"x","nom":"y"},"forse":true}', ["process.nom", "forse"]],
  [
    "StartProcess",
    '{"spec":{"executable":"x","limits":{"rlimits":[{"resource":"as"},{"resurce":"as"}]},"stdin":"PIPE"}}',
    ["spec.limits.rlimits[1].resurce", "spec.stdin"],
  ],
];

describe("JSON", () => {
  test.each(misspelled)("%s %s is refused, and nothing done", async (method, json, fields) => {
    const { path, reached } = await untouched();
    const response = await send(path, { path: method, contentType: "application/json", body: Buffer.from(json) });
    const failure = await failureOf(Promise.reject(errorOf(response.toString())));
    expect(failure).toMatchObject({
      code: Code.InvalidArgument,
      reason: "UNKNOWN_FIELD",
      domain: "pm",
      metadata: { field: fields[0] },
      violations: fields.map((field) => [field, "UNKNOWN_FIELD"]),
    });
    expect(failure.text).toContain(`misspelled, or the client is newer than this daemon (version ${version})`);
    expect(reached).toEqual([]);
  });

  test("of a stream is refused", async () => {
    const { path, reached } = await untouched();
    const response = await send(path, {
      path: "StopProcesses",
      contentType: "application/connect+json",
      body: enveloped('{"filtr":{},"options":{"forse":true}}'),
    });
    expect(response.readUInt8(0)).toBe(0b10);
    const { error } = JSON.parse(response.subarray(5).toString());
    expect(await failureOf(Promise.reject(errorOf(JSON.stringify(error))))).toMatchObject({
      reason: "UNKNOWN_FIELD",
      violations: [
        ["filtr", "UNKNOWN_FIELD"],
        ["options.forse", "UNKNOWN_FIELD"],
      ],
    });
    expect(reached).toEqual([]);
  });

  test("of a GET is refused", async () => {
    const { path, reached } = await untouched();
    const message = encodeURIComponent('{"fliter":{}}');
    const response = await send(path, {
      path: `ListProcesses?connect=v1&encoding=json&message=${message}`,
      method: "GET",
    });
    expect(await failureOf(Promise.reject(errorOf(response.toString())))).toMatchObject({
      reason: "UNKNOWN_FIELD",
      metadata: { field: "fliter" },
    });
    expect(reached).toEqual([]);
  });

  test.each([
    ["a value of a wrong type", '{"all":"yes"}'],
    ["no object", "[]"],
    ["no JSON", "{"],
  ])("with %s is INVALID_ARGUMENT without a field", async (_name, json) => {
    const { path } = await untouched();
    const response = await send(path, {
      path: "PruneProcesses",
      contentType: "application/json",
      body: Buffer.from(json),
    });
    expect(await failureOf(Promise.reject(errorOf(response.toString())))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_ARGUMENT",
      metadata: {},
    });
  });
});

describe.each<Protocol>(["connect", "grpc", "grpcWeb"])("binary over %s", (protocol) => {
  const unknown = { $unknown: [{ no: 99, wireType: 0, data: new Uint8Array([1]) }] };
  const cases: [string, MessageInitShape<typeof PruneProcessesRequestSchema>, string][] = [
    ["a field of the request", Object.assign(create(PruneProcessesRequestSchema, { all: true }), unknown), "99"],
    [
      "a field of a message in it",
      { all: true, filter: Object.assign(create(ProcessFilterSchema, {}), unknown) },
      "filter.99",
    ],
    ["a value of an enum", { filter: { states: [5, 77 as 5] } }, "filter.states[1]"],
  ];

  test.each(cases)("%s that is unknown is refused, and nothing done", async (_name, request, field) => {
    const { path, reached } = await untouched();
    const failure = await failureOf(clientOf(ProcessService, path, protocol).pruneProcesses(request));
    expect(failure).toMatchObject({
      code: Code.InvalidArgument,
      reason: "UNKNOWN_FIELD",
      metadata: { field },
      violations: [[field, "UNKNOWN_FIELD"]],
    });
    expect(failure.text).toContain("the client is newer");
    expect(reached).toEqual([]);
  });

  test("a stream's request with something unknown is refused, all of it named", async () => {
    const { path, reached } = await untouched();
    const request = Object.assign(
      create(StopProcessesRequestSchema, {
        all: true,
        options: Object.assign(create(StopOptionsSchema, {}), unknown),
      }),
      unknown,
    );
    expect(await failureOf(all(clientOf(ProcessService, path, protocol).stopProcesses(request)))).toMatchObject({
      reason: "UNKNOWN_FIELD",
      violations: [
        ["99", "UNKNOWN_FIELD"],
        ["options.99", "UNKNOWN_FIELD"],
      ],
    });
    expect(reached).toEqual([]);
  });
});

test("an envelope that is compressed is INVALID_ARGUMENT", async () => {
  const { path } = await untouched();
  const body = enveloped("{}");
  body.writeUInt8(1, 0);
  const response = await send(path, { path: "StopProcesses", contentType: "application/connect+json", body });
  const { error } = JSON.parse(response.subarray(5).toString());
  expect(await failureOf(Promise.reject(errorOf(JSON.stringify(error))))).toMatchObject({
    code: Code.InvalidArgument,
    reason: "INVALID_ARGUMENT",
  });
});

test("a body that is no message is INVALID_ARGUMENT", async () => {
  const { path } = await untouched();
  const response = await send(path, {
    path: "PruneProcesses",
    contentType: "application/proto",
    body: Buffer.from([0xff, 0xff, 0xff]),
  });
  expect(await failureOf(Promise.reject(errorOf(response.toString())))).toMatchObject({
    code: Code.InvalidArgument,
    reason: "INVALID_ARGUMENT",
  });
});

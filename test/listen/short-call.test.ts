/**
 * The short way of serving a call responds as Connect's own handler does. A
 * request without a length goes the long way, so that both can be compared.
 */
import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { reasonError } from "../../src/server/rpc/errors.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { dependenciesOn, engineOf, manyProcesses } from "../rpc/fake-engine.ts";
import { type Implementation, serve } from "./serve.ts";

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

async function post(socketPath: string, method: string, { body, headers, signal }: Sent): Promise<Response> {
  const request = httpRequest({
    socketPath,
    path: `/pm.v1.${method}`,
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    ...(signal && { signal }),
  });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: text };
}

/** What the short and the long way respond, without what differs by time. */
async function bothWays(path: string, method: string, sent: Sent): Promise<readonly [Response, Response]> {
  const short = await post(path, method, sent);
  const long = await post(path, method, { ...sent, headers: { ...sent.headers, "transfer-encoding": "chunked" } });
  return [plain(short), plain(long)];
}

function plain({ status, headers: { date: _, ...headers }, body }: Response): Response {
  return { status, headers, body };
}

const calls: readonly (readonly [what: string, method: string, body: string, status: number])[] = [
  ["a request", "ProcessService/GetProcess", '{"process":{"id":"00000000-0000-4000-8000-000000000001"}}', 200],
  ["an empty request", "ProcessService/GetProcess", "{}", 400],
  ["an unknown field", "ProcessService/ListProcesses", '{"filtr":{}}', 400],
  ["an unknown field in a nested message", "ProcessService/GetProcess", '{"process":{"nom":"a"}}', 400],
  ["a key that is there twice", "ProcessService/GetProcess", '{"process":{"name":"a"},"process":{"name":"b"}}', 400],
  ["no JSON", "ProcessService/GetProcess", "{", 400],
  ["nothing at all", "ProcessService/GetProcess", "", 400],
  ["a wrong type", "ProcessService/WaitProcess", '{"process":{"id":7}}', 400],
  ["several violations", "ProcessService/StartProcess", '{"name":"a b","spec":{"args":["a"]}}', 400],
  [
    "a process that is not there",
    "ProcessService/GetProcess",
    '{"process":{"id":"00000000-0000-4000-8000-00000000000a"}}',
    404,
  ],
];

test.for(calls)("%s is responded to in the same way", async ([, method, body, status]) => {
  const { path } = await serve((log) => daemonRoutes(dependenciesOn(engineOf(manyProcesses(2)), log)));
  const [short, long] = await bothWays(path, method, { body });
  expect(short).toEqual(long);
  expect(short.status).toBe(status);
});

const failures: readonly (readonly [what: string, error: () => unknown, status: number])[] = [
  ["an error of the contract", () => reasonError("NAME_IN_USE", "taken", { name: "a", id: "b" }), 409],
  [
    "an error with headers",
    () => new ConnectError("slow down", Code.Unavailable, new Headers({ "retry-after": "3" })),
    503,
  ],
];

test.for(failures)("%s is responded to in the same way", async ([, error, status]) => {
  const { path } = await serve({
    getProcess: () => {
      throw error();
    },
  });
  const [short, long] = await bothWays(path, "ProcessService/GetProcess", { body: "{}" });
  expect(short).toEqual(long);
  expect(short.status).toBe(status);
});

test("headers that a method sets are sent", async () => {
  const { path } = await serve({
    getProcess: (_, { responseHeader, requestHeader }) => {
      responseHeader.set("x-seen", requestHeader.get("x-asked") ?? "");
      return {};
    },
  });
  const [short, long] = await bothWays(path, "ProcessService/GetProcess", { body: "{}", headers: { "x-asked": "a" } });
  expect(short).toEqual(long);
  expect(short.headers["x-seen"]).toBe("a");
});

test("an unexpected failure is logged and not shown", async () => {
  const { path, logged } = await serve((log) => {
    const broken = new Proxy(engineOf([]), {
      get: () => () => {
        throw new TypeError("secret");
      },
    });
    return daemonRoutes(dependenciesOn(broken, log));
  });
  const { status, body } = await post(path, "ProcessService/GetProcess", { body: '{"process":{"name":"a"}}' });
  expect(status).toBe(500);
  expect(body).toContain("INTERNAL");
  expect(body).not.toContain("secret");
  expect(logged()).toContain("secret");
});

/** A method that ends only with its signal, and says with what it ended. */
function waiting(): { implementation: Implementation; begun: Promise<void>; reason: Promise<unknown> } {
  const begun = Promise.withResolvers<void>();
  const reason = Promise.withResolvers<unknown>();
  const implementation: Implementation = {
    async waitProcess(_, { signal }) {
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      reason.resolve(signal.reason);
      throw signal.reason;
    },
  };
  return { implementation, begun: begun.promise, reason: reason.promise };
}

test("a deadline ends the call", async () => {
  const { implementation } = waiting();
  const { path } = await serve(implementation);
  const sent = { body: "{}", headers: { "connect-timeout-ms": "20" } };
  const [short, long] = await bothWays(path, "ProcessService/WaitProcess", sent);
  expect(short).toEqual(long);
  expect(short.status).toBe(504);
});

test("a shutdown ends the call with its reason", async () => {
  const { implementation, begun } = waiting();
  const { path, shutdown } = await serve(implementation);
  const response = post(path, "ProcessService/WaitProcess", { body: "{}" });
  await begun;
  shutdown.abort(reasonError("SHUTTING_DOWN", "the daemon is stopping"));
  expect(await response).toMatchObject({ status: 503, body: expect.stringContaining("SHUTTING_DOWN") });
});

test("a client that goes ends the call", async () => {
  const { implementation, begun, reason } = waiting();
  const { path } = await serve(implementation);
  const client = new AbortController();
  const response = post(path, "ProcessService/WaitProcess", { body: "{}", signal: client.signal });
  await begun;
  client.abort();
  await expect(response).rejects.toThrow();
  expect(await reason).toMatchObject({ code: Code.Canceled });
});

test("a client that goes before it has sent all of its request begins nothing", async () => {
  let calls = 0;
  const { path } = await serve({
    getProcess: () => {
      calls++;
      return {};
    },
  });
  const socket = connect(path);
  const head = ["POST /pm.v1.ProcessService/GetProcess HTTP/1.1", "Host: a", "Content-Type: application/json"];
  socket.on("error", () => {});
  socket.end([...head, "Content-Length: 100", "", "{"].join("\r\n"));
  await new Promise((resolve) => socket.resume().once("close", resolve));
  await post(path, "ProcessService/GetProcess", { body: "{}" });
  expect(calls).toBe(1);
});

test("a kept connection serves one call after another", async () => {
  const { path } = await serve({ getProcess: ({ process }) => ({ process: { name: process?.ref.value ?? "" } }) });
  for (const name of ["a", "b", "c"]) {
    const { body } = await post(path, "ProcessService/GetProcess", { body: JSON.stringify({ process: { name } }) });
    expect(JSON.parse(body)).toEqual({ process: { name } });
  }
});

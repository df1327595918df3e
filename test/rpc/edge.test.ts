/** What every call meets before and around the handlers, over real connections. */
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { Health } from "../../gen/ts/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { EventService, file_pm_v1_event_service } from "../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { ProjectService } from "../../gen/ts/pm/v1/project_service_pb.ts";
import { QueueService } from "../../gen/ts/pm/v1/queue_service_pb.ts";
import { ScheduleService } from "../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { Engine, RequestContext } from "../../src/server/engine/api/index.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { clientOf, closed, type Protocol, serve } from "../listen/serve.ts";
import { basic, protocols, serveTls, tlsOptions, transportTo } from "../listen/serve-tls.ts";
import { failureOf } from "./failure.ts";
import { dependenciesOn, someProcess, someReceipt } from "./fake-engine.ts";

const process = { ref: { case: "name", value: "web" } } as const;
const routesOn = (engine: Partial<Engine>) => (log: Parameters<typeof dependenciesOn>[1]) =>
  daemonRoutes(dependenciesOn(engine, log));

/** An engine whose waits end with their signal alone. */
const waiting: Partial<Engine> = {
  wait: (_ref, _condition, _run, signal) =>
    new Promise((_resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
};

describe.each<Protocol>(["connect", "grpc", "grpcWeb"])("over %s", (protocol) => {
  test("a deadline that passes carries its reason", async () => {
    const { path } = await serve(routesOn(waiting));
    // The header alone: a client with a timer of its own would not wait for the response.
    const header = protocol === "connect" ? { "connect-timeout-ms": "20" } : { "grpc-timeout": "20m" };
    const call = clientOf(ProcessService, path, protocol).waitProcess({ process }, { headers: header });
    expect(await failureOf(call)).toMatchObject({ code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED" });
  });

  test("an unknown method carries its reason and its name", async () => {
    const { path } = await serve({});
    const events = clientOf(EventService, path, protocol);
    // The daemon of this test serves no EventService.
    expect(await failureOf(events.streamEvents({})[Symbol.asyncIterator]().next())).toMatchObject({
      code: Code.Unimplemented,
      reason: "UNKNOWN_METHOD",
      metadata: { method: "pm.v1.EventService/StreamEvents" },
    });
  });
});

test("an unknown unary method carries its reason over HTTP/1.1, too", async () => {
  const { path } = await serve((_log) => () => {});
  const client = clientOf(ProcessService, path, "connect", "1.1");
  expect(await failureOf(client.getProcess({ process }))).toMatchObject({
    code: Code.Unimplemented,
    reason: "UNKNOWN_METHOD",
  });
});

describe("who calls", () => {
  async function stopSeen(call: (seen: RequestContext[]) => Promise<void>): Promise<RequestContext[]> {
    const seen: RequestContext[] = [];
    await call(seen);
    return seen;
  }
  const engineThatSees = (seen: RequestContext[]): Partial<Engine> => ({
    stop: async (_ref, _options, context) => {
      seen.push(context);
      return { process: someProcess, receipt: someReceipt };
    },
    start: async (_request, context) => {
      seen.push(context);
      return { process: someProcess, existing: false };
    },
    get: () => someProcess,
  });

  test('is "local" over the socket, and leaves no line in the log', async () => {
    const seen = await stopSeen(async (contexts) => {
      const { path, logged } = await serve(routesOn(engineThatSees(contexts)));
      await clientOf(ProcessService, path).stopProcess({ process, requestId: "r" });
      expect(logged()).not.toContain("remote call");
    });
    expect(seen).toEqual([{ principal: "local", requestId: "r", precondition: null }]);
  });

  test.each(protocols)("is the user over TCP by %s, and a change leaves a line in the log", async (protocol) => {
    const seen = await stopSeen(async (contexts) => {
      const { port, logged } = await serveTls(routesOn(engineThatSees(contexts)));
      const client = createClient(ProcessService, transportTo(port, protocol));
      await client.getProcess({ process });
      expect(logged()).not.toContain("remote call");
      await client.stopProcess({ process, requestId: "r1" });
      await client.startProcess({ name: "web", spec: { executable: "/bin/x", args: ["hush"], env: { A: "hush" } } });
      const lines = logged()
        .split("\n")
        .filter((line) => line.includes("remote call"))
        .map((line) => JSON.parse(line));
      expect(lines).toMatchObject([
        {
          principal: "ann",
          peer: "127.0.0.1",
          method: "pm.v1.ProcessService/StopProcess",
          requestId: "r1",
          process: "web",
        },
        { principal: "ann", method: "pm.v1.ProcessService/StartProcess", name: "web" },
      ]);
      expect(logged()).not.toContain("hush");
    });
    expect(seen.map(({ principal }) => principal)).toEqual(["ann", "ann"]);
  });
});

const contract = [ProcessService, EventService, ScheduleService, QueueService, ProjectService, DaemonService];
const served = [...contract, Health, ServerReflection, ServerReflectionV1Alpha];
const methods: [string, DescMethod][] = served.flatMap((service) =>
  service.methods.map((method): [string, DescMethod] => [`/${service.typeName}/${method.name}`, method]),
);

test("every service of the contract is served", async () => {
  const files = [
    ProcessService.file,
    file_pm_v1_event_service,
    ScheduleService.file,
    QueueService.file,
    ProjectService.file,
    DaemonService.file,
  ];
  expect(files.flatMap(({ services }) => services).map(({ typeName }) => typeName)).toEqual(
    contract.map(({ typeName }) => typeName),
  );
  const { path } = await serve(routesOn({}));
  const { statuses } = await createClient(Health, unixTransport(path)).list({});
  expect(Object.keys(statuses).toSorted()).toEqual(["", ...contract.map(({ typeName }) => typeName)].toSorted());
});

function unixTransport(path: string) {
  return createGrpcTransport({ baseUrl: "http://localhost", nodeOptions: { createConnection: () => connect(path) } });
}

describe("over TCP every method", () => {
  test("is closed without a client certificate, and without a user's password", async () => {
    const { port } = await serveTls(routesOn({}), {}, { failures: { burst: 1000 } });
    const anonymous = connectTls({ host: "localhost", port, ca: tlsOptions.ca, ALPNProtocols: ["h2"] });
    anonymous.on("error", () => {});
    anonymous.resume();
    await closed(anonymous);

    const session = connectHttp2(`https://localhost:${port}`, tlsOptions);
    onTestFinished(() => session.destroy());
    const statusOf = (path: string, authorization?: string) =>
      new Promise<unknown>((resolve, reject) => {
        const stream = session.request({
          ":method": "POST",
          ":path": path,
          "content-type": "application/json",
          ...(authorization && { authorization }),
        });
        stream.once("response", (headers) => resolve(headers[":status"]));
        stream.once("error", reject);
        stream.resume();
        stream.end("{}");
      });
    expect(methods.length).toBeGreaterThan(25);
    for (const [path] of methods) {
      expect([path, await statusOf(path), await statusOf(path, basic("ann", "guess"))]).toEqual([path, 401, 403]);
    }
  });
});

describe("a browser", () => {
  test.each([
    ["origin", "https://evil.example"],
    ["origin", "null"],
    ["sec-fetch-site", "same-origin"],
    ["sec-fetch-site", "none"],
  ])("that sends %s: %s is refused", async (name, value) => {
    let called = false;
    const { path } = await serve({
      getProcess: () => {
        called = true;
        return {};
      },
    });
    const call = clientOf(ProcessService, path).getProcess({ process }, { headers: { [name]: value } });
    expect(await failureOf(call)).toMatchObject({ code: Code.PermissionDenied, reason: "PERMISSION_DENIED" });
    expect(called).toBe(false);
  });
});

describe("too many wrong passwords", () => {
  test.each(protocols)("are told by %s when to try again, unary and stream", async (protocol) => {
    const { port } = await serveTls({}, {}, { failures: { burst: 1, refillMs: 60_000 } });
    const guess = (secret: string) => createClient(ProcessService, transportTo(port, protocol, basic("ann", secret)));
    expect((await failureOf(guess("1").getProcess({}))).code).toBe(Code.PermissionDenied);
    const expected = {
      code: Code.ResourceExhausted,
      reason: "RATE_LIMITED",
      metadata: { retry_after_seconds: expect.stringMatching(/^\d+$/) },
      retrySeconds: expect.any(Number),
    };
    expect(await failureOf(guess("2").getProcess({}))).toMatchObject(expected);
    expect(await failureOf(guess("2").streamOutput({})[Symbol.asyncIterator]().next())).toMatchObject(expected);
  });
});

describe("when all connections are taken", () => {
  async function full(engine: Partial<Engine>) {
    const listening = await serve(routesOn(engine), { maxConnections: 3, reservedConnections: 2 });
    const held = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(listening.path, () => resolve(socket));
            onTestFinished(() => void socket.destroy());
          }),
      ),
    );
    return { ...listening, held };
  }
  const engine: Partial<Engine> = {
    ...waiting,
    stop: async () => ({ process: someProcess, receipt: someReceipt }),
    select: () => [],
  };

  test.each<[Protocol, "1.1" | "2"]>([
    ["connect", "1.1"],
    ["connect", "2"],
    ["grpc", "2"],
  ])("short calls of the owner still get through by %s over HTTP/%s", async (protocol, httpVersion) => {
    const { path } = await full(engine);
    // More often than there are places: each call gives its place back.
    for (let call = 0; call < 6; call++) {
      const client = clientOf(ProcessService, path, protocol, httpVersion);
      expect((await client.stopProcess({ process })).process?.id).toBe(someProcess.id);
    }
  });

  test("512 connections that say nothing do not lock pm stop out", async () => {
    const { path } = await serve(routesOn(engine), { firstBytesTimeoutMs: 600_000 });
    const sockets = await Promise.all(
      Array.from(
        { length: 512 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve, reject) => {
            const socket = connect(path, () => resolve(socket)).once("error", reject);
          }),
      ),
    );
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
    expect((await clientOf(ProcessService, path).stopProcess({ process })).process?.id).toBe(someProcess.id);
    expect(await failureOf(clientOf(ProcessService, path).waitProcess({ process }))).toMatchObject({
      reason: "LIMIT_EXCEEDED",
      text: expect.stringContaining("512 connections"),
    });
  });

  test("calls that may stay open are refused, with the limit named", async () => {
    const { path, logged } = await full(engine);
    const expected = {
      code: Code.ResourceExhausted,
      reason: "LIMIT_EXCEEDED",
      metadata: { limit: "max_connections" },
    };
    const client = () => clientOf(ProcessService, path);
    expect(await failureOf(client().waitProcess({ process }))).toMatchObject(expected);
    expect(await failureOf(client().streamOutput({ process })[Symbol.asyncIterator]().next())).toMatchObject(expected);
    // What changes something gets through as a stream, too.
    const { value } = await client().stopProcesses({ all: true })[Symbol.asyncIterator]().next();
    expect(value.frame).toMatchObject({ case: "opened", value: { selected: 0 } });
    expect(logged()).toContain("reserve for short calls");
  });

  test("they are served again when there is room", async () => {
    const { path, held } = await full({ ...engine, wait: async () => ({ process: someProcess, run: null }) });
    held[0]?.destroy();
    await expect
      .poll(() =>
        clientOf(ProcessService, path)
          .waitProcess({ process })
          .then(
            () => true,
            () => false,
          ),
      )
      .toBe(true);
  });
});

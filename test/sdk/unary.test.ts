import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConnectOptions, ProcessManager } from "../../src/sdk/index.ts";
import { aborted, contractError, failure, runningProcess, ScriptedDaemon } from "./support/scripted-daemon.ts";

describe("against whoever listens", () => {
  let directory: string;
  let socket: string;
  let server: Server | undefined;
  const connections = new Set<Socket>();

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "pm-sdk-"));
    socket = join(directory, "pm.sock");
  });

  afterEach(async () => {
    for (const connection of connections) {
      connection.destroy();
    }
    await new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
    rmSync(directory, { recursive: true, force: true });
  });

  async function listen(onConnection: (socket: Socket) => void, options: ConnectOptions = {}): Promise<ProcessManager> {
    server = createServer((connection) => {
      connections.add(connection);
      connection.on("error", () => {});
      onConnection(connection);
    });
    await new Promise<void>((resolve) => server?.listen(socket, resolve));
    return ProcessManager.connect({ socket, ...options });
  }

  const answer = (body: string, type = "application/json", status = "200 OK"): string =>
    `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  test("one POST in the Connect protocol", async () => {
    const received = Promise.withResolvers<string>();
    const pm = await listen((connection) => {
      let text = "";
      connection.on("data", (bytes) => {
        text += bytes.toString();
        if (text.endsWith("}")) {
          received.resolve(text);
          connection.end(answer('{"id":"the-uuid"}'));
        }
      });
    });
    expect(await pm.processes.remove("näme", { force: true, timeoutMs: 1234.5, requestId: "r1" })).toBe("the-uuid");
    const [head = "", body = ""] = (await received.promise).split("\r\n\r\n");
    expect(head.split("\r\n")).toEqual([
      "POST /pm.v1.ProcessService/RemoveProcess HTTP/1.1",
      "Host: localhost",
      "Content-Type: application/json",
      "Connect-Protocol-Version: 1",
      "Connect-Timeout-Ms: 1235",
      `Content-Length: ${Buffer.byteLength(body)}`,
    ]);
    expect(JSON.parse(body)).toEqual({ process: { name: "näme" }, force: true, requestId: "r1" });
  });

  test.each([
    ["not HTTP at all", "hello?\r\n\r\n"],
    ["a web page", answer("<html>", "text/html")],
    ["no JSON", answer("{oops")],
    ["more than was announced", `${answer("{}")}{}`],
    ["no length", "HTTP/1.1 200 OK\r\n\r\n{}"],
    ["an endless head", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`],
  ])("an answer that is %s is PROTOCOL", async (_, text) => {
    const pm = await listen((connection) => connection.on("data", () => connection.write(text)));
    expect((await failure(pm.daemon.info())).reason).toBe("PROTOCOL");
  });

  test.each([
    ["before any answer", ""],
    ["within the head", "HTTP/1.1 200 OK\r\nContent-"],
    ["within the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"],
    ["within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"],
  ])("a connection lost %s is DISCONNECTED", async (_, text) => {
    const pm = await listen((connection) => connection.once("data", () => connection.end(text)), {
      reconnect: false,
    });
    expect((await failure(pm.daemon.info())).reason).toBe("DISCONNECTED");
  });

  test("an answer that never ends is TIMEOUT, and the connection is closed", async () => {
    const closed = Promise.withResolvers<void>();
    const pm = await listen((connection) => {
      connection.on("close", () => closed.resolve());
      connection.once("data", () => connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"));
    });
    const error = await failure(pm.daemon.info({ timeoutMs: 50 }));
    expect(error).toMatchObject({ reason: "TIMEOUT", code: "deadline_exceeded" });
    await closed.promise;
  });

  test("the manager's time limit holds where the call has none", async () => {
    await listen(() => {});
    const pm = await ProcessManager.connect({ socket, timeoutMs: 50 });
    expect((await failure(pm.daemon.info())).reason).toBe("TIMEOUT");
  });

  test("an abort is ABORTED with its reason as the cause, and the connection is closed", async () => {
    const closed = Promise.withResolvers<void>();
    const controller = new AbortController();
    const pm = await listen((connection) => {
      connection.on("close", () => closed.resolve());
      connection.once("data", () => controller.abort("enough"));
    });
    const error = await failure(pm.daemon.info({ signal: controller.signal }));
    expect(error).toMatchObject({ reason: "ABORTED", code: "canceled", cause: "enough" });
    await closed.promise;
    expect((await failure(pm.daemon.info({ signal: controller.signal }))).reason).toBe("ABORTED");
  });

  test("close() ends what is under way and what comes after", async () => {
    const arrived = Promise.withResolvers<void>();
    const pm = await listen((connection) => connection.once("data", () => arrived.resolve()));
    const call = failure(pm.daemon.info());
    await arrived.promise;
    pm.close();
    expect((await call).reason).toBe("ABORTED");
    expect((await failure(pm.daemon.info())).reason).toBe("ABORTED");
    expect((await failure(pm.processes.watch()[Symbol.asyncIterator]().next())).reason).toBe("ABORTED");
  });

  test("no daemon is UNREACHABLE, with the system's word for it", async () => {
    const missing = await ProcessManager.connect({ socket });
    expect(await failure(missing.daemon.info())).toMatchObject({
      reason: "UNREACHABLE",
      metadata: { errno_name: "ENOENT" },
    });
    expect((await failure(missing.daemon.info())).hint).toContain("pm daemon start");

    writeFileSync(socket, "");
    expect(await failure(missing.daemon.info())).toMatchObject({ metadata: { errno_name: "ECONNREFUSED" } });

    const long = await ProcessManager.connect({ socket: `/tmp/${"x".repeat(200)}/pm.sock` });
    expect((await failure(long.daemon.info())).reason).toBe("UNREACHABLE");
  });

  test("a full queue of the socket is waited out", async () => {
    // Listens, and accepts nothing for a while: connect(2) then fails with EAGAIN once the queue of one is full.
    const time = "2026-01-01T00:00:00Z";
    const source = `
      const { createServer } = require("node:net");
      const [, path, answer] = process.argv;
      const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(answer)));
      server.listen({ path, backlog: 1 }, () => {
        process.stdout.write("listening", () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400));
      });
      process.stdin.on("end", () => process.exit()).resume();
    `;
    const child = spawn(process.execPath, ["-e", source, socket, answer(`{"startTime":"${time}"}`)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const pm = await ProcessManager.connect({ socket });
      const answers = await Promise.all(Array.from({ length: 20 }, () => pm.daemon.info()));
      expect(answers.map(({ startTime }) => startTime)).toEqual(Array.from({ length: 20 }, () => new Date(time)));
    } finally {
      child.stdin.end();
      await once(child, "exit");
    }
  });
});

describe("against the contract", () => {
  test("an error carries reason, code, metadata and hint", async () => {
    await using daemon = await ScriptedDaemon.start({
      process: {
        getProcess: () => {
          throw contractError(Code.NotFound, "PROCESS_NOT_FOUND", { id: "apl", suggestion: "api" });
        },
      },
    });
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    expect(await failure(pm.processes.get("apl"))).toMatchObject({
      name: "PmError",
      reason: "PROCESS_NOT_FOUND",
      code: "not_found",
      message: "scripted PROCESS_NOT_FOUND",
      metadata: { id: "apl", suggestion: "api" },
      hint: 'did you mean "api"?',
    });
  });

  test("a method that the daemon does not have is PROTOCOL", async () => {
    await using daemon = await ScriptedDaemon.start({});
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    expect(await failure(pm.daemon.info())).toMatchObject({ reason: "PROTOCOL", code: "unimplemented" });
  });

  test("the daemon learns of an abort and of the time limit", async () => {
    const begun = Promise.withResolvers<{ signal: AbortSignal; timeoutMs: number | undefined }>();
    await using daemon = await ScriptedDaemon.start({
      process: {
        waitProcess: async (_, { signal, timeoutMs }) => {
          begun.resolve({ signal, timeoutMs: timeoutMs() });
          await aborted(signal);
          return {};
        },
        getProcess: () => ({ process: runningProcess("x") }),
      },
    });
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    const controller = new AbortController();
    const call = failure(pm.processes.wait("x", { signal: controller.signal, timeoutMs: 60_000 }));
    const { signal, timeoutMs } = await begun.promise;
    expect(timeoutMs).toBeGreaterThan(50_000);
    controller.abort();
    expect((await call).reason).toBe("ABORTED");
    await aborted(signal);
  });

  test("start is tried again with the same id after a lost connection", async () => {
    const ids: string[] = [];
    await using daemon = await ScriptedDaemon.start({
      process: {
        startProcess: ({ id, spec }) => {
          ids.push(id);
          if (ids.length < 3) {
            daemon.cut();
          }
          return { process: { ...runningProcess(id), ...(spec !== undefined && { spec }) } };
        },
      },
    });
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    const process = await pm.processes.start({ executable: "true" });
    expect(ids).toEqual([process.id, process.id, process.id]);
    expect(process.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("start waits for the next daemon if the first one dies, no longer than its time limit", async () => {
    await using daemon = await ScriptedDaemon.start({
      process: {
        startProcess: () => {
          void daemon.die();
          return {};
        },
      },
    });
    await using pm = await ProcessManager.connect({ socket: daemon.socket });
    const error = await failure(pm.processes.start({ executable: "true", timeoutMs: 300 }));
    expect(error.reason).toBe("TIMEOUT");
    expect(error.cause).toMatchObject({ reason: "UNREACHABLE" });
    expect((await failure(pm.processes.start({ executable: "true" }))).reason).toBe("UNREACHABLE");
  });
});

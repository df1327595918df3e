/** Calls that share a connection one after the other, and what becomes of those whose connection died meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";

const found = '{"id":"web"}';
const response = (connection: string, body = found): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: ${connection}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Hands on every request with the number of its connection. */
async function serve(answer: (socket: Socket, connection: number, request: string) => void): Promise<ProcessManager> {
  const directory = mkdtempSync(join(tmpdir(), "pm-kept-"));
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const [head = "", body] = text.split("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
      if (body !== undefined && body.length >= length) {
        const request = text;
        text = "";
        answer(socket, connection, request);
      }
    });
  });
  const socket = join(directory, "pm.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const manager = await ProcessManager.connect({ socket, reconnect: false });
  onTestFinished(async () => {
    manager.close();
    for (const one of sockets) one.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });
  return manager;
}

test("calls one after the other share a connection, calls at a time do not", async () => {
  const used: number[] = [];
  const { processes } = await serve((socket, connection) => {
    used.push(connection);
    socket.write(response("keep-alive"));
  });
  await processes.remove("web");
  await processes.remove("web");
  await Promise.all([processes.remove("web"), processes.remove("web")]);
  expect(used).toEqual([1, 1, 1, 2]);
});

test("managers of one daemon share connections, until the last one is closed", async () => {
  const used: number[] = [];
  const first = await serve((socket, connection) => {
    used.push(connection);
    socket.write(response("keep-alive"));
  });
  const socket = first.address.slice("unix://".length);
  await first.processes.remove("web");
  const second = await ProcessManager.connect({ socket });
  await second.processes.remove("web");
  second.close();
  second.close();
  await first.processes.remove("web");
  first.close();
  const third = await ProcessManager.connect({ socket });
  await third.processes.remove("web");
  third.close();
  expect(used).toEqual([1, 1, 1, 2]);
});

test("a connection that the daemon will close is not kept", async () => {
  const used: number[] = [];
  const { processes } = await serve((socket, connection) => {
    used.push(connection);
    socket.write(response("close"));
  });
  await processes.remove("web");
  await processes.remove("web");
  expect(used).toEqual([1, 2]);
});

test("a call that finds its kept connection closed is sent over another one", async () => {
  const used: number[] = [];
  const first = Promise.withResolvers<Socket>();
  const { processes } = await serve((socket, connection) => {
    used.push(connection);
    socket.write(response("keep-alive"));
    first.resolve(socket);
  });
  await processes.remove("web");
  // Closed, and the client has had no time to see it.
  (await first.promise).destroy();
  expect(await processes.remove("web")).toBe("web");
  expect(used).toEqual([1, 2]);
});

test("a kept connection that dies with a request on it is a lost connection", async () => {
  const used: number[] = [];
  const { processes } = await serve((socket, connection) => {
    used.push(connection);
    if (used.length === 2) socket.destroy();
    else socket.write(response("keep-alive"));
  });
  await processes.remove("web");
  await expect(processes.remove("web")).rejects.toMatchObject({ reason: "DISCONNECTED" });
  expect(used).toEqual([1, 1]);
});

test("a response that breaks off is a lost connection", async () => {
  let count = 0;
  const { processes } = await serve((socket) => {
    count += 1;
    if (count === 2) socket.end("HTTP/1.1 200 OK\r\n");
    else socket.write(response("keep-alive"));
  });
  await processes.remove("web");
  await expect(processes.remove("web")).rejects.toMatchObject({ reason: "DISCONNECTED" });
  expect(count).toBe(2);
});

test("what must not be sent twice has a connection of its own", async () => {
  const heads: string[] = [];
  const { processes } = await serve((socket, connection, request) => {
    heads.push(`${connection} ${/Connection: close/.exec(request)?.[0] ?? "kept"}`);
    if (request.includes("PruneProcesses")) socket.destroy();
    else socket.write(response("keep-alive"));
  });
  await processes.remove("web");
  await expect(processes.prune({ all: true })).rejects.toMatchObject({ reason: "DISCONNECTED" });
  expect(heads).toEqual(["1 kept", "2 Connection: close"]);
});

test("bytes that nobody asked for end a kept connection", async () => {
  const used: number[] = [];
  const first = Promise.withResolvers<Socket>();
  const { processes } = await serve((socket, connection) => {
    used.push(connection);
    socket.write(response("keep-alive"));
    first.resolve(socket);
  });
  await processes.remove("web");
  const socket = await first.promise;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write("HTTP/1.1 200 OK\r\n");
  await closed;
  expect(await processes.remove("web")).toBe("web");
  expect(used).toEqual([1, 2]);
});

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { SocketFileError } from "../../src/server/listen/socket-file.ts";
import { clientOf, privateDirectory, serve } from "./serve.ts";

test("the socket is private and goes when the listener closes", async () => {
  const { path, listener, directory } = await serve({});
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(["pm.sock"]);
  await listener.close();
  expect(readdirSync(directory)).toEqual([]);
});

test("a stale socket is replaced", async () => {
  const path = join(privateDirectory(), "pm.sock");
  const script =
    'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  expect(spawnSync(process.execPath, ["-e", script, path]).signal).toBe("SIGKILL");
  expect(existsSync(path)).toBe(true);
  await serve({}, { path });
  expect((await clientOf(DaemonService, path).getInfo({})).version).toBe("test");
});

test("a socket that somebody listens on is left alone", async () => {
  const path = join(privateDirectory(), "pm.sock");
  const other = createServer().listen(path);
  onTestFinished(() => {
    other.close();
  });
  await new Promise((resolve) => other.once("listening", resolve));
  await expect(serve({}, { path })).rejects.toThrow(/another program listens on/);
  expect(lstatSync(path).isSocket()).toBe(true);
});

test("a file that is no socket is left alone", async () => {
  const path = join(privateDirectory(), "pm.sock");
  writeFileSync(path, "precious");
  await expect(serve({}, { path })).rejects.toThrow(/is not a socket/);
  expect(readFileSync(path, "utf8")).toBe("precious");
});

test("a socket that another daemon put in our place stays at the close", async () => {
  const { path, listener, directory } = await serve({});
  renameSync(path, join(directory, "old"));
  const other = createServer().listen(path);
  onTestFinished(() => {
    other.close();
  });
  await new Promise((resolve) => other.once("listening", resolve));
  await listener.close();
  expect(lstatSync(path).isSocket()).toBe(true);
});

test("a path that Linux would cut off is refused with what to do", async () => {
  const directory = join(privateDirectory(), "d".repeat(100));
  mkdirSync(directory, { mode: 0o700 });
  await expect(serve({}, { path: join(directory, "pm.sock") })).rejects.toThrow(
    /too long: \d+ bytes, of which Linux takes 107; set PM_RUNTIME_DIR/,
  );
  expect(readdirSync(directory)).toEqual([]);
});

test("the longest path that Linux takes works", async () => {
  const parent = privateDirectory();
  const directory = join(parent, "d".repeat(107 - parent.length - "/".length - "/pm.sock".length));
  mkdirSync(directory, { mode: 0o700 });
  const path = join(directory, "pm.sock");
  expect(path.length).toBe(107);
  await serve({}, { path });
  expect((await clientOf(DaemonService, path).getInfo({})).version).toBe("test");
});

test.each([0o755, 0o770, 0o1777])("a directory of mode %o is refused", async (mode) => {
  const directory = privateDirectory();
  chmodSync(directory, mode);
  await expect(serve({}, { path: join(directory, "pm.sock") })).rejects.toThrow(SocketFileError);
});

test("a missing directory is refused", async () => {
  const path = join(privateDirectory(), "missing", "pm.sock");
  await expect(serve({}, { path })).rejects.toThrow(/is not a directory/);
});

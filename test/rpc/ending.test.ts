/** A daemon ends when it is asked to, whatever becomes of its stderr and its threads. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { acquireDaemonLock } from "../../src/server/engine/shim/lock.ts";
import { lockHolders } from "../../src/server/engine/shim/lock-holders.ts";
import { makeRuntimeDir, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { removeRuntimeDir } from "../support/leftovers.ts";

const shimPath = join(import.meta.dirname, "../../dist/pm-shim");
const { O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

/** A named pipe, and a descriptor that keeps it open on both sides. */
function makePipe() {
  const directory = makeRuntimeDir();
  onTestFinished(() => removeRuntimeDir(directory), 100_000);
  const path = join(directory, "pipe");
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  return { path, both: openSync(path, O_RDWR | O_NONBLOCK) };
}

function fill(fd: number): void {
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "EAGAIN" });
  }
}

const ways: readonly (readonly [string, (daemon: TestDaemon) => Promise<unknown>])[] = [
  ["SIGTERM", async (daemon) => daemon.signal("SIGTERM")],
  ["Shutdown", (daemon) => daemon.daemon.shutdown({ stopProcesses: true })],
];

test.for(ways)("a stderr that nobody reads does not keep it from ending at %s", async ([, ask]) => {
  const { path, both } = makePipe();
  onTestFinished(() => closeSync(both));
  // Another open file than the one that fills it: this one waits.
  const stderr = openSync(path, O_WRONLY);
  onTestFinished(() => closeSync(stderr));
  fill(both);
  const daemon = await startDaemon({ stderr });
  await daemon.processes.startProcess({ spec: { executable: "sleep", args: ["600"] } });
  await ask(daemon);
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
});

test.for(ways)("a stderr whose reader went does not keep it from ending at %s", async ([, ask]) => {
  const { path, both } = makePipe();
  const stderr = openSync(path, O_WRONLY);
  onTestFinished(() => closeSync(stderr));
  fill(both);
  const daemon = await startDaemon({ stderr });
  await daemon.processes.startProcess({ spec: { executable: "sleep", args: ["600"] } });
  // What was held back until now fails.
  closeSync(both);
  await ask(daemon);
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
});

test.for(ways)("a thread that a system call holds does not keep it from ending at %s", async ([, ask]) => {
  const { path, both } = makePipe();
  // Nobody writes: whoever opens it to read waits.
  closeSync(both);
  const held = `import { open } from "node:fs"; open(${JSON.stringify(path)}, () => {});`;
  const daemon = await startDaemon({ nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(held)}`] });
  await ask(daemon);
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
});

test("a daemon that waits for something while it starts ends at SIGTERM, and its zygote with it", async () => {
  const directory = makeRuntimeDir();
  onTestFinished(() => removeRuntimeDir(directory), 100_000);
  // Its zygote waits for that lock, and whoever has it is no zygote that could be ended.
  const lock = await acquireDaemonLock(join(directory, "zygote.lock"), shimPath);
  onTestFinished(() => closeSync(Number(lock)));
  const main = join(import.meta.dirname, "../../src/server/main.ts");
  const daemon = spawn(process.execPath, [main, "--log-level", "warn"], {
    env: { PATH: process.env["PATH"], HOME: directory, PM_RUNTIME_DIR: directory },
    stdio: "ignore",
  });
  onTestFinished(() => void daemon.kill("SIGKILL"));
  // Its zygote has the file open, to wait for the lock.
  const waits = () => lockHolders(join(directory, "zygote.lock")).length > 0;
  await vi.waitFor(() => expect(waits()).toBe(true), { timeout: 100_000, interval: 200 });
  const ended = once(daemon, "close");
  daemon.kill("SIGTERM");
  expect(await ended).toEqual([143, null]);
  // Though the lock is still taken.
  await vi.waitFor(() => expect(waits()).toBe(false), { timeout: 100_000, interval: 200 });
}, 250_000);

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect, vi } from "vitest";
import { type CommandHost, type CommandHostOptions, startCommandHost } from "../../../src/server/command-host.ts";

const limit = { timeout: 30_000, interval: 10 };
const timing = { startDelay: 0, restartDelay: { first: 1, most: 4 }, proven: 60_000, pingEvery: 20, closeGrace: 100 };

/** Starts a host whose program is this text; whatever became of it ends with the test. */
const test = base.extend("startHost", ({ task }, { onCleanup }) => {
  const directory = mkdtempSync(join(tmpdir(), "pm-host-"));
  const hosts: (CommandHost | undefined)[] = [];
  onCleanup(async () => {
    await Promise.all(hosts.map((host) => host?.close()));
    rmSync(directory, { recursive: true, force: true });
  });
  return (program: string, buildId: string | undefined = task.id) => {
    const said: string[] = [];
    const say = (_details: unknown, message?: string): number => said.push(message ?? String(_details));
    const beginnings = join(directory, "beginnings");
    writeFileSync(beginnings, "");
    const begin = `require("node:fs").appendFileSync(${JSON.stringify(beginnings)}, "x");`;
    writeFileSync(
      join(directory, "host.cjs"),
      `const { parentPort, workerData } = require("node:worker_threads"); ${begin} ${program}`,
    );
    if (buildId !== "") {
      writeFileSync(join(directory, "build-id"), buildId);
    }
    const log = { warn: say, error: say } as unknown as CommandHostOptions["log"];
    const socketPath = join(directory, "cli.sock");
    const host = startCommandHost({ programs: directory, socketPath, log, timing });
    hosts.push(host);
    return { host, said, socketPath, beginnings: () => readFileSync(beginnings, "utf8").length };
  };
});

test.for([
  ["throws", 'throw new Error("broken")'],
  ["throws later", 'setTimeout(() => { throw new Error("broken"); }, 1)'],
  ["leaves a rejection to nobody", 'void Promise.reject(new Error("broken")); setInterval(() => {}, 1000)'],
  ["exits", "process.exit(3)"],
  ["takes all memory", "const all = []; for (;;) all.push(new Array(1e6).fill(all.length));"],
] as const)("a host that %s is replaced, and the daemon lives", async ([, program], { startHost }) => {
  const { beginnings, said } = startHost(program);
  await vi.waitFor(() => expect(beginnings()).toBeGreaterThan(1), limit);
  expect(said).toContain("the command host ended: it is replaced, commands run without it meanwhile");
});

test("a host that hangs while it has work is ended and replaced", async ({ startHost }) => {
  const { beginnings, said } = startHost('parentPort.postMessage("busy"); for (;;);');
  await vi.waitFor(() => expect(beginnings()).toBeGreaterThan(1), limit);
  expect(said).toContain("the command host hangs: ending it");
});

test("a host that answers lives, however long its work takes", async ({ startHost }) => {
  const { beginnings, said, socketPath } = startHost(
    `let pings = 0;
     parentPort.on("message", (message) => {
       if (message === "ping") {
         parentPort.postMessage("pong");
         if (++pings === 20) require("node:fs").writeFileSync(workerData.socketPath, "");
       } else {
         parentPort.close();
       }
     });
     parentPort.postMessage("busy");`,
  );
  await vi.waitFor(() => expect(existsSync(socketPath)).toBe(true), limit);
  expect(said).toEqual([]);
  expect(beginnings()).toBe(1);
});

test("a host has no environment, and ends with the daemon, asked or not", async ({ startHost }) => {
  const { host, beginnings, said } = startHost(
    'if (Object.keys(process.env).length > 0) throw new Error("environment"); parentPort.on("message", () => {});',
  );
  await vi.waitFor(() => expect(beginnings()).toBe(1), limit);
  await host?.close();
  expect(said).toEqual([]);
});

test("a host whose thread a system call holds does not hold up the daemon", async ({ startHost }) => {
  const { host, beginnings, said, socketPath } = startHost(
    `const fifo = workerData.socketPath + ".fifo";
     require("node:child_process").spawnSync("mkfifo", [fifo], { env: { PATH: "/usr/bin:/bin" } });
     require("node:fs").writeFileSync(workerData.socketPath, "");
     require("node:fs").readFileSync(fifo);`,
  );
  await vi.waitFor(() => expect(existsSync(socketPath)).toBe(true), limit);
  expect(beginnings()).toBe(1);
  await host?.close();
  expect(said).toEqual(["the command host does not end: the daemon ends without it"]);
  // Lets the thread go, or this process could not end. Once it reads, or has read.
  await vi.waitFor(() => writeFileSync(`${socketPath}.fifo`, ""), limit);
});

test("without a build there is none", ({ startHost }) => {
  expect(startHost("", "").host).toBeUndefined();
});

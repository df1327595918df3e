import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Probe } from "../../../src/sdk/index.ts";
import { processesOf } from "../../support/leftovers.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { atOnce, late, useDaemon } from "./support.ts";

const quick = { intervalMs: 200, timeoutMs: 1_000, failureThreshold: 1 };
const notify =
  'import os,socket,sys,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\nsay=lambda t:s.sendto(t,os.environ["NOTIFY_SOCKET"])\n';

function exec(script: string, how: Partial<Probe> = {}): Probe {
  return { check: { kind: "exec", command: { executable: "sh", args: ["-c", script] } }, ...quick, ...how };
}

test("a watchdog that is fed lets the process run on; once it is not, it is restarted", async () => {
  const { pm, until, untilOutput } = await useDaemon();
  const script = `${notify}
for i in range(40):
  say(b"WATCHDOG=1")
  time.sleep(0.1)
print("fed", os.environ["WATCHDOG_USEC"], flush=True)
time.sleep(1000)`;
  await pm.processes.start({
    name: "dog",
    executable: "python3",
    args: ["-c", script],
    restart: { mode: "onFailure", backoff: late },
    liveness: { check: { kind: "notify", watchdogMs: 2_000 } },
  });
  await until("dog", ({ supervision }) => supervision?.health === "healthy");
  const starved = await until("dog", ({ state }) => state === "waiting");
  expect(starved).toMatchObject({
    run: { number: 1, stop: { cause: { kind: "probe", detail: "no WATCHDOG=1 for 2000 ms" } } },
    supervision: { waiting: { reason: "restart" } },
  });
  expect(await untilOutput("dog", "\n")).toBe("fed 2000000\n");
});

test("a watchdog that was never fed restarts; a run that lasts too long is stopped", async () => {
  const { pm, sh, until } = await useDaemon();
  await pm.processes.start({
    name: "dog",
    executable: "python3",
    args: ["-c", `${notify}say(b"READY=1")\nsay(b"WATCHDOG=1")\ntime.sleep(1000)`],
    restart: { mode: "onFailure", maxAttempts: 1, backoff: atOnce },
    liveness: { check: { kind: "notify", watchdogMs: 1_000 } },
  });
  await sh("long", "exec sleep 1000", { maxRunMs: 200 });
  const long = await until("long", ({ state }) => state === "exited");
  expect(long.run?.stop?.cause).toMatchObject({ kind: "limit" });
  const dog = await until("dog", ({ state }) => state === "givenUp");
  expect(dog.run).toMatchObject({ number: 2, stop: { cause: { kind: "probe" } } });
});

test("a probe that hangs is killed in time with all that it forked, and holds up no other", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  // As an argument it is seen in /proc, whatever the fork did to its environment.
  const mark = `1${randomUUID().replaceAll(/\D/g, "").slice(0, 7)}`;
  const escapes = `(setsid sleep ${mark} &) ; sleep ${mark} & `;
  await sh("hangs", "exec sleep 1000", { readiness: exec(`${escapes} sleep ${mark}`) });
  await sh("forks", "exec sleep 1000", { readiness: exec(`${escapes} exit 0`) });
  await pm.processes.wait("forks", { until: "ready", timeoutMs: 50_000 });
  const hung = await until("hangs", ({ supervision }) => supervision?.probeMessage !== "");
  expect(hung.supervision).toMatchObject({ readiness: "notReady", probeMessage: "no result after 1000 ms" });
  // Those that are asked now and then will do so as long as there is a process.
  for (const name of ["hangs", "forks"]) {
    await pm.processes.stop(name);
  }
  const sleeping = () => processesOf(daemon.runtimeDir).filter(({ command }) => command === `sleep ${mark}`);
  await expect.poll(sleeping, { timeout: 50_000 }).toEqual([]);
});

test("a probe that floods is cut, and what it says stays short", async () => {
  const { sh, until } = await useDaemon();
  await sh("endless", "exec sleep 1000", { readiness: exec("exec yes flood") });
  await sh("much", "exec sleep 1000", {
    readiness: exec("head -c 50000000 /dev/zero | tr '\\0' x; exit 3", { timeoutMs: 30_000 }),
  });
  const endless = await until("endless", ({ supervision }) => supervision?.probeMessage !== "");
  expect(endless.supervision?.probeMessage).toMatch(/^no result after 1000 ms: flood\n/);
  const much = await until("much", ({ supervision }) => supervision?.probeMessage !== "");
  expect(much.supervision?.probeMessage).toMatch(/^exit code 3: x+$/);
  for (const { supervision } of [endless, much]) {
    expect(supervision?.probeMessage).toHaveLength(1024);
  }
});

test("an answer that comes too late is none, and one of an earlier run is none of this one's", async () => {
  const { pm, sh, until } = await useDaemon();
  const open = new Set<() => void>();
  // Accepts, and answers when nobody listens any more.
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    const answer = setTimeout(() => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), 3_000);
    open.add(() => clearTimeout(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const end of open) end();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await sh("slow", "exec sleep 1000", { readiness: { check: { kind: "http", port }, ...quick } });
  const slow = await until("slow", ({ supervision }) => supervision?.probeMessage !== "");
  expect(slow.supervision).toMatchObject({ readiness: "notReady", probeMessage: "no result after 1000 ms" });

  const directory = temporaryDirectory();
  const asked = join(directory, "asked");
  const answer = join(directory, "answer");
  // Succeeds once, for whoever asked first.
  const script = `test -e ${asked} && exit 1; touch ${asked}; until test -e ${answer}; do sleep 0.05; done`;
  await sh("web", "exec sleep 1000", { readiness: exec(script, { timeoutMs: 60_000 }) });
  await expect.poll(() => existsSync(asked), { timeout: 50_000 }).toBe(true);
  await pm.processes.restart("web");
  writeFileSync(answer, "");
  const asked2 = await until("web", ({ supervision }) => supervision?.probeMessage !== "");
  expect(asked2).toMatchObject({
    run: { number: 2 },
    supervision: { readiness: "notReady", probeMessage: "exit code 1" },
  });
});

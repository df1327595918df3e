import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { atOnce, useDaemon } from "./support.ts";

const quick = { intervalMs: 1_000, timeoutMs: 1_000 };
const notify =
  'import os,socket,sys,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\nsay=lambda t:s.sendto(t,os.environ["NOTIFY_SOCKET"])\n';

test("a process is ready by exec, output and notify, and what depends on it begins then", async () => {
  const { pm, sh, until } = await useDaemon();
  const file = join(temporaryDirectory(), "ready");
  await sh("exec", "exec sleep 1000", {
    readiness: { check: { kind: "exec", command: { executable: "test", args: ["-e", file] } }, ...quick },
  });
  await sh("output", "echo starting; sleep 0.2; echo listening on 80; exec sleep 1000", {
    readiness: { check: { kind: "output", pattern: "listening on [0-9]+" } },
  });
  await pm.processes.start({
    name: "notify",
    executable: "python3",
    args: ["-c", `${notify}say(b"STATUS=warm")\ntime.sleep(0.2)\nsay(b"READY=1")\ntime.sleep(1000)`],
    readiness: { check: { kind: "notify" } },
  });
  await sh("app", "exec sleep 1000", {
    dependsOn: ["exec", "output", "notify"].map((process) => ({ process, condition: "ready" })),
  });
  for (const name of ["output", "notify"]) {
    const { process } = await pm.processes.wait(name, { until: "ready", timeoutMs: 50_000 });
    expect(process.supervision).toMatchObject({ readiness: "ready" });
  }
  expect((await pm.processes.get("notify")).supervision?.notifyStatus).toBe("warm");
  const waiting = await until("app", ({ supervision }) => supervision?.waiting?.for.join() === "exec");
  expect(waiting).toMatchObject({ state: "waiting", supervision: { waiting: { reason: "dependency" } } });
  writeFileSync(file, "");
  const app = await until("app", ({ state }) => state === "running");
  expect(app.run?.cause?.kind).toBe("request");
});

test("HTTP and TCP are asked for; failures of liveness restart", async () => {
  const { pm, sh, until } = await useDaemon();
  let status = 503;
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await sh("web", "exec sleep 1000", { readiness: { check: { kind: "http", port, path: "/ready" }, ...quick } });
  await sh("tcp", "exec sleep 1000", { readiness: { check: { kind: "tcp", port }, ...quick } });
  await pm.processes.wait("tcp", { until: "ready", timeoutMs: 50_000 });
  const unready = await until("web", ({ supervision }) => supervision?.probeMessage.includes("503") ?? false);
  expect(unready.supervision).toMatchObject({ readiness: "notReady" });
  status = 200;
  await pm.processes.wait("web", { until: "ready", timeoutMs: 50_000 });
  await sh("sick", "exec sleep 1000", {
    restart: { mode: "onFailure", maxAttempts: 1, backoff: atOnce },
    liveness: {
      check: { kind: "exec", command: { executable: "sh", args: ["-c", "yes ill; exit 1"] } },
      ...quick,
      failureThreshold: 1,
    },
  });
  const given = await until("sick", ({ state }) => state === "givenUp");
  expect(given).toMatchObject({ run: { number: 2, stop: { cause: { kind: "probe" } } } });
});

test("a stop runs the stop command; hooks run beside the process", async () => {
  const { pm, sh, until } = await useDaemon();
  const directory = temporaryDirectory();
  const said = join(directory, "said");
  await sh("server", `trap '' TERM; while ! test -e ${directory}/end; do sleep 0.05; done; exit 4`, {
    stopCommand: { executable: "touch", args: [join(directory, "end")] },
    hooks: [
      {
        events: ["exited"],
        command: { executable: "sh", args: ["-c", `echo "$PM_EVENT $PM_PROCESS_NAME $PM_EXIT_CODE" > ${said}`] },
      },
    ],
  });
  // The command is on record before it runs, which changes the resource version that was asked for.
  const { resourceVersion } = await pm.processes.get("server");
  const { process } = await pm.processes.stop("server", { precondition: { run: 1, resourceVersion } });
  expect(process.run?.exit).toMatchObject({ code: 4 });
  await expect.poll(() => existsSync(said), { timeout: 50_000 }).toBe(true);
  await until("server", ({ state }) => state === "exited");
});

test("a dependency that is given up or removed is said, and a cycle is refused by name", async () => {
  const { pm, sh, until } = await useDaemon();
  await sh("db", "exit 1", { restart: { mode: "onFailure", maxAttempts: 1, backoff: atOnce } });
  await sh("web", "exec sleep 1000", { dependsOn: [{ process: "db", condition: "completedSuccessfully" }] });
  await until("db", ({ state }) => state === "givenUp");
  const told = await until("web", ({ supervision }) => supervision?.waiting?.detail.includes("it has failed") ?? false);
  expect(told.state).toBe("waiting");
  await pm.processes.remove("db");
  await until("web", ({ state, supervision }) => state === "waiting" && supervision?.waiting?.for.join() === "db");
  const cyclic = ["a", "b", "c"].map((name, index) => ({
    name,
    spec: { executable: "true", dependsOn: [{ process: ["b", "c", "a"][index] ?? "" }] },
  }));
  await expect(Array.fromAsync(pm.projects.apply("round", { processes: cyclic }))).rejects.toMatchObject({
    reason: "DEPENDENCY_CYCLE",
    metadata: { cycle: expect.stringMatching(/^([abc]),[abc],[abc],\1$/) },
  });
});

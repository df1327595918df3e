import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/ts/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { WaitCondition } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { StopOutcome } from "../../gen/ts/pm/v1/run_pb.ts";
import { DaemonFailedError, launchDaemon, makeRuntimeDir, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { removeRuntimeDir } from "../support/leftovers.ts";
import { byId, byName } from "../support/process-ref.ts";

function runtimeDir(): string {
  const directory = makeRuntimeDir();
  onTestFinished(() => removeRuntimeDir(directory), 100_000);
  return directory;
}

async function refused(options: Parameters<typeof launchDaemon>[0]): Promise<DaemonFailedError> {
  const error = await launchDaemon(options).then(
    (daemon) => daemon.close().then(() => expect.fail("the daemon started")),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(DaemonFailedError);
  return error as DaemonFailedError;
}

async function start(daemon: TestDaemon, script: string): Promise<string> {
  const { process } = await daemon.processes.startProcess({ spec: { executable: "sh", args: ["-c", script] } });
  return process?.id ?? "";
}

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.fail("the call succeeded"),
    (cause: unknown) => ConnectError.from(cause),
  );
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  while (!(await iterator.next()).done) {}
}

test("it leaves nothing but its directory behind, and its processes keep running", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "read never < /dev/zero; sleep 600");
  expect(readdirSync(daemon.runtimeDir)).toContain("pm.sock");
  expect(Number(readFileSync(join(daemon.runtimeDir, "daemon.pid"), "utf8"))).toBe(daemon.pid);
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  expect(readdirSync(daemon.runtimeDir)).not.toContain("pm.sock");
  expect(readdirSync(daemon.runtimeDir)).not.toContain("daemon.pid");

  await daemon.restart();
  const { process } = await daemon.processes.getProcess({ process: byId(id) });
  expect(process?.state).toBe(ProcessState.RUNNING);
});

test("a killed daemon's socket and pid file are replaced", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "exit 3");
  await daemon.processes.waitProcess({ process: byId(id) });
  const before = daemon.pid;
  await daemon.kill9();
  expect(existsSync(daemon.socketPath)).toBe(true);
  await daemon.restart();
  expect(daemon.pid).not.toBe(before);
  const { process } = await daemon.processes.getProcess({ process: byId(id) });
  expect(process?.run?.exit?.result).toEqual({ case: "code", value: 3 });
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends waits and streams with SHUTTING_DOWN", async (signal) => {
  const daemon = await startDaemon();
  const id = await start(daemon, "echo begun; sleep 600");
  const frames = daemon.processes.streamOutput({ process: byId(id), follow: true })[Symbol.asyncIterator]();
  expect((await frames.next()).value?.frame.case).toBe("opened");
  expect((await frames.next()).value?.frame.case).toBe("chunk");
  const events = daemon.processes.watchProcesses({})[Symbol.asyncIterator]();
  await events.next();
  await events.next();
  const calls = [
    failureOf(daemon.processes.waitProcess({ process: byId(id) })),
    failureOf(
      daemon.processes.stopProcess({
        process: byId(id),
        options: { signal: "SIGCONT", gracePeriod: { seconds: 600n } },
      }),
    ),
    failureOf(drain(frames)),
    failureOf(drain(events)),
  ];
  // The daemon has the calls when it responds to a later one of the same connection.
  await daemon.daemon.getInfo({});
  daemon.signal(signal);
  for (const error of await Promise.all(calls)) {
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "SHUTTING_DOWN", domain: "pm" }]);
  }
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
});

test("Shutdown responds before it ends the daemon, and can stop the processes first", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "trap '' TERM; sleep 600 & wait; wait");
  expect(await daemon.daemon.shutdown({})).toMatchObject({ running: 1 });
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
  await daemon.restart();
  const response = await daemon.daemon.shutdown({ stopProcesses: true, gracePeriod: { seconds: 0n } });
  expect(response).toMatchObject({ running: 0 });
  expect(await daemon.exited).toEqual({ code: 0, signal: null });
  await daemon.restart();
  const { process } = await daemon.processes.getProcess({ process: byId(id) });
  expect(process).toMatchObject({ state: ProcessState.EXITED, run: { treeAlive: false } });
});

test("many who wait for one process do not keep the daemon from responding", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "sleep 600");
  const waits = Array.from({ length: 20 }, () => daemon.processes.waitProcess({ process: byId(id) }));
  const stop = daemon.processes.stopProcess({
    process: byId(id),
    options: { signal: "SIGCONT", gracePeriod: { seconds: 0n, nanos: 1_000_000 } },
  });
  expect(await stop).toMatchObject({ receipt: { outcome: StopOutcome.SURVIVED } });
  await daemon.processes.stopProcess({ process: byId(id), options: { force: true, gracePeriod: { seconds: 0n } } });
  for (const { process } of await Promise.all(waits)) {
    expect(process?.run?.exit?.result).toEqual({ case: "signal", value: 9 });
  }
});

test("a second signal ends it at once, whatever holds up the first", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "exec yes");
  // A reader that takes nothing holds its session open for the grace period.
  const session = connectHttp2("http://localhost", { createConnection: () => connect(daemon.socketPath) });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/pm.v1.ProcessService/StreamOutput",
    "content-type": "application/connect+json",
  });
  stream.on("error", () => {});
  stream.pause();
  const body = Buffer.from(JSON.stringify({ process: { id }, follow: true }));
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]));
  await new Promise((resolve) => stream.once("response", resolve));
  daemon.signal("SIGTERM");
  await expect.poll(() => daemon.log, { timeout: 30_000 }).toContain("stopping");
  daemon.signal("SIGTERM");
  expect(await daemon.exited).toEqual({ code: 143, signal: null });
  await daemon.restart();
  expect((await daemon.processes.getProcess({ process: byId(id) })).process?.state).toBe(ProcessState.RUNNING);
});

test("a follow of a process that says nothing opens at once and then shows that it lives", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "exec sleep 600");
  const heartbeatInterval = { seconds: 1n };
  const frames = daemon.processes
    .streamOutput({ process: byId(id), follow: true, heartbeatInterval })
    [Symbol.asyncIterator]();
  expect((await frames.next()).value?.frame).toMatchObject({ case: "opened", value: { processId: id, run: 1 } });
  expect((await frames.next()).value?.frame).toMatchObject({ case: "heartbeat", value: { nextOffset: 0n } });
});

test("it says that it is healthy, and by what contract", async () => {
  const daemon = await startDaemon();
  const transport = createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => connect(daemon.socketPath) },
  });
  const { status } = await createClient(Health, transport).check({ service: "pm.v1.ProcessService" });
  expect(status).toBe(HealthCheckResponse_ServingStatus.SERVING);
  const asked = (async function* () {
    yield { messageRequest: { case: "listServices", value: "" } } as const;
    yield { messageRequest: { case: "fileContainingSymbol", value: "pm.v1.ProcessService" } } as const;
  })();
  const responses: unknown[] = [];
  for await (const { messageResponse } of createClient(ServerReflection, transport).serverReflectionInfo(asked)) {
    responses.push(messageResponse);
  }
  const service = expect.arrayContaining([expect.objectContaining({ name: "pm.v1.ProcessService" })]);
  expect(responses).toMatchObject([
    { case: "listServicesResponse", value: { service } },
    { case: "fileDescriptorResponse" },
  ]);
  const [, { value }] = responses as [unknown, { value: { fileDescriptorProto: Uint8Array[] } }];
  const files = value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  expect(files[0]?.name).toBe("pm/v1/process_service.proto");
  // 6, 0: the first service of the file.
  const comment = files[0]?.sourceCodeInfo?.location.find(({ path }) => path.join() === "6,0")?.leadingComments;
  expect(comment).toBe(leadingComment("proto/pm/v1/process_service.proto", "service ProcessService"));
  // What the contract stands on comes along, so that a client can build it.
  const names = new Set(files.map(({ name }) => name));
  expect(files.flatMap(({ dependency }) => dependency).filter((name) => !names.has(name))).toEqual([]);
});

/** The comment that stands right above a line that begins so, as protobuf has it. */
function leadingComment(path: string, line: string): string {
  const lines = readFileSync(join(import.meta.dirname, "../..", path), "utf8").split("\n");
  const at = lines.findIndex((text) => text.startsWith(line));
  const begin = lines.findLastIndex((text, index) => index < at && !text.startsWith("//")) + 1;
  return lines
    .slice(begin, at)
    .map((text) => `${text.slice(2)}\n`)
    .join("");
}

test("SIGHUP does not end it", async () => {
  const daemon = await startDaemon();
  daemon.signal("SIGHUP");
  await expect.poll(() => daemon.log, { timeout: 30_000 }).toContain("SIGHUP");
  expect((await daemon.daemon.getInfo({})).pid).toBe(daemon.pid);
});

test("a reader of stderr that goes away does not end it", async () => {
  const directory = runtimeDir();
  const child = spawn(
    "sh",
    [
      "-c",
      `exec "$0" "$1" 3>&1 2>&- --log-level debug`,
      process.execPath,
      join(import.meta.dirname, "../../src/server/main.ts"),
    ],
    { env: { ...process.env, PM_RUNTIME_DIR: directory, PM_READY_FD: "3" }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
});

test("a second daemon for the directory is refused and names the first", async () => {
  const daemon = await startDaemon();
  const error = await refused({ runtimeDir: daemon.runtimeDir });
  expect(error.exit).toEqual({ code: 5, signal: null });
  expect(JSON.parse(error.readiness)).toEqual({
    error: expect.stringContaining(`process ${daemon.pid}`),
    code: 5,
  });
  expect((await daemon.daemon.getInfo({})).pid).toBe(daemon.pid);
});

test("of several started at once one serves", async () => {
  const directory = runtimeDir();
  const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => launchDaemon({ runtimeDir: directory })));
  const served = attempts.filter((attempt) => attempt.status === "fulfilled");
  const others = attempts.filter((attempt) => attempt.status === "rejected");
  try {
    expect(served.length).toBe(1);
    expect(others.map(({ reason }) => (reason as DaemonFailedError).exit.code)).toEqual([5, 5, 5]);
  } finally {
    await Promise.all(served.map(({ value }) => value.close()));
  }
});

test("a directory open to others is refused", async () => {
  const directory = runtimeDir();
  chmodSync(directory, 0o755);
  const error = await refused({ runtimeDir: directory });
  expect(error.exit.code).toBe(1);
  expect(JSON.parse(error.readiness)).toMatchObject({ error: expect.stringMatching(/chmod 0700/), code: 1 });
});

test.each([
  ["a file", (path: string) => writeFileSync(path, "")],
  ["a link", (path: string) => symlinkSync("/tmp", path)],
])("%s in place of the directory is refused", async (_name, make) => {
  const path = join(runtimeDir(), "pm");
  make(path);
  expect((await refused({ runtimeDir: path })).exit.code).toBe(1);
});

test("a directory that cannot be made is refused", async () => {
  expect((await refused({ runtimeDir: "/proc/pm" })).message).toMatch(/PM_RUNTIME_DIR/);
  expect((await refused({ runtimeDir: "relative" })).message).toMatch(/absolute/);
});

test("a directory too deep for a socket is refused before a process is touched", async () => {
  const directory = join(runtimeDir(), "d".repeat(100));
  mkdirSync(directory, { mode: 0o700 });
  const error = await refused({ runtimeDir: directory });
  expect(error.message).toMatch(/too long.*PM_RUNTIME_DIR/);
  expect(readdirSync(directory)).toEqual(["p"]);
});

test.each([
  [["--nonsense"], /nonsense/],
  [["--log-level", "loud"], /--log-level: must be one of/],
  [["--retention-age", "7 weeks"], /--retention-age/],
  [["--default-output-limit", "2M", "--max-output-limit", "1M"], /must not be below/],
])("the flags %j are a usage error", async (args, message) => {
  const error = await refused({ args, runtimeDir: runtimeDir() });
  expect(error.exit.code).toBe(2);
  expect(error.readiness).toMatch(message);
});

test("flags reach the engine", async () => {
  const daemon = await startDaemon({ args: ["--default-output-limit", "64k", "--max-output-limit", "1MiB"] });
  const info = await daemon.daemon.getInfo({});
  expect(info).toMatchObject({
    limits: { defaultOutputLimitBytes: 65_536n, maxOutputLimitBytes: 1_048_576n },
    runtimeDirectory: daemon.runtimeDir,
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  });
  const spec = { executable: "true", output: { limitBytes: 2_097_152n } };
  const error = await failureOf(daemon.processes.startProcess({ spec }));
  expect(["INVALID_ARGUMENT", "LIMIT_EXCEEDED"]).toContain(error.findDetails(ErrorInfoSchema)[0]?.reason);
});

test.each([
  { id: "" },
  { id: "abcd0000" },
  { id: "1".repeat(37) },
  { name: "" },
  { name: "a b" },
  { name: "-x" },
  { name: "12" },
  { name: "a".repeat(64) },
  { name: "../etc" },
  { name: "a\0b" },
  { name: "abc" },
])("the reference %j is malformed or unknown, everywhere alike", async ({ id, name = "" }) => {
  const daemon = await startDaemon();
  const process = id === undefined ? byName(name) : byId(id);
  const calls = [
    daemon.processes.getProcess({ process }),
    daemon.processes.stopProcess({ process }),
    daemon.processes.signalProcess({ process, signal: "TERM" }),
    daemon.processes.restartProcess({ process }),
    daemon.processes.updateProcess({ process, updateMask: { paths: ["labels"] } }),
    daemon.processes.waitProcess({ process }),
    daemon.processes.listRuns({ process }),
    daemon.processes.getOutput({ process }),
    daemon.processes.streamOutput({ process })[Symbol.asyncIterator]().next(),
    daemon.processes.writeInput({ process }),
    daemon.processes.resizeTerminal({ process, size: { rows: 1, columns: 1 } }),
    daemon.processes.removeProcess({ process }),
  ];
  const reasons = await Promise.all(
    calls.map(async (call) => (await failureOf(call)).findDetails(ErrorInfoSchema)[0]?.reason),
  );
  expect(new Set(reasons)).toEqual(new Set([name === "abc" ? "PROCESS_NOT_FOUND" : "INVALID_ID"]));
});

test("the life of a process", async () => {
  const daemon = await startDaemon();
  const id = await start(daemon, "printf out; printf err >&2; exit 7");
  const waited = await daemon.processes.waitProcess({ process: byId(id), condition: WaitCondition.OUTPUT_COMPLETE });
  expect(waited.process?.run?.exit?.result).toEqual({ case: "code", value: 7 });
  const { chunks } = await daemon.processes.getOutput({ process: byId(id) });
  expect(Buffer.concat(chunks.map(({ data }) => data)).toString()).toHaveLength(6);
  expect((await daemon.processes.listProcesses({})).processes.map((process) => process.id)).toEqual([id]);
  expect((await daemon.processes.removeProcess({ process: byId(id) })).id).toBe(id);
  expect((await daemon.processes.listProcesses({})).totalSize).toBe(0);
});

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { type ServiceError, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { byId } from "../support/process-ref.ts";
import { grpcClient } from "./grpc-client.ts";

const { startProcess, getProcess, streamOutput } = ProcessService.method;

function shell(script: string) {
  return { spec: { executable: "sh", args: ["-c", script] } };
}

test("grpc-js: a process is started and its output streamed to the end", async () => {
  const daemon = await startDaemon();
  const client = grpcClient(daemon.socketPath);
  const { process } = await client.unary(startProcess, shell("seq 100000"));
  const id = process?.id ?? "";
  const kinds: (string | undefined)[] = [];
  const parts: Buffer[] = [];
  for await (const { frame } of client.stream(streamOutput, { process: byId(id), follow: true })) {
    kinds.push(frame.case);
    if (frame.case === "chunk") {
      parts.push(Buffer.from(frame.value.data));
    }
  }
  expect(kinds[0]).toBe("opened");
  expect(kinds.at(-1)).toBe("end");
  const expected = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
  expect(Buffer.concat(parts).toString()).toBe(expected);
});

test("grpc-js: an error's reason and metadata can be read", async () => {
  const daemon = await startDaemon();
  const client = grpcClient(daemon.socketPath);
  const error = await client.unary(startProcess, { spec: { executable: "/no/such" } }).then(
    () => expect.fail("the call succeeded"),
    (cause: ServiceError) => cause,
  );
  expect(error.code).toBe(status.FAILED_PRECONDITION);
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const { details } = fromBinary(StatusSchema, bytes as Buffer);
  const info = fromBinary(ErrorInfoSchema, details[0]?.value ?? new Uint8Array());
  expect(details[0]?.typeUrl).toBe("type.googleapis.com/google.rpc.ErrorInfo");
  expect(info).toMatchObject({
    reason: "START_FAILED",
    domain: "pm",
    metadata: { step: "exec", errno: "2", errno_name: "ENOENT", path: "/no/such" },
  });
});

test("grpc-js: canceling in mid-stream lets the process and the daemon go on", async () => {
  const daemon = await startDaemon();
  const client = grpcClient(daemon.socketPath);
  const { process } = await client.unary(startProcess, shell("yes"));
  const id = process?.id ?? "";
  const stream = client.stream(streamOutput, { process: byId(id), follow: true });
  let frames = 0;
  const ended = new Promise<ServiceError>((resolve) => stream.once("error", resolve));
  stream.on("data", () => {
    frames += 1;
    if (frames === 20) {
      stream.cancel();
    }
  });
  expect((await ended).code).toBe(status.CANCELLED);
  expect(await client.unary(getProcess, { process: byId(id) })).toMatchObject({
    process: { run: { treeAlive: true } },
  });
});

test("gRPC-Web over HTTP/1.1: output is streamed to the end", async () => {
  const daemon = await startDaemon();
  const { process } = await daemon.processes.startProcess(shell("printf web"));
  const transport = createGrpcWebTransport({
    httpVersion: "1.1",
    baseUrl: "http://localhost",
    nodeOptions: { socketPath: daemon.socketPath },
  });
  const kinds: (string | undefined)[] = [];
  const client = createClient(ProcessService, transport);
  for await (const { frame } of client.streamOutput({ process: byId(process?.id ?? ""), follow: true })) {
    kinds.push(frame.case);
  }
  expect(kinds).toEqual(["opened", "chunk", "end"]);
});

async function curl(daemon: TestDaemon, version: string, method: string, json: unknown): Promise<unknown> {
  const { stdout } = await promisify(execFile)("curl", [
    "--silent",
    version,
    "--unix-socket",
    daemon.socketPath,
    "--header",
    "content-type: application/json",
    "--data",
    JSON.stringify(json),
    `http://localhost/pm.v1.ProcessService/${method}`,
  ]);
  return JSON.parse(stdout);
}

test.each(["--http1.1", "--http2-prior-knowledge"])("curl %s starts and lists processes", async (version) => {
  const daemon = await startDaemon();
  const started = await curl(daemon, version, "StartProcess", { spec: { executable: "sleep", args: ["600"] } });
  expect(started).toMatchObject({ process: { state: "PROCESS_STATE_RUNNING" } });
  const { process } = started as { process: { id: string } };
  expect(await curl(daemon, version, "ListProcesses", {})).toMatchObject({
    processes: [{ id: process.id, spec: { executable: "sleep", args: ["600"] } }],
    totalSize: 1,
  });
  expect(await curl(daemon, version, "GetProcess", { process: { name: "nobody" } })).toMatchObject({
    code: "not_found",
    details: [{ debug: { reason: "PROCESS_NOT_FOUND", domain: "pm", metadata: { id: "nobody" } } }],
  });
});

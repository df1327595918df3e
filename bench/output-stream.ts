/**
 * How fast kept output leaves the daemon, beside a raw HTTP/2 stream of Node.js
 * over the same kind of socket: `node bench/output-stream.ts [rounds]`. The
 * contenders take turns; both have a raw client that counts bytes. Prints
 * medians in MB/s, ratios, and the server's processor time, which tells more on a
 * busy machine, as JSON.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request as requestHttp1 } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { StreamOutputRequestSchema } from "../gen/ts/pm/v1/process_service_pb.ts";
import { openEngine } from "../src/server/engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "../src/server/engine/lifecycle/runtime-directory.ts";
import { createRequestHandler } from "../src/server/listen/request-handler.ts";
import { listenUnix } from "../src/server/listen/unix.ts";
import { createLog } from "../src/server/log.ts";
import { daemonRoutes } from "../src/server/rpc/routes.ts";
import { openSupervision } from "../src/server/supervision/open.ts";

const keptBytes = 64 * 1024 * 1024;
const windowBytes = 1024 * 1024;
/** What the raw server writes at once. */
const pieceBytes = 256 * 1024;

/** Sizes of the writes that made the kept output. */
const writes = { "64 KiB writes": "65536", "1 KiB writes": "1024" } as const;

async function serve(directory: string): Promise<void> {
  prepareRuntimeDirectory(join(directory, "run"));
  const engine = await openEngine({
    runtimeDir: join(directory, "run"),
    shimPath: join(import.meta.dirname, "../dist/pm-shim"),
    cgroupRoot: null,
    environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/" },
  });
  const log = createLog("error", process.stderr);
  const supervision = await openSupervision({ engine, stateDirectory: join(directory, "state"), bootId: "bench", log });
  const stopping = new AbortController();
  const routes = daemonRoutes({
    engine: supervision.engine,
    supervision,
    log,
    identity: { version: "bench", instanceId: "", startTime: 0n, runtimeDirectory: directory },
    limits: { maxStreamsPerConnection: 256, maxConnections: 512, maxRequestBytes: 8 << 20 },
    stopping: stopping.signal,
    requestShutdown: () => {},
  });
  const handler = createRequestHandler({ routes, shutdownSignal: stopping.signal, log });
  const listener = await listenUnix({ path: join(directory, "pm.sock"), handler, log });
  const raw = createHttp2Server({ settings: { initialWindowSize: windowBytes } });
  raw.on("stream", async (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200 });
    const piece = Buffer.alloc(pieceBytes, 1);
    for (let sent = 0; sent < keptBytes; sent += pieceBytes) {
      if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve));
    }
    stream.end();
  });
  raw.listen(join(directory, "raw.sock"));
  const context = { principal: "local", requestId: "", precondition: null };
  const ids: Record<string, string> = {};
  for (const [name, size] of Object.entries(writes)) {
    const { process: started } = await engine.start(
      {
        id: "",
        name: "",
        labels: {},
        spec: {
          executable: "dd",
          args: ["if=/dev/zero", `bs=${size}`, `count=${keptBytes / Number(size)}`, "status=none"],
          env: [],
          envMode: "extend",
          cwd: "/",
          output: { limitBytes: keptBytes, whenFull: "dropOldest" },
          stdin: "null",
          terminal: null,
          limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
          stop: { signal: "", graceMs: null },
          umask: null,
          nice: null,
          oomScoreAdj: null,
        },
      },
      context,
    );
    await engine.wait({ id: started.id }, "treeGone", null, AbortSignal.timeout(60_000));
    ids[name] = started.id;
  }
  process.send?.(ids);
  process.on("message", async (message) => {
    if (message === "cpu") {
      const { user, system } = process.cpuUsage();
      process.send?.((user + system) / 1e6);
      return;
    }
    await listener.close();
    raw.close();
    for (const id of Object.values(ids)) await engine.remove({ id }, true, context);
    await engine.close();
    process.exit();
  });
}

/** Megabytes a second of one response. */
async function http2Rate(path: string, url: string, type: string, body: Uint8Array): Promise<number> {
  const session = connectHttp2("http://localhost", {
    createConnection: () => connect(path),
    settings: { initialWindowSize: windowBytes },
  });
  await new Promise((resolve) => session.once("connect", resolve));
  session.setLocalWindowSize(windowBytes);
  const begin = performance.now();
  const stream = session.request({ ":method": "POST", ":path": url, "content-type": type });
  stream.end(body);
  const rate = await rateOf(stream, begin);
  session.close();
  return rate;
}

async function http1Rate(path: string, url: string, type: string, body: Uint8Array): Promise<number> {
  const begin = performance.now();
  const request = requestHttp1({ socketPath: path, path: url, method: "POST", headers: { "content-type": type } });
  request.end(body);
  const [response] = (await new Promise((resolve, reject) => {
    request.once("response", (...got) => resolve(got));
    request.once("error", reject);
  })) as [NodeJS.ReadableStream];
  return await rateOf(response, begin);
}

async function rateOf(stream: NodeJS.ReadableStream, begin: number): Promise<number> {
  let bytes = 0;
  stream.on("data", (data: Buffer) => {
    bytes += data.length;
  });
  await new Promise((resolve, reject) => {
    stream.once("end", resolve);
    stream.once("error", reject);
  });
  if (bytes < keptBytes) throw new Error(`only ${bytes} bytes came`);
  return bytes / 1000 / (performance.now() - begin);
}

function outputRequest(id: string): Uint8Array {
  const message = toBinary(
    StreamOutputRequestSchema,
    create(StreamOutputRequestSchema, { process: { ref: { case: "id", value: id } } }),
  );
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  return envelope;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "pm-bench-"));
  const server = fork(import.meta.filename, ["--serve", directory]);
  const ids = await new Promise<Record<string, string>>((resolve, reject) => {
    server.once("message", (message) => resolve(message as Record<string, string>));
    server.once("exit", (code) => reject(new Error(`the server exited with ${code}`)));
  });
  const url = "/pm.v1.ProcessService/StreamOutput";
  const type = "application/connect+proto";
  const socket = join(directory, "pm.sock");
  const contenders: Record<string, () => Promise<number>> = {
    "raw HTTP/2": () => http2Rate(join(directory, "raw.sock"), "/", type, new Uint8Array()),
  };
  for (const [name, id] of Object.entries(ids)) {
    contenders[`HTTP/2, ${name}`] = () => http2Rate(socket, url, type, outputRequest(id));
    contenders[`HTTP/1.1, ${name}`] = () => http1Rate(socket, url, type, outputRequest(id));
  }
  const cpu = async () => {
    server.send("cpu");
    return await new Promise<number>((resolve) => server.once("message", (seconds) => resolve(Number(seconds))));
  };
  const rates: Record<string, number[]> = {};
  const costs: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(contenders)) {
      const before = await cpu();
      rates[name] = [...(rates[name] ?? []), await measure()];
      costs[name] = [...(costs[name] ?? []), ((await cpu()) - before) / (keptBytes / 1e9)];
    }
  }
  const raw = median(rates["raw HTTP/2"] ?? []);
  const results = Object.fromEntries(
    Object.entries(rates).map(([name, got]) => [
      name,
      {
        median: Math.round(median(got)),
        min: Math.round(Math.min(...got)),
        max: Math.round(Math.max(...got)),
        ofRaw: Number((median(got) / raw).toFixed(2)),
        serverSecondsPerGigabyte: Number(median(costs[name] ?? []).toFixed(2)),
      },
    ]),
  );
  console.log(JSON.stringify({ unit: "MB/s", rounds, processors: cpus().length, results }, null, 2));
  server.send("stop");
  await new Promise((resolve) => server.once("exit", resolve));
  rmSync(directory, { recursive: true, force: true });
}

if (process.argv[2] === "--serve") await serve(process.argv[3] ?? "");
else await main(Number(process.argv[2] ?? 7));

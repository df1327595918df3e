/** Many readers of one process. */
import { createHash } from "node:crypto";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StreamOutputRequestSchema, StreamOutputResponseSchema } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { type BenchDaemon, openDaemon } from "../measure/daemon.ts";
import { compileLimit } from "../measure/limits.ts";
import { residentBytes } from "../measure/machine.ts";
import { mebibyte, written } from "../measure/output.ts";
import type { Part } from "../measure/part.ts";
import { median } from "../measure/rounds.ts";

const perConnection = 100;

interface Size {
  readonly count: number;
  readonly stalled: number;
  /** Until the daemon has collected what is not needed, milliseconds. */
  readonly quietMs: number;
}

export const followers: Part = {
  name: "followers",
  async run({ quick, directory, say }) {
    const size: Size = quick
      ? { count: 100, stalled: 10, quietMs: 500 }
      : { count: 1000, stalled: 100, quietMs: 12_000 };
    const { count, stalled } = size;
    const echo = compileLimit("echo", directory);
    const writer = compileLimit("writer", directory);
    say(`${count} followers`);
    const { each, rate } = await follow(echo, size);
    say(`${stalled} stalled followers`);
    const { grown, share } = await stall(writer, size);
    return {
      title: "Many followers of one process",
      text: `${count} streams over ${count / perConnection} HTTP/2 connections follow one process; every one must get the same bytes. Then ${stalled} streams, each over a connection of its own, read nothing of a flood, and another one reads kept output before and beside them. Memory is the daemon's resident memory beyond what it had before, sockets included where the kernel counts them to the process.`,
      measures: [],
      growths: [],
      figures: [
        { name: "memory of each follower", value: each / 1000, unit: "kB", atMost: 64 },
        { name: "lines delivered to all followers together", value: rate, unit: "a second" },
        { name: `memory of ${stalled} stalled followers`, value: grown / 1e6, unit: "MB", atMost: 10 },
        { name: "speed of a reader beside them, of what it was without", value: share, unit: "" },
      ],
      absent: [],
    };
  },
};

async function follow(echo: string, { count, quietMs }: Size): Promise<{ each: number; rate: number }> {
  await using daemon = await openDaemon({ commandHost: false });
  const lines = count / 5;
  const process = await daemon.manager.processes.start({
    executable: "sh",
    args: ["-c", `read x; exec ${echo} ${lines} 10000`],
    stdin: "pipe",
  });
  // What the first streams load and compile is no follower's.
  await warm(daemon, process.id);
  await sleep(quietMs);
  const before = residentBytes(daemon.pid);
  const sessions = await Promise.all(Array.from({ length: count / perConnection }, () => open(daemon.socket)));
  const hashes: Promise<string>[] = [];
  const opened: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const stream = request(sessions[index % sessions.length] as ClientHttp2Session, process.id, true);
    opened.push(new Promise((resolve) => stream.once("data", () => resolve())));
    hashes.push(hashOf(stream));
  }
  await Promise.all(opened);
  await sleep(quietMs);
  const each = (residentBytes(daemon.pid) - before) / count;
  const begin = performance.now();
  await process.write("go\n");
  const different = new Set(await Promise.all(hashes));
  const rate = (lines * count) / ((performance.now() - begin) / 1000);
  if (different.size !== 1) throw new Error(`followers got ${different.size} different outputs`);
  for (const session of sessions) session.close();
  return { each, rate };
}

async function warm(daemon: BenchDaemon, id: string): Promise<void> {
  const session = await open(daemon.socket);
  for (let index = 0; index < 20; index++) {
    const stream = request(session, id, true);
    await new Promise<void>((resolve) => stream.once("data", () => resolve()));
    stream.close();
  }
  session.close();
}

async function stall(writer: string, { stalled, quietMs }: Size): Promise<{ grown: number; share: number }> {
  await using daemon = await openDaemon({ commandHost: false });
  const process = await daemon.manager.processes.start({
    executable: writer,
    args: ["1000000000000", "65536"],
    output: { limitBytes: mebibyte },
  });
  await warm(daemon, process.id);
  await sleep(quietMs);
  const kept = await written(daemon.manager, writer, 16 * mebibyte, 65_536, 16 * mebibyte);
  const readingMs = async (): Promise<number> => {
    const times: number[] = [];
    for (let turn = 0; turn < 9; turn++) {
      const begin = performance.now();
      for await (const _ of daemon.manager.processes.stream(kept.id, { reuse: true }).bytes());
      times.push(performance.now() - begin);
    }
    return median(times);
  };
  const alone = await readingMs();
  await sleep(quietMs);
  const before = residentBytes(daemon.pid);
  const sessions = await Promise.all(Array.from({ length: stalled }, () => open(daemon.socket)));
  for (const session of sessions) request(session, process.id, true).pause();
  await sleep(quietMs);
  const grown = residentBytes(daemon.pid) - before;
  const share = alone / (await readingMs());
  for (const session of sessions) session.destroy();
  return { grown, share };
}

async function open(path: string): Promise<ClientHttp2Session> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
  await new Promise((resolve, reject) => {
    session.once("connect", resolve);
    session.once("error", reject);
  });
  session.on("error", () => {});
  return session;
}

function request(session: ClientHttp2Session, id: string, follow: boolean): ClientHttp2Stream {
  const message = toBinary(
    StreamOutputRequestSchema,
    create(StreamOutputRequestSchema, { process: { ref: { case: "id", value: id } }, follow }),
  );
  const body = Buffer.alloc(5 + message.length);
  body.writeUInt32BE(message.length, 1);
  body.set(message, 5);
  const stream = session.request({
    ":method": "POST",
    ":path": "/pm.v1.ProcessService/StreamOutput",
    "content-type": "application/connect+proto",
  });
  stream.on("error", () => {});
  stream.end(body);
  return stream;
}

/** Of the output's bytes alone: messages differ in how they are cut. */
async function hashOf(stream: ClientHttp2Stream): Promise<string> {
  const hash = createHash("sha256");
  let rest: Buffer = Buffer.alloc(0);
  for await (const data of stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest[0] === 0) {
        const { frame } = fromBinary(StreamOutputResponseSchema, rest.subarray(5, end));
        if (frame.case === "gap") throw new Error("a follower got a gap");
        if (frame.case === "chunk") hash.update(frame.value.data);
      }
      rest = rest.subarray(end);
    }
  }
  return hash.digest("hex");
}

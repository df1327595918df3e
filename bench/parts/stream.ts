/** How fast kept and living output reaches one reader. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Process, ProcessManager } from "../../src/sdk/index.ts";
import { openDaemon, runMilliseconds } from "../measure/daemon.ts";
import { buildGoReader, compileLimit, numberFrom } from "../measure/limits.ts";
import { cpuSeconds, describeMachine, reapedCpuSeconds, zygoteOf } from "../measure/machine.ts";
import { mebibyte, written } from "../measure/output.ts";
import type { Part } from "../measure/part.ts";
import { megabytesPerSecond, openRawStreams } from "../measure/raw-streams.ts";
import { type Contender, median, runRounds } from "../measure/rounds.ts";

const program = join(import.meta.dirname, "../../dist/pm");

async function read(manager: ProcessManager, id: string, kept: number, reuse = false): Promise<number> {
  const begin = performance.now();
  let got = 0;
  for await (const data of manager.processes.stream(id, { reuse }).bytes()) got += data.length;
  if (got !== kept) throw new Error(`${got} of ${kept} bytes came`);
  return megabytesPerSecond(kept, begin);
}

export const stream: Part = {
  name: "stream",
  async run({ rounds, quick, directory, say }) {
    const kept = (quick ? 8 : 64) * mebibyte;
    const writer = compileLimit("writer", directory);
    const tls = await certificates(directory);
    await using daemon = await openDaemon({ commandHost: false, args: tls.daemonArgs });
    await using raw = await openRawStreams(directory, tls.files);
    await using remote = await ProcessManager.connect(tls.connect);
    const large = await written(daemon.manager, writer, kept, 65_536, kept);
    const small = await written(daemon.manager, writer, kept, 1024, kept);
    const copy = join(directory, "output");
    writeFileSync(copy, Buffer.alloc(kept));
    const costs = { server: [] as number[], client: [] as number[] };
    const readReusing = async (): Promise<number> => {
      const before = { server: cpuSeconds(daemon.pid), client: process.cpuUsage() };
      const rate = await read(daemon.manager, large.id, kept, true);
      const { user, system } = process.cpuUsage(before.client);
      costs.server.push((cpuSeconds(daemon.pid) - before.server) / (kept / 1e9));
      costs.client.push((user + system) / 1e6 / (kept / 1e9));
      return rate;
    };
    const contenders: Contender[] = [
      { name: "Node.js, HTTP/2", run: () => raw.http2(kept) },
      { name: "Node.js, HTTP/1.1", run: () => raw.http1(kept) },
      { name: "cat into a pipe", run: () => commandRate("cat", [copy], process.env, kept) },
      { name: "pm SDK, written 64 KiB at a time", run: () => read(daemon.manager, large.id, kept) },
      { name: "pm SDK, memory reused", run: readReusing },
      { name: "pm SDK, written 1 KiB at a time", run: () => read(daemon.manager, small.id, kept) },
    ];
    const targets = [
      { contender: "pm SDK, written 64 KiB at a time", ratio: 0.6 },
      { contender: "pm SDK, memory reused", ratio: 0.6 },
      { contender: "pm SDK, written 1 KiB at a time", ratio: 0.6 },
    ];
    const go = buildGoReader(directory);
    const absent: string[] = [];
    if ("program" in go) {
      contenders.push({
        name: "pm Go client",
        run: () => numberFrom(go.program, daemon.socket, large.id, String(kept)),
      });
      targets.push({ contender: "pm Go client", ratio: 0.6 });
    } else {
      absent.push(go.absent);
    }
    say("kept output");
    const local = await runRounds(
      {
        title: `${kept / mebibyte} MiB of kept output over a Unix socket`,
        ...fast("Node.js, HTTP/2"),
        contenders,
        targets,
      },
      rounds,
    );
    say("kept output over TLS");
    const secure = await runRounds(
      {
        title: "The same over TLS 1.3 on the loopback",
        ...fast("Node.js, HTTP/2 over TLS"),
        contenders: [
          { name: "Node.js, HTTP/2 over TLS", run: () => raw.tls(kept) },
          { name: "pm SDK over TLS", run: () => read(remote, large.id, kept) },
          { name: "pm SDK over TLS, memory reused", run: () => read(remote, large.id, kept, true) },
        ],
        targets: [
          { contender: "pm SDK over TLS", ratio: 0.6 },
          { contender: "pm SDK over TLS, memory reused", ratio: 0.6 },
        ],
      },
      rounds,
    );
    return {
      title: "Reading kept output",
      text: "The raw servers write the same 256 KiB buffer again and again, from memory, and their clients count bytes; nothing there knows offsets, gaps, or whether a byte was overwritten while it was read. What bounds pm: the daemon copies each byte out of tmpfs in pages of 4 KiB by pread(2), 0.28 s of processor time for a gigabyte, since Node.js cannot map memory, and writes it, 0.17 s, as the raw server does. With fresh memory for each chunk a reader in JavaScript spends half of its time in the collection of garbage; with `reuse` it spends less than the raw client over HTTP/2.",
      measures: [local, secure],
      growths: [],
      figures: [
        { name: "daemon, processor time for a gigabyte", value: median(costs.server), unit: "s" },
        { name: "SDK, processor time for a gigabyte", value: median(costs.client), unit: "s" },
      ],
      absent,
    };
  },
};

export const logs: Part = {
  name: "logs",
  async run({ rounds, quick, directory, say }) {
    const logBytes = quick ? 10_000_000 : 500_000_000;
    const writer = compileLimit("writer", directory);
    await using daemon = await openDaemon();
    await using raw = await openRawStreams(directory);
    const big = await writtenByLiving(daemon.manager, writer, logBytes);
    const { PM_HOST: _, ...env } = daemon.env;
    say(`pm logs of ${logBytes / 1e6} MB`);
    const measure = await runRounds(
      {
        title: `${logBytes / 1e6} MB through the command into a pipe`,
        ...fast("Node.js, HTTP/2"),
        contenders: [
          { name: "Node.js, HTTP/2", run: () => raw.http2(logBytes) },
          { name: "pm logs", run: () => commandRate(program, ["logs", big.id], env, logBytes) },
          {
            name: "pm logs in a process of its own",
            run: () => commandRate(program, ["logs", big.id], { ...env, PM_NO_HOST: "1" }, logBytes),
          },
        ],
        targets: [{ contender: "pm logs", ratio: 0.5 }],
      },
      rounds,
    );
    return {
      title: "`pm logs`",
      text: "Into a pipe that this program reads.",
      measures: [measure],
      growths: [],
      figures: [],
      absent: [],
    };
  },
};

export const live: Part = {
  name: "live",
  async run({ rounds, quick, directory, say }) {
    const flood = (quick ? 64 : 1024) * mebibyte;
    const writer = compileLimit("writer", directory);
    await using daemon = await openDaemon({ commandHost: false });
    const start = (): Promise<Process> =>
      daemon.manager.processes.start({
        executable: writer,
        args: [String(flood), "65536"],
        output: { limitBytes: 8 * mebibyte },
      });
    const shares: number[] = [];
    const writing: number[] = [];
    /** Seconds for a gigabyte that each of them moved itself. */
    const costs = { writer: [] as number[], shim: [] as number[], daemon: [] as number[], client: [] as number[] };
    const zygote = zygoteOf(daemon.pid);
    const reaped = async (before: number): Promise<number> => {
      // The shim ends, and is reaped, a little after its process.
      for (;;) {
        const used = reapedCpuSeconds(zygote) - before;
        if (used > 0) return used;
        await sleep(5);
      }
    };
    say("live follow of a flood");
    const measure = await runRounds(
      {
        title: `Following ${flood / mebibyte} MiB as it is written, 8 MiB kept`,
        ...fast("pm, nobody watching"),
        contenders: [
          {
            name: "pm, nobody watching",
            run: async () => {
              const begin = performance.now();
              const process = await start();
              await process.wait({ until: "outputComplete" });
              const rate = megabytesPerSecond(flood, begin);
              await process.remove({ force: true });
              return rate;
            },
          },
          {
            name: "pm SDK, bytes received",
            run: async () => {
              const before = {
                daemon: cpuSeconds(daemon.pid),
                client: globalThis.process.cpuUsage(),
                reaped: reapedCpuSeconds(zygote),
              };
              const begin = performance.now();
              const process = await start();
              let got = 0;
              let lost = 0;
              for await (const frame of process.stream({ follow: true, reuse: true })) {
                if (frame.type === "chunk") got += frame.data.length;
                if (frame.type === "gap") lost += frame.to - frame.from;
              }
              const rate = megabytesPerSecond(got, begin);
              const { user, system } = globalThis.process.cpuUsage(before.client);
              costs.client.push((user + system) / 1e6 / (got / 1e9));
              costs.daemon.push((cpuSeconds(daemon.pid) - before.daemon) / (got / 1e9));
              const { run } = await process.wait();
              const { userMs, systemMs } = run?.exit?.usage ?? { userMs: Number.NaN, systemMs: Number.NaN };
              const writerSeconds = (userMs + systemMs) / 1000;
              costs.writer.push(writerSeconds / (flood / 1e9));
              costs.shim.push(((await reaped(before.reaped)) - writerSeconds) / (flood / 1e9));
              writing.push(megabytesPerSecond(flood, begin));
              if (got + lost !== flood) throw new Error(`${got} bytes and ${lost} in gaps are not ${flood}`);
              shares.push(got / flood);
              await process.remove({ force: true });
              return rate;
            },
          },
        ],
        targets: [{ contender: "pm SDK, bytes received", ratio: 0.5 }],
      },
      rounds,
    );
    return {
      title: "Following a flood",
      text: "What the follower cannot take in time is reported as gaps; received and missing bytes are checked to add up. On few processors the follower, the daemon, the shim and the writer share them.",
      measures: [measure],
      growths: [],
      figures: [
        { name: "share of the bytes that the follower received", value: median(shares), unit: "" },
        { name: "the followed process writes", value: median(writing), unit: "MB/s" },
        { name: "writer, processor time for a gigabyte written", value: median(costs.writer), unit: "s" },
        { name: "shim, processor time for a gigabyte written", value: median(costs.shim), unit: "s" },
        { name: "daemon, processor time for a gigabyte received", value: median(costs.daemon), unit: "s" },
        { name: "SDK, processor time for a gigabyte received", value: median(costs.client), unit: "s" },
        {
          name: "the most that this processor time allows on all cores, if the writer waits for its reader",
          value: (describeMachine().cores * 1000) / Object.values(costs).reduce((sum, each) => sum + median(each), 0),
          unit: "MB/s",
        },
      ],
      absent: [],
    };
  },
};

const firstByteProgram = `
import { ProcessManager } from ${JSON.stringify(join(import.meta.dirname, "../../dist/sdk/src/sdk/index.js"))};
const pm = await ProcessManager.connect({ socket: process.argv[2] });
for await (const frame of pm.processes.stream(process.argv[3])) if (frame.type === "chunk") break;
pm.close();
`;

export const firstByte: Part = {
  name: "first-byte",
  async run({ rounds, quick, directory, say }) {
    const file = join(directory, "first.mjs");
    writeFileSync(file, firstByteProgram);
    await using daemon = await openDaemon({ commandHost: false });
    const process_ = await daemon.manager.processes.start({ executable: "echo", args: ["hello"] });
    await process_.wait({ until: "outputComplete" });
    const node = process.execPath;
    say("the first byte in a fresh process");
    const measure = await runRounds(
      {
        title: "From the start of a program to its first byte of output",
        unit: "ms",
        better: "lower",
        reference: "bare Node.js",
        contenders: [
          { name: "bare Node.js", run: async () => runMilliseconds(node, ["-e", "0"], process.env) },
          {
            name: "pm SDK",
            run: async () => runMilliseconds(node, [file, daemon.socket, process_.id], process.env),
          },
        ],
      },
      quick ? 2 : Math.max(rounds, 15),
    );
    const [bare, sdk] = measure.rows;
    const extra = median(sdk?.samples.map((value, round) => value - (bare?.samples[round] ?? Number.NaN)) ?? []);
    return {
      title: "The first byte",
      text: "A program of its own that imports the built library, opens a stream and ends with the first chunk.",
      measures: [measure],
      growths: [],
      figures: [{ name: "beyond bare Node.js", value: extra, unit: "ms", atMost: 12 }],
      absent: [],
    };
  },
};

/** Output of a process that lives on: of ended ones the daemon keeps 256 MiB in all. */
async function writtenByLiving(manager: ProcessManager, writer: string, bytes: number): Promise<Process> {
  const process = await manager.processes.start({
    executable: "sh",
    args: ["-c", '"$0" "$1" 65536; exec sleep 100000', writer, String(bytes)],
    output: { limitBytes: 512 * mebibyte },
  });
  for await (const frame of process.stream({ follow: true, reuse: true })) {
    if (frame.type === "chunk" && frame.offset + frame.data.length >= bytes) break;
  }
  return process;
}

function fast(reference: string): { unit: string; better: "higher"; reference: string } {
  return { unit: "MB/s", better: "higher", reference };
}

async function commandRate(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  bytes: number,
): Promise<number> {
  const { reading, writing } = openPipe();
  const begin = performance.now();
  const child = spawn(command, args, { env, stdio: ["ignore", writing, "inherit"] });
  closeSync(writing);
  let got = 0;
  reading.on("data", (data: Buffer) => {
    got += data.length;
  });
  await new Promise((resolve, reject) => {
    reading.once("end", resolve);
    child.once("error", reject);
  });
  if (got !== bytes) throw new Error(`${command}: ${got} of ${bytes} bytes came`);
  return megabytesPerSecond(bytes, begin);
}

/** A pipe(7), as shells make them: what node:child_process calls one is a socket. */
function openPipe(): { reading: Socket; writing: number } {
  const directory = mkdtempSync(join(tmpdir(), "pm-bench-pipe-"));
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(path, "w");
  rmSync(directory, { recursive: true });
  return { reading: new Socket({ fd, readable: true, writable: false }), writing };
}

/** As `pm init` makes them. */
async function certificates(directory: string) {
  const port = 20_000 + (process.pid % 20_000);
  const env = { ...process.env, XDG_CONFIG_HOME: directory, PM_RUNTIME_DIR: directory };
  runMilliseconds(program, ["init", "--user", "bench", "--listen", `127.0.0.1:${port}`], env);
  const file = (name: string): string => join(directory, "pm", name);
  const client = { ca: file("tls/ca.crt"), cert: file("tls/client.crt"), key: file("tls/client.key") };
  return {
    daemonArgs: ["--config", file("daemon.yaml")],
    files: { server: { cert: file("tls/server.crt"), key: file("tls/server.key") }, client },
    connect: {
      address: `https://localhost:${port}`,
      tls: { ca: readFileSync(client.ca), cert: readFileSync(client.cert), key: readFileSync(client.key) },
      credentials: { username: "bench", password: readFileSync(file("dev.password"), "utf8").trim() },
    },
  };
}

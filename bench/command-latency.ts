/**
 * How long whole commands take, as ratios to a bare start of the shipped
 * runtime and beside other process managers, in one run, with the targets and
 * whether they were reached; some two minutes with the defaults:
 *
 *   npm run bench:commands -- [rounds] [processes] [another bin/pm]
 *
 * The commands of one round run one after the other, so that a machine whose
 * speed drifts slows all of them. Peers are found in bench/peers/bin, where
 * `npm run bench:peers` puts them; what is not there is left out. Another pm,
 * such as an earlier build, is measured too; without one, autostart is compared
 * with this build without its command host, as it was before there was one.
 * Everything runs in private directories and is ended.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const pm = join(import.meta.dirname, "../bin/pm");
const peers = join(import.meta.dirname, "peers/bin");
const rounds = Number(process.argv[2] ?? 30);
const listed = Number(process.argv[3] ?? 100);
const other = process.argv[4];

const limitMs = 30_000;
const atOnce = 32;
const starts = 200;

type Environment = Readonly<Record<string, string | undefined>>;

interface Measured {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** Not measured: makes what the command needs, and may change its arguments. */
  readonly prepare?: () => readonly string[];
}

/** What a command is to reach: at most so many times what another one of the same rounds takes. */
interface Target {
  readonly command: string;
  readonly of: string;
  readonly atMost: number;
}

const node = "node -e 0";
const fast = [`ls (${listed})`, "start", "stop", "wait, ended"];
const slower = ["status, ended", "status, living", "logs of 1 MB"];

const targets: readonly Target[] = [
  ...[...fast, ...slower].map((title) => ({ command: `pm ${title}`, of: node, atMost: 0.3 })),
  ...fast.map((title) => ({ command: `pm ${title}`, of: "pueue status", atMost: 1.5 })),
  ...slower.map((title) => ({ command: `pm ${title}`, of: "pueue status", atMost: 2 })),
];
/** How much longer the first command may take than without the command host. */
const autostartAtMost = 1.1;
/** kB. */
const clientAtMost = 1024;

/** A process manager that runs, to be ended. */
interface Peer {
  readonly commands: readonly Measured[];
  /** Starts something that ends at once. */
  readonly start?: Omit<Measured, "title">;
  end(): void | Promise<void>;
}

const directory = mkdtempSync("/dev/shm/pm-bench-");

/** @param out where its output goes; "pipe": it is returned */
function run(
  { command, args, env }: Omit<Measured, "title">,
  accepted: readonly number[] = [0],
  out: number | "pipe" = "pipe",
): { milliseconds: number; stdout: Buffer } {
  const begin = process.hrtime.bigint();
  const stdio = ["pipe", out, "pipe"] as const;
  const { status, stdout, stderr } = spawnSync(command, args, { env, maxBuffer: 64 * 1024 * 1024, stdio: [...stdio] });
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  if (status === null || !accepted.includes(status)) {
    throw new Error(`${command} ${args.join(" ")} exited with ${status}: ${stderr}`);
  }
  return { milliseconds, stdout };
}

/**
 * A pipe(7) to a `cat`, as shells make them. What node:child_process calls a
 * pipe is a socket, and this process would need as long as a command to take a
 * megabyte out of it.
 */
function openPipeline(): { readonly out: number; close(): void } {
  const path = join(directory, "pipeline");
  spawnSync("mkfifo", [path]);
  const reader = spawn("sh", ["-c", 'exec cat <"$1" >/dev/null', "sh", path], { stdio: "ignore" });
  const out = openSync(path, "w");
  return {
    out,
    close() {
      closeSync(out);
      rmSync(path);
      reader.unref();
    },
  };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isSo()) {
    if (Date.now() > deadline) {
      throw new Error("not ready in time");
    }
    await sleep(20);
  }
}

function succeeds(command: string, args: readonly string[], env: Environment): boolean {
  return spawnSync(command, args, { env, stdio: "ignore" }).status === 0;
}

/** A pm with a daemon of its own and `listed` processes. */
async function openPm(name: string, program: string): Promise<Peer & { readonly env: Environment }> {
  const env = { ...process.env, PM_RUNTIME_DIR: join(directory, name), XDG_CONFIG_HOME: directory };
  const call = (...args: string[]): string => run({ command: program, args, env }).stdout.toString().trim();
  call("daemon", "start");
  if (existsSync(join(program, "../../dist/build-id"))) {
    await until(() => succeeds(program, ["help"], { ...env, PM_NODE: "/no/such/node" }));
  }
  for (let i = 0; i < listed; i++) {
    call("start", "--", "sleep", "3600");
  }
  const ended = call("start", "--", "true");
  const loud = call("start", "--output-limit", "4MiB", "--", "head", "-c", "1000000", "/dev/urandom");
  const living = call("start", "-n", "living", "--", "sleep", "3600");
  call("wait", ended);
  call("wait", "--for", "output", loud);
  const measured = (title: string, args: readonly string[]): Measured => ({
    title: `${name} ${title}`,
    command: program,
    args,
    env,
  });
  return {
    env,
    commands: [
      measured("start", ["start", "--", "true"]),
      measured(`ls (${listed})`, ["ls"]),
      measured("wait, ended", ["wait", ended]),
      {
        ...measured("stop", []),
        prepare: () => ["stop", call("start", "--", "sleep", "3600")],
      },
      measured("status, ended", ["status", ended]),
      measured("status, living", ["status", living]),
      measured("logs of 1 MB", ["logs", loud]),
      measured("version --client", ["version", "--client"]),
    ],
    start: { command: program, args: ["start", "--", "true"], env },
    end() {
      spawnSync(program, ["daemon", "stop", "--stop-processes", "-t", "0"], { env, stdio: "inherit" });
    },
  };
}

function background(command: string, args: readonly string[], env: Environment): ChildProcess {
  return spawn(command, args, { env, stdio: "ignore" });
}

async function openPueue(): Promise<Peer> {
  const home = join(directory, "pueue");
  const config = join(directory, "pueue.yml");
  writeFileSync(
    config,
    `shared:\n  pueue_directory: ${home}\n  runtime_directory: ${home}\n  use_unix_socket: true\n` +
      `client: {}\ndaemon:\n  default_parallel_tasks: 1000\n`,
  );
  spawnSync("mkdir", ["-p", home]);
  const env = process.env;
  const daemon = background(join(peers, "pueued"), ["-c", config], env);
  const client = { command: join(peers, "pueue"), env };
  await until(() => succeeds(client.command, ["-c", config, "status"], env));
  const start = { ...client, args: ["-c", config, "add", "--", "true"] };
  return {
    commands: [
      { ...client, title: "pueue status", args: ["-c", config, "status"] },
      { ...start, title: "pueue add" },
    ],
    start,
    end: () => void daemon.kill(),
  };
}

async function openProcessCompose(): Promise<Peer> {
  const config = join(directory, "process-compose.yaml");
  const socket = join(directory, "pc.sock");
  writeFileSync(config, 'version: "0.5"\nprocesses:\n  one:\n    command: sleep 3600\n');
  const client = { command: join(peers, "process-compose"), env: process.env };
  const common = ["-U", "-u", socket];
  const daemon = background(client.command, ["up", ...common, "-f", config, "-t=false", "--keep-project"], client.env);
  await until(() => succeeds(client.command, ["process", "list", ...common], client.env));
  return {
    commands: [{ ...client, title: "process-compose list", args: ["process", "list", ...common] }],
    end: () => void daemon.kill(),
  };
}

async function openPm2(): Promise<Peer> {
  const client = { command: join(peers, "pm2"), env: { ...process.env, PM2_HOME: join(directory, "pm2") } };
  run({ ...client, args: ["start", "sleep", "--", "3600"] });
  return {
    commands: [{ ...client, title: "pm2 ls", args: ["ls"] }],
    end: () => void run({ ...client, args: ["kill"] }),
  };
}

async function openSupervisor(): Promise<Peer> {
  const config = join(directory, "supervisord.conf");
  const socket = join(directory, "supervisor.sock");
  writeFileSync(
    config,
    `[unix_http_server]\nfile=${socket}\n[supervisord]\nlogfile=${directory}/s.log\npidfile=${directory}/s.pid\nchildlogdir=${directory}\n` +
      "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
      `[supervisorctl]\nserverurl=unix://${socket}\n[program:one]\ncommand=sleep 3600\n`,
  );
  const daemon = background(join(peers, "supervisord"), ["-n", "-c", config], process.env);
  const client = { command: join(peers, "supervisorctl"), env: process.env };
  await until(() => succeeds(client.command, ["-c", config, "pid"], client.env));
  return {
    commands: [{ ...client, title: "supervisorctl status", args: ["-c", config, "status"] }],
    end: () => void daemon.kill(),
  };
}

const openers: readonly (readonly [program: string, open: () => Promise<Peer>])[] = [
  ["pueued", openPueue],
  ["process-compose", openProcessCompose],
  ["pm2", openPm2],
  ["supervisord", openSupervisor],
];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function line(title: string, ...cells: readonly string[]): void {
  console.log(title.padEnd(40) + cells.map((cell) => cell.padStart(12)).join(""));
}

/** The samples of each command, by its title. */
function measure(commands: readonly Measured[], times: number): ReadonlyMap<string, readonly number[]> {
  const samples = new Map(commands.map(({ title }) => [title, [] as number[]]));
  const pipeline = openPipeline();
  for (let round = -2; round < times; round++) {
    for (const measured of commands) {
      const args = measured.prepare?.() ?? measured.args;
      // What supervisorctl says with 3 is that not all run.
      const { milliseconds } = run({ ...measured, args }, [0, 3], pipeline.out);
      if (round >= 0) {
        samples.get(measured.title)?.push(milliseconds);
      }
    }
  }
  pipeline.close();
  line(`${times} rounds, medians`, "ms", "x node", "x pueue");
  for (const [title, mine] of samples) {
    line(title, median(mine).toFixed(1), ...[node, "pueue status"].map((of) => ratio(samples, title, of).toFixed(2)));
  }
  return samples;
}

/** The median of what each round says. */
function ratio(samples: ReadonlyMap<string, readonly number[]>, title: string, of: string): number {
  const base = samples.get(of) ?? [];
  return median((samples.get(title) ?? []).map((value, round) => value / (base[round] ?? Number.NaN)));
}

function judge(what: string, value: number, limit: number, better: "lower" | "higher"): void {
  if (Number.isNaN(value) || Number.isNaN(limit)) {
    line(what, "not measured");
    return;
  }
  const isReached = better === "lower" ? value <= limit : value >= limit;
  const bound = `${better === "lower" ? "at most" : "at least"} ${limit.toFixed(limit < 10 ? 2 : 0)}`;
  line(what, value.toFixed(value < 10 ? 2 : 0), bound.padStart(16), isReached ? "ok" : "missed");
}

/** How many of them end in a second, of `starts` with `atOnce` at a time. */
async function startsPerSecond({ command, args, env }: Omit<Measured, "title">): Promise<number> {
  const begin = performance.now();
  let left = starts;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await new Promise<void>((resolve, reject) => {
        const child = spawn(command, args, { env, stdio: "ignore" });
        child.once("error", reject);
        child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${command} exited with ${code}`))));
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return starts / ((performance.now() - begin) / 1000);
}

function daemonStatus(env: Environment): { pid: number } {
  return JSON.parse(run({ command: pm, args: ["daemon", "status", "-o", "json"], env }).stdout.toString());
}

/** Bytes of a line of /proc/PID/status in kB. */
function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): string {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return `${kilobytes} kB`;
}

/** The first command of a user: daemon and answer. */
function autostart(program: string, name: string): Measured {
  const env = {
    ...process.env,
    PM_NODE: process.execPath,
    PM_RUNTIME_DIR: join(directory, `first ${name}`),
    XDG_CONFIG_HOME: directory,
  };
  return {
    title: `${name} ls, starting a daemon`,
    command: program,
    args: ["ls"],
    env,
    prepare: () => {
      spawnSync(program, ["daemon", "stop"], { env });
      return ["ls"];
    },
  };
}

/** This build as it was before it had a command host, at another place. */
function withoutHost(): string {
  const dist = join(directory, "without-host");
  cpSync(join(import.meta.dirname, "../dist"), dist, { recursive: true });
  rmSync(join(dist, "build-id"));
  return join(dist, "pm");
}

/** @returns the most that a client held, in kB */
async function memory(env: Environment): Promise<number> {
  const { pid } = daemonStatus(env);
  line("memory of the daemon, after all", memoryOf(pid, "VmRSS"));
  const waiting = background(pm, ["wait", "living"], env);
  // By then it does nothing but wait.
  await sleep(500);
  const most = memoryOf(waiting.pid ?? 0, "VmHWM");
  waiting.kill();
  return Number.parseInt(most, 10);
}

/** A daemon with its host and nothing to do. */
async function idleMemory(): Promise<void> {
  const env = { ...process.env, PM_RUNTIME_DIR: join(directory, "idle"), XDG_CONFIG_HOME: directory };
  run({ command: pm, args: ["daemon", "start"], env });
  await until(() => succeeds(pm, ["help"], { ...env, PM_NODE: "/no/such/node" }));
  await sleep(1000);
  const { pid } = daemonStatus(env);
  line("memory of an idle daemon", memoryOf(pid, "VmRSS"));
  spawnSync(pm, ["daemon", "stop"], { env, stdio: "ignore" });
}

const opened: Peer[] = [];
try {
  const mine = await openPm("pm", pm);
  opened.push(mine);
  if (other !== undefined) {
    opened.push(await openPm("other", other));
  }
  for (const [program, open] of openers) {
    if (existsSync(join(peers, program))) {
      opened.push(await open());
    }
  }
  const bare = { title: node, command: process.execPath, args: ["-e", "0"], env: process.env };
  const samples = measure([bare, ...opened.flatMap(({ commands }) => commands)], rounds);
  const earlier = other ?? withoutHost();
  const [first, before] = [autostart(pm, "pm"), autostart(earlier, other === undefined ? "without host" : "other")];
  const starting = measure([bare, first, before], Math.ceil(rounds / 2));
  for (const { command, env } of [first, before]) {
    spawnSync(command, ["daemon", "stop"], { env, stdio: "ignore" });
  }
  const rates = new Map<string, number>();
  for (const { start } of opened) {
    if (start !== undefined) {
      const name = start.command.split("/").at(-1) ?? "";
      await startsPerSecond(start);
      rates.set(name, await startsPerSecond(start));
      line(`${name} starts a second, ${atOnce} at a time`, rates.get(name)?.toFixed(0) ?? "");
    }
  }
  const client = await memory(mine.env);
  await idleMemory();
  line("\ntargets", "is", "", "");
  for (const { command, of, atMost } of targets) {
    judge(`${command}, of ${of}`, ratio(samples, command, of), atMost, "lower");
  }
  judge("starts a second, of pueue add", rates.get("pm") ?? Number.NaN, rates.get("pueue") ?? Number.NaN, "higher");
  judge("memory of a client, kB", client, clientAtMost, "lower");
  judge("autostart, of before", ratio(starting, first.title, before.title), autostartAtMost, "lower");
} finally {
  for (const peer of opened.reverse()) {
    await peer.end();
  }
  rmSync(directory, { recursive: true, force: true });
}

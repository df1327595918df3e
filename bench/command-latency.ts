/**
 * How long whole commands take, as ratios to a bare start of the shipped
 * runtime and beside other process managers, in one run:
 *
 *   npm run bench:commands -- [rounds] [processes] [another bin/pm]
 *
 * The commands of one round run one after the other, so that a machine whose
 * speed drifts slows all of them. Peers are found in bench/peers/bin, where
 * whoever wants them puts pueue and pueued, process-compose, pm2, or
 * supervisord and supervisorctl; what is not there is left out. Another pm,
 * such as an earlier build, is measured too. Everything runs in private
 * directories and is ended.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** A process manager that runs, to be ended. */
interface Peer {
  readonly commands: readonly Measured[];
  /** Starts something that ends at once. */
  readonly start?: Omit<Measured, "title">;
  end(): void | Promise<void>;
}

const directory = mkdtempSync("/dev/shm/pm-bench-");

function run(
  { command, args, env }: Omit<Measured, "title">,
  accepted: readonly number[] = [0],
): { milliseconds: number; stdout: string } {
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  if (status === null || !accepted.includes(status)) {
    throw new Error(`${command} ${args.join(" ")} exited with ${status}: ${stderr}`);
  }
  return { milliseconds, stdout };
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
  const call = (...args: string[]): string => run({ command: program, args, env }).stdout.trim();
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
  console.log(title.padEnd(32) + cells.map((cell) => cell.padStart(12)).join(""));
}

function measure(commands: readonly Measured[]): void {
  const samples = commands.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    for (const [index, measured] of commands.entries()) {
      const args = measured.prepare?.() ?? measured.args;
      // What supervisorctl says with 3 is that not all run.
      const { milliseconds } = run({ ...measured, args }, [0, 3]);
      if (round >= 0) {
        samples[index]?.push(milliseconds);
      }
    }
  }
  const base = samples[0] ?? [];
  line(`${rounds} rounds, medians`, "ms", "x node");
  for (const [index, { title }] of commands.entries()) {
    const mine = samples[index] ?? [];
    const ratio = median(mine.map((value, round) => value / (base[round] ?? Number.NaN)));
    line(title, median(mine).toFixed(1), ratio.toFixed(2));
  }
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

/** Bytes of a line of /proc/PID/status in kB. */
function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): string {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return `${kilobytes} kB`;
}

/** The first command of a user: daemon and answer. */
function autostart(program: string, name: string): Measured {
  const env = { ...process.env, PM_RUNTIME_DIR: join(directory, name), XDG_CONFIG_HOME: directory };
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

async function memory(env: Environment): Promise<void> {
  const { pid } = JSON.parse(run({ command: pm, args: ["daemon", "status", "-o", "json"], env }).stdout) as {
    pid: number;
  };
  line("memory of the daemon, after all", memoryOf(pid, "VmRSS"));
  const waiting = background(pm, ["wait", "living"], env);
  // By then it does nothing but wait.
  await sleep(500);
  line("most memory of a client", memoryOf(waiting.pid ?? 0, "VmHWM"));
  waiting.kill();
}

/** A daemon with its host and nothing to do. */
async function idleMemory(): Promise<void> {
  const env = { ...process.env, PM_RUNTIME_DIR: join(directory, "idle"), XDG_CONFIG_HOME: directory };
  run({ command: pm, args: ["daemon", "start"], env });
  await until(() => succeeds(pm, ["help"], { ...env, PM_NODE: "/no/such/node" }));
  await sleep(1000);
  const { pid } = JSON.parse(run({ command: pm, args: ["daemon", "status", "-o", "json"], env }).stdout) as {
    pid: number;
  };
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
  const bare = { title: "node -e 0", command: process.execPath, args: ["-e", "0"], env: process.env };
  measure([bare, ...opened.flatMap(({ commands }) => commands)]);
  const autostarts = [bare, autostart(pm, "first"), ...(other === undefined ? [] : [autostart(other, "other first")])];
  measure(autostarts);
  for (const { env } of autostarts.slice(1)) {
    spawnSync(pm, ["daemon", "stop"], { env, stdio: "ignore" });
  }
  for (const { start } of opened) {
    if (start !== undefined) {
      await startsPerSecond(start);
      line(
        `${start.command.split("/").at(-1)} starts a second, ${atOnce} at a time`,
        (await startsPerSecond(start)).toFixed(0),
      );
    }
  }
  await memory(mine.env);
  await idleMemory();
} finally {
  for (const peer of opened.reverse()) {
    await peer.end();
  }
  rmSync(directory, { recursive: true, force: true });
}

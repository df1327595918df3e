/** The built `pm` against a runtime directory of its own. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { test as base, expect } from "vitest";

export const pmPath = join(import.meta.dirname, "../../../bin/pm");

/** Milliseconds that nothing in a test needs, however slow the machine. */
export const limitMs = 90_000;

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A command that is under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  /** Resolves once standard output, or `err` standard error, holds the text. */
  saw(text: string, where?: "out" | "err"): Promise<void>;
}

export interface Pm {
  readonly runtimeDir: string;
  readonly env: NodeJS.ProcessEnv;
  (args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Runs a command to its end, which must be exit code 0, and returns what it printed, without the last newline. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  spawn(args: readonly string[], options?: RunOptions): Running;
  /** Runs a script with `pm` in PATH. */
  shell(script: string, options?: RunOptions): Promise<Result>;
  /** {@link shell}, under way. */
  spawnShell(script: string, options?: RunOptions): Running;
  /** What runs now for the runtime directory, and what each of it waits for. */
  waiting(): string;
  daemonPid(): Promise<number>;
}

/**
 * A test with a `pm` of its own. When it is over, the commands that it left
 * running, the daemon and everything that the daemon manages are stopped, and
 * the test fails if anything is left.
 */
export const test = base
  /** A further one, in a directory of its own. */
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameter's names
  .extend("makePm", ({}, { onCleanup }) => {
    const made: Made[] = [];
    onCleanup(async () => {
      await Promise.all(made.map(({ close }) => close()));
    });
    return (): Pm => {
      const one = create(makeDirectory());
      made.push(one);
      return one.pm;
    };
  })
  .extend("pm", ({ makePm }) => makePm());

interface Made {
  readonly pm: Pm;
  readonly close: () => Promise<void>;
}

function create(runtimeDir: string): Made {
  const running = new Set<ChildProcess>();
  const env = cleanEnvironment(runtimeDir);
  const begin = (command: string, args: readonly string[], options: RunOptions = {}): Running => {
    const child = spawn(command, args, spawnOptions(env, options));
    running.add(child);
    child.once("close", () => running.delete(child));
    return follow(child, options.input);
  };
  const start = (args: readonly string[], options?: RunOptions): Running => begin(pmPath, args, options);
  const pm: Pm = Object.assign((args: readonly string[], options?: RunOptions) => start(args, options).ended, {
    runtimeDir,
    env,
    spawn: start,
    async ok(args: readonly string[], options?: RunOptions) {
      const result = await pm(args, options);
      expect(result, `pm ${args.join(" ")}`).toMatchObject({ code: 0 });
      return result.out.replace(/\n$/, "");
    },
    shell: (script: string, options?: RunOptions) => pm.spawnShell(script, options).ended,
    spawnShell: (script: string, options?: RunOptions) => begin("sh", ["-c", script], options),
    waiting: () => leftovers(runtimeDir).map(describeWaiting).join("\n"),
    async daemonPid() {
      const { pid } = JSON.parse(await pm.ok(["daemon", "status", "-o", "json"])) as { pid: number };
      return pid;
    },
  });
  const close = async (): Promise<void> => {
    for (const child of running) {
      child.kill("SIGKILL");
    }
    if (existsSync(join(runtimeDir, "p"))) {
      // A daemon that a test killed is started again to find what it left.
      await pm(["daemon", "start"]);
      await pm(["daemon", "stop", "--stop-processes", "-t", "0"]);
    }
    expect(await settled(() => leftovers(runtimeDir))).toEqual([]);
    rmSync(runtimeDir, { recursive: true, force: true });
  };
  return { pm, close };
}

/** A short path, on tmpfs where there is one. */
function makeDirectory(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pmc-"));
}

function cleanEnvironment(runtimeDir: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PM_RUNTIME_DIR: runtimeDir,
    // No context of whoever runs the tests.
    XDG_CONFIG_HOME: join(runtimeDir, "config"),
  };
  for (const name of [
    "PM_HOST",
    "PM_CONTEXT",
    "PM_NO_AUTOSTART",
    "PM_NODE",
    "NO_COLOR",
    "FORCE_COLOR",
    "NODE_OPTIONS",
  ]) {
    delete env[name];
  }
  env["PATH"] = `${join(pmPath, "..")}:${env["PATH"]}`;
  return env;
}

function spawnOptions(env: NodeJS.ProcessEnv, options: RunOptions): SpawnOptions {
  return {
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    env: { ...env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
}

function follow(child: ChildProcess, input: RunOptions["input"]): Running {
  const chunks: Buffer[] = [];
  const text = { out: "", err: "" };
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of watchers) {
      watcher();
    }
  };
  (child.stdout as Readable).on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    if (watchers.size > 0 || text.out.length < 1_000_000) {
      text.out += chunk.toString("latin1");
    }
    changed();
  });
  (child.stderr as Readable).on("data", (chunk: Buffer) => {
    text.err += chunk.toString();
    changed();
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const ended = new Promise<Result>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const stdout = Buffer.concat(chunks);
      changed();
      resolve({ code, signal, stdout, out: stdout.toString(), err: text.err });
    });
  });
  return {
    child,
    ended,
    saw: (expected, where = "out") =>
      new Promise<void>((resolve, reject) => {
        const fail = (): void =>
          reject(new Error(`"${expected}" did not come; there was: ${text[where].slice(-2000)} | ${text.err}`));
        const look = (): void => {
          if (text[where].includes(expected)) {
            watchers.delete(look);
            clearTimeout(timer);
            resolve();
          }
        };
        const timer = setTimeout(fail, limitMs);
        watchers.add(look);
        look();
      }),
  };
}

/** What `list` answers once it is empty, or at the latest. The kernel tells only parents of an end. */
async function settled(list: () => string[]): Promise<string[]> {
  const deadline = Date.now() + limitMs;
  let left = list();
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(20);
    left = list();
  }
  return left;
}

/** Living processes, but for ours, whose environment or command line names the directory, or that work in it. */
function leftovers(directory: string): string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) {
      return [];
    }
    const [command, environment, stat] = ["cmdline", "environ", "stat"].map((file) => read(`/proc/${name}/${file}`));
    const zombie = stat?.slice(stat.lastIndexOf(")")).startsWith(") Z");
    const ours =
      command?.includes(directory) ||
      environment?.includes(`PM_RUNTIME_DIR=${directory}\0`) ||
      `${workingDirectory(name)}/`.startsWith(`${directory}/`);
    return ours && !zombie ? [`${name} ${command?.replaceAll("\0", " ")}`] : [];
  });
}

/** With its parent, its state, and the function of the kernel in which it sleeps. */
function describeWaiting(process: string): string {
  const [pid] = process.split(" ", 1);
  const stat = read(`/proc/${pid}/stat`);
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return `${pid} (parent ${parent}, ${state} in ${read(`/proc/${pid}/wchan`)}): ${process.slice(process.indexOf(" ") + 1)}`;
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process with this id lives (a zombie does not). */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

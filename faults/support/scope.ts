import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProcessManager } from "../../src/sdk/index.ts";
import { readPidFile } from "../../src/server/pid-file.ts";
import { processesOf } from "../../test/support/leftovers.ts";

const builtPm = join(import.meta.dirname, "../../bin/pm");
/** What only a hang takes. */
export const hangMs = 60_000;

export interface ScopeOptions {
  /** Where the runtime directory is made. @default /dev/shm, else the temporary directory */
  readonly base?: string;
  /** The command. @default the built one */
  readonly pm?: string;
}

/**
 * A pm of its own: directory, daemon and processes, which are gone when it is
 * closed. Its daemon is the built one, as users run it.
 */
export class Scope {
  readonly directory: string;
  readonly runtimeDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly manager: ProcessManager;
  readonly #pm: string;
  readonly #children = new Set<ChildProcess>();
  #starting: Promise<void> | null = null;

  private constructor(directory: string, env: Record<string, string>, manager: ProcessManager, pm: string) {
    this.directory = directory;
    this.runtimeDir = runtimeDirOf(directory);
    this.env = env;
    this.manager = manager;
    this.#pm = pm;
  }

  static async open({ base = memoryDirectory(), pm = builtPm }: ScopeOptions = {}): Promise<Scope> {
    const directory = mkdtempSync(join(base, "pmf-"));
    const runtimeDir = runtimeDirOf(directory);
    const env = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: directory,
      PM_RUNTIME_DIR: runtimeDir,
      XDG_CONFIG_HOME: join(directory, "config"),
    };
    let scope: Scope | null = null;
    const manager = await ProcessManager.connect({
      socket: join(runtimeDir, "pm.sock"),
      timeoutMs: hangMs,
      reconnectMs: hangMs,
      onUnreachable: async () => {
        await scope?.ensureDaemon();
        return true;
      },
    });
    scope = new Scope(directory, env, manager, pm);
    await scope.ensureDaemon();
    return scope;
  }

  /** Starts a daemon if none runs, as a user would. */
  async ensureDaemon(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    await this.#starting;
  }

  async #start(): Promise<void> {
    const { code, err } = await this.pm(["daemon", "start"]);
    if (code !== 0) throw new Error(`the daemon does not start: exit code ${code}: ${err}`);
  }

  /** Runs a command to its end. */
  async pm(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = this.spawn(args);
    const texts = { out: "", err: "" };
    child.stdout?.on("data", (data: Buffer) => {
      texts.out += data.toString("latin1");
    });
    child.stderr?.on("data", (data: Buffer) => {
      texts.err += data.toString();
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), hangMs);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    return { code, ...texts };
  }

  /** A command with pipes for its output; it ends with the scope at the latest. */
  spawn(args: readonly string[]): ChildProcess {
    const child = spawn(this.#pm, args, { stdio: ["ignore", "pipe", "pipe"], env: this.env });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  /** 0: none runs. */
  get daemonPid(): number {
    const pid = readPidFile(this.runtimeDir);
    return pid !== undefined && isAlive(pid) && commandOf(pid).includes("daemon") ? pid : 0;
  }

  /** 0: none runs. */
  get zygotePid(): number {
    const daemon = this.daemonPid;
    return daemon === 0 ? 0 : (childrenOf(daemon).find((pid) => nameOf(pid) === "pm-zygote") ?? 0);
  }

  /** Kills the daemon that runs now, if one does, and waits until it is gone. Answers whether one did. */
  async killDaemon(): Promise<boolean> {
    return await killAndWait(this.daemonPid);
  }

  async killZygote(): Promise<boolean> {
    return await killAndWait(this.zygotePid);
  }

  /** Ends everything and removes the directory. Answers what was left over, which must be nothing. */
  async close(): Promise<string[]> {
    for (const child of this.#children) child.kill("SIGKILL");
    let left: string[] = [];
    try {
      await this.ensureDaemon();
      await this.manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 });
    } catch (error) {
      left.push(`the shutdown: ${String(error)}`);
    }
    this.manager.close();
    const deadline = Date.now() + 10_000;
    let living = processesOf(this.directory);
    while (living.length > 0 && Date.now() < deadline) {
      await sleep(20);
      living = processesOf(this.directory);
    }
    left = [...left, ...living.map(({ pid, command }) => `process ${pid}: ${command}`)];
    for (const { pid } of living) kill(pid, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
    return left;
  }
}

/** On tmpfs, where there is one. */
export function memoryDirectory(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

function runtimeDirOf(directory: string): string {
  return join(directory, "run");
}

async function killAndWait(pid: number): Promise<boolean> {
  if (pid === 0 || !kill(pid, "SIGKILL")) return false;
  // It is no child of ours: nobody tells of its end.
  while (isAlive(pid)) await sleep(1);
  return true;
}

/** Whether there was such a process. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** A zombie has ended. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

export function parentOf(pid: number): number {
  return Number(statOf(pid)[1] ?? 0);
}

function statOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => parentOf(other) === pid);
}

export function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A built daemon of its own, in private directories on tmpfs, that is ended whatever happens. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { daemonNodeFlags } from "../../src/common/daemon-heap.ts";
import { ProcessManager } from "../../src/sdk/index.ts";

const dist = join(import.meta.dirname, "../../dist");

export interface BenchDaemonOptions {
  /** Without it the daemon runs from another socket path and has none. Default: true. */
  readonly commandHost?: boolean;
  /** More flags of `pm daemon run`. */
  readonly args?: readonly string[];
  /** Laid over the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface BenchDaemon extends AsyncDisposable {
  readonly directory: string;
  readonly socket: string;
  /** For programs that find the daemon by themselves. */
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly manager: ProcessManager;
  /**
   * Ends the daemon, keeps its processes, and starts the next one. Milliseconds
   * until that one is ready. With `commandHost` that one has one, whatever this
   * one had; `socket`, `env` and `manager` are others then.
   */
  replace(options?: Pick<BenchDaemonOptions, "commandHost">): Promise<number>;
}

export async function openDaemon(options: BenchDaemonOptions = {}): Promise<BenchDaemon> {
  const directory = mkdtempSync("/dev/shm/pm-bench-");
  const runtime = join(directory, "run");
  let socket = options.commandHost === false ? join(directory, "pm.sock") : join(runtime, "pm.sock");
  mkdirSync(runtime, { mode: 0o700 });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PM_RUNTIME_DIR: runtime,
    XDG_CONFIG_HOME: join(directory, "config"),
    XDG_STATE_HOME: join(directory, "state"),
    PM_HOST: `unix://${socket}`,
    ...options.env,
  };
  const start = async (): Promise<ChildProcess> => {
    const flags = ["--socket", socket, "--retention-count", "100000", "--log-level", "error", ...(options.args ?? [])];
    // As `pm daemon start` does.
    const child = spawn(process.execPath, [...daemonNodeFlags, join(dist, "daemon.mjs"), ...flags], {
      env: { ...env, PM_READY_FD: "3" },
      stdio: ["ignore", "ignore", "inherit", "pipe"],
      // A session of its own, and with that a share of the processor of its own (sched(7), autogroups).
      detached: true,
    });
    const said = await new Promise<string>((resolve, reject) => {
      (child.stdio[3] as Readable).once("data", (data) => resolve(String(data)));
      child.once("exit", (code) => reject(new Error(`the daemon exited with ${code}`)));
    });
    if (!said.startsWith("ready")) throw new Error(`the daemon is not ready: ${said}`);
    return child;
  };
  let child = await start();
  let manager = await ProcessManager.connect({ socket });
  const end = async (): Promise<void> => {
    for (const signal of interrupting) process.off(signal, onInterrupt);
    try {
      await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0, timeoutMs: 120_000 });
    } finally {
      manager.close();
      await ended(child, "SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    }
  };
  // Nobody else would end ten thousand processes.
  const onInterrupt = (): void => void end().finally(() => process.exit(130));
  for (const signal of interrupting) process.once(signal, onInterrupt);
  return {
    directory,
    env,
    get socket() {
      return socket;
    },
    get pid() {
      return child.pid ?? 0;
    },
    get manager() {
      return manager;
    },
    async replace({ commandHost = false } = {}) {
      await ended(child, "SIGKILL");
      if (commandHost) {
        socket = join(runtime, "pm.sock");
        env["PM_HOST"] = `unix://${socket}`;
      }
      const begin = performance.now();
      child = await start();
      const readyMs = performance.now() - begin;
      if (commandHost) {
        manager.close();
        manager = await ProcessManager.connect({ socket });
      }
      return readyMs;
    },
    [Symbol.asyncDispose]: end,
  };
}

const interrupting = ["SIGINT", "SIGTERM"] as const;

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exit;
}

/** Milliseconds that a program takes to run, its output thrown away. */
export function runMilliseconds(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(command, args, {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    maxBuffer: 1 << 20,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${status}: ${stderr}`);
  return performance.now() - begin;
}

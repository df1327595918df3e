/**
 * The real daemon as a child process in a runtime directory of its own. At the
 * end everything that it started is stopped by force, and the test fails if
 * anything is left.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, vi } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { removeRuntimeDir } from "./leftovers.ts";

const root = join(import.meta.dirname, "../..");
/** The sources, so that a test never runs a stale bundle; `PM_TEST_DAEMON` names another program. */
const program = process.env["PM_TEST_DAEMON"] ?? join(root, "src/server/main.ts");
/** Milliseconds that nothing needs, also on a machine with much else to do. */
const limitMs = 90_000;
const maxLogCharacters = 1024 * 1024;

export interface TestDaemonOptions {
  /** Flags. Default: none. */
  readonly args?: readonly string[];
  /** Laid over the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a new one. */
  readonly runtimeDir?: string;
  /** Of Node itself. Default: none. */
  readonly nodeArgs?: readonly string[];
  /** A descriptor to be its stderr. Default: a pipe, read into `log`. */
  readonly stderr?: number;
}

/** How a daemon ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestDaemon {
  readonly runtimeDir: string;
  readonly socketPath: string;
  /** Of the daemon that runs now, or ran last. */
  readonly pid: number;
  /** Everything that it has written to stderr. */
  readonly log: string;
  /** Settles when the daemon that runs now ends. */
  readonly exited: Promise<Exit>;
  readonly processes: Client<typeof ProcessService>;
  readonly daemon: Client<typeof DaemonService>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and its end. Processes run on. */
  kill9(): Promise<void>;
  /** Starts another daemon in the same directory; the first one must have ended. */
  restart(): Promise<void>;
  /** SIGTERM, and its end. Processes run on. */
  stop(): Promise<Exit>;
  /** Ends daemon and processes, asserts that nothing is left, removes the directory. */
  close(): Promise<void>;
}

/** A private directory with a short path, on tmpfs where there is one. */
export function makeRuntimeDir(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pmt-"));
}

/** Starts a daemon for one test; it is closed when the test is over. */
export async function startDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  const daemon = await launchDaemon(options);
  onTestFinished(() => daemon.close(), limitMs * 2);
  return daemon;
}

/** Starts a daemon that the caller closes, for use in hooks. */
export async function launchDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  const runtimeDir = options.runtimeDir ?? makeRuntimeDir();
  const socketPath = join(runtimeDir, "pm.sock");
  let run = await spawnDaemon(runtimeDir, options).catch(async (error: unknown) => {
    if (options.runtimeDir === undefined) {
      await removeRuntimeDir(runtimeDir);
    }
    throw error;
  });
  let log = "";
  const transport = createConnectTransport({
    httpVersion: "2",
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => connect(socketPath) },
  });
  const processes = createClient(ProcessService, transport);
  const daemon = createClient(DaemonService, transport);

  const end = async (signal: NodeJS.Signals): Promise<Exit> => {
    run.child.kill(signal);
    return run.exited;
  };

  return {
    runtimeDir,
    socketPath,
    get pid() {
      return run.child.pid ?? 0;
    },
    get log() {
      return log + run.log();
    },
    get exited() {
      return run.exited;
    },
    processes,
    daemon,
    signal: (name) => {
      run.child.kill(name);
    },
    kill9: async () => {
      await end("SIGKILL");
    },
    restart: async () => {
      log += run.log();
      run = await spawnDaemon(runtimeDir, options);
    },
    stop: () => end("SIGTERM"),
    close: async () => {
      const stopAll = async () => {
        if (run.hasExited()) {
          run = await spawnDaemon(runtimeDir, options);
        }
        await daemon.shutdown({ stopProcesses: true, gracePeriod: { seconds: 0n } }, { timeoutMs: limitMs });
      };
      try {
        await stopAll();
      } catch {
        // It may have been on its way out already. A second failure counts.
        run.child.kill("SIGKILL");
        await run.exited;
        await stopAll();
      }
      await run.exited;
      await removeRuntimeDir(runtimeDir);
    },
  };
}

/** The port that a daemon with a TCP listener chose: its log, which may come after its readiness, says it. */
export function tcpPort(daemon: TestDaemon): Promise<number> {
  return vi.waitFor(() => {
    const port = /"address":"[^"]+","port":(\d+)/.exec(daemon.log)?.[1];
    expect(port).toBeDefined();
    return Number(port);
  }, limitMs);
}

interface Run {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
  readonly log: () => string;
}

/** A daemon that did not get ready: `exit` and what it said. */
export class DaemonFailedError extends Error {
  override readonly name = "DaemonFailedError";
  readonly exit: Exit;
  /** What it wrote to `PM_READY_FD`. */
  readonly readiness: string;

  constructor(exit: Exit, readiness: string, log: string) {
    super(`the daemon ended with ${exit.signal ?? exit.code}: ${readiness || log}`);
    this.exit = exit;
    this.readiness = readiness;
  }
}

async function spawnDaemon(
  runtimeDir: string,
  { args = [], env = {}, nodeArgs = [], stderr }: TestDaemonOptions,
): Promise<Run> {
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    env: {
      ...process.env,
      PM_RUNTIME_DIR: runtimeDir,
      PM_READY_FD: "3",
      // Inherited by processes, as PM_ variables are not: it finds what escaped.
      RUNTIME_UNDER_TEST: runtimeDir,
      ...env,
    },
    stdio: ["ignore", "ignore", stderr ?? "pipe", "pipe"],
  });
  let log = "";
  (child.stderr as Readable | null)?.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-maxLogCharacters);
  });
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const readiness = await firstLine(child.stdio[3] as Readable);
  if (readiness !== "ready") {
    // One that said nothing in time would live on.
    if (readiness === "") child.kill("SIGKILL");
    throw new DaemonFailedError(await exited, readiness, log);
  }
  return {
    child,
    exited,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    log: () => log,
  };
}

/** The first line, or what there was when the stream ended. */
function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = () => {
      clearTimeout(deadline);
      resolve(text.split("\n", 1)[0] ?? "");
      stream.destroy();
    };
    const deadline = setTimeout(done, limitMs);
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) {
        done();
      }
    });
    stream.once("end", done);
    stream.once("error", done);
  });
}

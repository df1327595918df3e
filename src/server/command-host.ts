/**
 * Keeps the command host alive: a worker thread that runs commands of `pm`
 * warm. The daemon knows it only as a program to start, and depends on it for
 * nothing: without it commands run in processes of their own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Log } from "./log.ts";

/** All in milliseconds. */
export interface CommandHostTiming {
  /** Before the first host: a daemon that a command has just started has that command to answer. */
  readonly startDelay: number;
  /** Before a host that ended is replaced: the first time, and at most. */
  readonly restartDelay: { readonly first: number; readonly most: number };
  /** What a host must live for its end not to count as a failure to begin. */
  readonly proven: number;
  /** How often a host with work is asked whether it lives. */
  readonly pingEvery: number;
  /** What commands under way get when the daemon ends. */
  readonly closeGrace: number;
}

const defaultTiming: CommandHostTiming = {
  startDelay: 300,
  restartDelay: { first: 500, most: 60_000 },
  proven: 60_000,
  pingEvery: 2000,
  closeGrace: 1000,
};

/** So many questions in a row without an answer end a host. */
const maxUnanswered = 5;

/** Enough for a list of 10,000 processes; a command that needs more ends the host, not the daemon. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8, stackSizeMb: 4 };

export interface CommandHostOptions {
  /** Directory of the build: `host.cjs` and `build-id`. */
  readonly programs: string;
  /** Absolute path of the socket to make, in a directory of mode 0700. */
  readonly socketPath: string;
  readonly log: Pick<Log, "warn" | "error">;
  readonly timing?: CommandHostTiming;
}

export interface CommandHost {
  /** Takes no more commands, lets those under way end, and cuts off what is left. Waits twice the grace at most. */
  close(): Promise<void>;
}

/** Starts the host a moment later. There is none where there is no build, such as under tests of the sources. */
export function startCommandHost(options: CommandHostOptions): CommandHost | undefined {
  const { programs, socketPath, log, timing = defaultTiming } = options;
  const buildId = readBuildId(programs);
  if (buildId === undefined) {
    return undefined;
  }
  const program = join(programs, "host.cjs");
  let closing = false;
  let worker: Worker | undefined;
  let delayMs = timing.restartDelay.first;

  const start = (): void => {
    const begun = performance.now();
    const current = new Worker(program, {
      workerData: { socketPath, buildId },
      // Nothing that the daemon knows is a command's business.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits,
    });
    worker = current;
    // It ends with the daemon, not the daemon with it.
    current.unref();
    watchForHang(current, timing.pingEvery, log);
    current.on("error", (error) => log.error({ err: error }, "the command host failed"));
    current.once("exit", (code) => {
      worker = undefined;
      if (closing) {
        return;
      }
      delayMs = performance.now() - begun > timing.proven ? timing.restartDelay.first : delayMs;
      log.warn({ code, delayMs }, "the command host ended: it is replaced, commands run without it meanwhile");
      timer = setTimeout(start, delayMs).unref();
      delayMs = Math.min(delayMs * 2, timing.restartDelay.most);
    });
  };
  let timer = setTimeout(start, timing.startDelay).unref();

  return {
    async close() {
      closing = true;
      clearTimeout(timer);
      const current = worker;
      if (current === undefined) {
        return;
      }
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      current.once("exit", () => resolve());
      current.ref();
      current.postMessage("close");
      const grace = setTimeout(() => void current.terminate(), timing.closeGrace);
      // A thread that a system call holds ends with the process only.
      const given = setTimeout(() => {
        current.unref();
        log.warn("the command host does not end: the daemon ends without it");
        resolve();
      }, 2 * timing.closeGrace);
      await ended;
      clearTimeout(grace);
      clearTimeout(given);
    },
  };
}

/** Ends a worker that has work and answers nothing any longer. */
function watchForHang(worker: Worker, everyMs: number, log: CommandHostOptions["log"]): void {
  let timer: NodeJS.Timeout | undefined;
  let unanswered = 0;
  const stop = (): void => clearInterval(timer);
  worker.on("message", (message: unknown) => {
    switch (message) {
      case "busy":
        unanswered = 0;
        timer = setInterval(() => {
          if (unanswered >= maxUnanswered) {
            stop();
            log.error("the command host hangs: ending it");
            void worker.terminate();
            return;
          }
          unanswered++;
          worker.postMessage("ping");
        }, everyMs).unref();
        break;
      case "pong":
        unanswered = 0;
        break;
      case "idle":
        stop();
        break;
    }
  });
  worker.once("exit", stop);
}

function readBuildId(programs: string): string | undefined {
  try {
    return readFileSync(join(programs, "build-id"), "latin1");
  } catch {
    return undefined;
  }
}

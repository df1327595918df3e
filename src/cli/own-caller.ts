/** The caller of a command that runs in the process that was called. */
import { readFileSync, readlinkSync, write, writeSync } from "node:fs";
import { getPriority } from "node:os";
import { isatty } from "node:tty";
import { ExitCode } from "../common/exit-codes.ts";
import { BrokenPipe, type Caller, type Inherited, OutputFailed, type Rlimit } from "./caller.ts";
import { takeOpenFiles } from "./open-files.ts";
import { rlimitNames } from "./rlimits.ts";
import { takeWritten } from "./written.ts";

/**
 * Writes with node:fs, without the cost of loading Node's streams. What a
 * command need not know is not asked for.
 */
export function ownCaller(own: NodeJS.Process): Caller {
  const args = own.argv.slice(2);
  const written = takeWritten(own.env);
  const { PM_REMEMBERED: remembered } = own.env;
  delete own.env["PM_REMEMBERED"];
  const openFiles = takeOpenFiles(own.env);
  const unwritten = (data: Uint8Array): Uint8Array => {
    const rest = written === undefined ? data : written.rest(data);
    if (rest === undefined) {
      throw cutOff();
    }
    return rest;
  };
  return {
    args,
    env: own.env,
    get cwd() {
      try {
        return own.cwd();
      } catch {
        return undefined;
      }
    },
    terminal: {
      get stdin() {
        return isatty(0);
      },
      get stdout() {
        return isatty(1);
      },
      get stderr() {
        return isatty(2);
      },
      get size() {
        const { rows, columns } = own.stdout;
        return rows > 0 && columns > 0 ? { rows, columns } : undefined;
      },
    },
    // The process ends with its caller's patience, by a signal.
    get signal() {
      return new AbortController().signal;
    },
    get inherited() {
      return inheritedBy(own, args.length, openFiles);
    },
    print: (text) => writeAllSync(stdoutFd, unwritten(Buffer.from(text))),
    note(text) {
      try {
        writeAllSync(stderrFd, Buffer.from(text));
      } catch {
        // There is nobody to tell it.
      }
    },
    async writeOutput(all) {
      const data = unwritten(all);
      let offset = 0;
      while (offset < data.length) {
        offset += await writeSome(data, offset);
      }
    },
    finish() {
      if (written?.isBehind) {
        throw cutOff();
      }
    },
    remembered,
    remember() {},
    ownProcess: () => own,
    mayLeave: () => true,
    // Its end lets go of everything.
    onEnd() {},
  };
}

/** The command was broken off and cannot go on, since it would not say the same again. */
function cutOff(): OutputFailed {
  return new OutputFailed("the connection to the daemon was lost", { exitCode: ExitCode.unreachable });
}

const stdoutFd = 1;
const stderrFd = 2;

/** A thread does the blocking, so signals are still handled meanwhile. */
function writeSome(data: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(stdoutFd, data, offset, data.length - offset, null, (error, written) => {
      if (error === null) {
        resolve(written);
      } else if (error.code === "EAGAIN") {
        setTimeout(resolve, retryMs, 0);
      } else {
        reject(writeError(error, data));
      }
    });
  });
}

/**
 * Somebody who shares the descriptor (often a terminal or ssh) may have made it
 * non-blocking. There is no waiting for it to drain through node:fs then.
 */
const retryMs = 5;

function writeAllSync(fd: number, data: Uint8Array): void {
  let offset = 0;
  while (offset < data.length) {
    try {
      offset += writeSync(fd, data, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
        throw writeError(error as NodeJS.ErrnoException, data);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}

function writeError(error: NodeJS.ErrnoException, data: Uint8Array): Error {
  if (error.code === "EPIPE") {
    return new BrokenPipe();
  }
  // The launcher says the same, in the same words (src/launcher/host.c).
  const line = resultLine(data);
  return new OutputFailed(`cannot write to standard output: ${error.code}`, {
    cause: error,
    hint: line === undefined ? undefined : `not written: ${line}`,
  });
}

/** Longer than an id or a name: more is no result that somebody would look for on standard error. */
const maxResultLine = 128;

/** What is one short line of plain text, as the id of a process that has just been started, without its newline. */
function resultLine(data: Uint8Array): string | undefined {
  return data.length <= maxResultLine
    ? /^([\x20-\x7e]+)\n$/.exec(Buffer.from(data).toString("latin1"))?.[1]
    : undefined;
}

function inheritedBy(own: NodeJS.Process, argCount: number, openFiles: bigint | undefined): Inherited {
  const args = strings(readFileSync("/proc/self/cmdline"));
  let cwd: Uint8Array | undefined;
  try {
    own.cwd();
    cwd = readlinkSync("/proc/self/cwd", "buffer");
  } catch {
    // It was removed.
  }
  return {
    args: args.slice(args.length - argCount),
    env: strings(readFileSync("/proc/self/environ")).filter((entry) => !isOfLauncher(entry)),
    cwd,
    umask: own.umask(),
    nice: getPriority(),
    rlimits: rlimitsOf(openFiles),
  };
}

/** What the launcher says to this process alone. */
const launcherVariables = ["PM_WRITTEN=", "PM_REMEMBERED=", "PM_OPEN_FILES="].map((text) => Buffer.from(text));

function isOfLauncher(entry: Uint8Array): boolean {
  return launcherVariables.some((variable) => variable.equals(entry.subarray(0, variable.length)));
}

/** Strings that each end with a zero byte. */
function strings(block: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let begin = 0, end = block.indexOf(0); end >= 0; begin = end + 1, end = block.indexOf(0, begin)) {
    found.push(block.subarray(begin, end));
  }
  return found;
}

/**
 * Of proc_pid_limits(5).
 *
 * @param openFiles The soft limit of open files before Node.js raised it.
 */
function rlimitsOf(openFiles: bigint | undefined): Record<string, Rlimit> {
  const text = readFileSync("/proc/self/limits", "latin1");
  const bound = (value: string): bigint | undefined => (value === "unlimited" ? undefined : BigInt(value));
  const limits: Record<string, Rlimit> = {};
  for (const [title, name] of Object.entries(rlimitNames)) {
    const [, soft, hard] = new RegExp(`^${title} +(\\S+) +(\\S+)`, "m").exec(text) ?? [];
    if (soft !== undefined && hard !== undefined) {
      limits[name] = { soft: bound(soft), hard: bound(hard) };
    }
  }
  if (openFiles !== undefined && limits["nofile"] !== undefined) {
    limits["nofile"] = { ...limits["nofile"], soft: openFiles };
  }
  return limits;
}

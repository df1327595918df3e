/** Starting the daemon in the background. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  watch,
} from "node:fs";
import { basename, dirname } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { daemonNodeFlags } from "../../common/daemon-heap.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { runtimeDirectory, socketPath } from "../../common/paths.ts";
import { makeDirectories } from "../../files/make-directories.ts";
import { PmError, ProcessManager } from "../../sdk/index.ts";
import type { Caller } from "../caller.ts";
import { isUnreachable } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { daemonElsewhere } from "./elsewhere.ts";
import { daemonEnvironment } from "./environment.ts";
import { daemonLogPath, daemonProgram } from "./paths.ts";

/** Finding 10,000 processes again takes a daemon some hundred milliseconds; the rest is for slow machines. */
const readyTimeoutMs = 30_000;

/** The main one, four workers, and one for what is to be done later. */
const threadsOfNode = 6;
/** How long until it is looked whether a daemon got its threads: as a rule it is ready before. */
const stuckLookMs = 2_000;

/** Milliseconds that a daemon has for one answer. */
const answerTimeoutMs = 5_000;

/** A log larger than this is put aside as daemon.log.old before the daemon starts. */
const maxLogBytes = 1024 * 1024;

/** Daemons that a signal ends before they are ready: those that are killed are replaced, those that crash not for long. */
const maxCrashes = 5;

/** What the daemon exits with if another one has the runtime directory. */
const alreadyRunning = ExitCode.conflict;

/**
 * Starts a daemon in a session of its own and resolves once one answers on the
 * default socket: this one, or one that somebody else started meanwhile. `say`
 * tells a person; default: on standard error.
 *
 * @throws CommandError with what the daemon said
 */
export async function launchDaemon(
  caller: Caller,
  say: (text: string) => void = (text) => caller.note(text),
): Promise<void> {
  const own = caller.ownProcess();
  const deadline = Date.now() + readyTimeoutMs;
  // Each question is one attempt: a daemon that dies meanwhile is for this loop to replace.
  const manager = await ProcessManager.connect({
    socket: socketPath(runtimeDirectory(caller.env)),
    reconnect: false,
    timeoutMs: answerTimeoutMs,
  });
  try {
    await untilReady(caller, own, manager, deadline, say);
  } finally {
    manager.close();
  }
}

async function untilReady(
  caller: Caller,
  own: NodeJS.Process,
  manager: ProcessManager,
  deadline: number,
  say: (text: string) => void,
): Promise<void> {
  for (let crashes = 0; ; ) {
    // Each time: what was there may have been removed meanwhile.
    prepareDirectory(runtimeDirectory(caller.env), own, caller.env);
    const { pid, outcome } = await begin(caller, own);
    if (outcome.kind === "ready") {
      say(`pm: started the daemon (pid ${pid})\n`);
      const elsewhere = daemonElsewhere(caller);
      if (elsewhere !== undefined) {
        caller.note(elsewhere);
      }
      return;
    }
    if (outcome.kind === "ended" && outcome.signal !== null && Date.now() < deadline) {
      crashes += outcome.signal === "SIGKILL" ? 0 : 1;
      if (crashes < maxCrashes) {
        continue;
      }
    }
    if (outcome.kind !== "ended" || outcome.code !== alreadyRunning) {
      const said = outcome.kind === "refused" ? outcome.error : describe(outcome);
      throw new CommandError(`cannot start the daemon: ${said}`, {
        exitCode: ExitCode.unreachable,
        hint: outcome.kind === "refused" ? undefined : `its log is ${daemonLogPath(caller)}`,
      });
    }
    // Another one was faster, and will answer; or one is ending, and its place will be free.
    if (await otherAnswers(caller, manager, deadline)) {
      return;
    }
  }
}

async function begin(caller: Caller, own: NodeJS.Process): Promise<{ pid: number | undefined; outcome: Outcome }> {
  const log = openLog(daemonLogPath(caller), caller.env);
  let child: ChildProcess;
  try {
    const [command, args] = unlimited(caller, [own.execPath, ...daemonNodeFlags, daemonProgram(own)]);
    child = spawn(command, args, {
      cwd: "/",
      detached: true,
      stdio: ["ignore", "ignore", log, "pipe"],
      env: { ...daemonEnvironment(caller), PM_READY_FD: "3" },
    });
  } finally {
    closeSync(log);
  }
  const outcome = await readiness(child);
  child.unref();
  return { pid: child.pid, outcome };
}

/** By the names of caller.ts and the letters of ulimit: what a daemon must not have from the shell that needed it first. */
const mustBeUnlimited = { fsize: "f", cpu: "t", as: "v", data: "d" } as const;

/**
 * A command line that begins with limits of its own. They would hold for everybody's processes, and one of file size
 * for the output of all of them. Node.js cannot set them; a shell can, and only where the caller may raise its own.
 */
function unlimited(
  caller: Caller,
  program: readonly [string, ...string[]],
): readonly [command: string, args: string[]] {
  const { rlimits } = caller.inherited;
  const finite = Object.entries(mustBeUnlimited).filter(([name]) => rlimits[name]?.soft !== undefined);
  if (finite.length === 0) {
    const [command, ...args] = program;
    return [command, args];
  }
  const raise = finite.map(
    ([name, letter]) =>
      `ulimit -S -${letter} unlimited 2>/dev/null || ulimit -${letter} unlimited 2>/dev/null || fail ${name} -${letter}`,
  );
  const script = [
    `fail() { printf '{"error":"the limit of %s of this shell (ulimit %s) would hold for every process"}\\n' "$1" "$2" >&3; exit 1; }`,
    ...raise,
    'exec "$@"',
  ].join("\n");
  return ["/bin/sh", ["-c", script, "sh", ...program]];
}

type Outcome =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly error: string }
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "late" }
  | { readonly kind: "stuck" };

function describe(outcome: Exclude<Outcome, { kind: "ready" | "refused" }>): string {
  switch (outcome.kind) {
    case "ended":
      return outcome.signal === null ? `it exited with code ${outcome.code}` : `it was ended by ${outcome.signal}`;
    case "failed":
      return outcome.error.message;
    case "stuck":
      return "Node.js could not make its threads: no more processes or threads can be made here ('ulimit -u', pids.max, kernel.pid_max)";
    case "late":
      return `it was not ready within ${readyTimeoutMs / 1000} seconds`;
  }
}

/**
 * The daemon writes one line to its descriptor PM_READY_FD when it serves or
 * knows that it never will: "ready", or an object with `error`.
 */
function readiness(child: ChildProcess): Promise<Outcome> {
  const pipe = child.stdio[3] as Readable;
  let look: NodeJS.Timeout | undefined;
  return new Promise<Outcome>((resolve) => {
    let line = "";
    let ended: Outcome | undefined;
    pipe.setEncoding("utf8");
    pipe.on("data", (text: string) => {
      line += text;
      if (line.includes("\n")) {
        resolve(readinessOf(line));
      }
    });
    // After the pipe's end, so that a refusal that was written just before the exit is read first.
    child.once("close", (code, signal) => resolve(ended ?? { kind: "ended", code, signal }));
    child.once("error", (error) => {
      ended = { kind: "failed", error };
      resolve(ended);
    });
    look = setInterval(() => {
      if (endIfStuck(child)) {
        resolve({ kind: "stuck" });
      }
    }, stuckLookMs).unref();
    setTimeout(resolve, readyTimeoutMs, { kind: "late" }).unref();
  }).finally(() => {
    clearInterval(look);
    pipe.destroy();
  });
}

/**
 * Node.js 26 waits for ever when it cannot make the workers that it begins with,
 * which no event tells. With all threads that there are asleep, none of them
 * will make another; what has not begun has nothing to lose.
 */
function endIfStuck({ pid = 0 }: ChildProcess): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const isStuck =
      threads.length > 1 &&
      threads.length < threadsOfNode &&
      threads.every((thread) => /\) S [^)]*$/.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1")));
    return isStuck && process.kill(pid, "SIGKILL");
  } catch {
    // It has ended just now.
    return false;
  }
}

function readinessOf(line: string): Outcome {
  const text = line.slice(0, line.indexOf("\n"));
  if (text === "ready") {
    return { kind: "ready" };
  }
  try {
    const { error, code } = JSON.parse(text) as { error?: unknown; code?: unknown };
    if (code === alreadyRunning) {
      return { kind: "ended", code: alreadyRunning, signal: null };
    }
    return { kind: "refused", error: String(error) };
  } catch {
    return { kind: "refused", error: text };
  }
}

/** Milliseconds between two attempts while another daemon has the directory: the release of its lock is no event. */
const attemptMs = 250;

/**
 * Waits for the daemon that has the directory to answer. Its socket appears already listening.
 *
 * @returns false when it is time to try again, since it is ending
 */
async function otherAnswers(caller: Caller, manager: ProcessManager, deadline: number): Promise<boolean> {
  const change = new AbortController();
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(runtimeDirectory(caller.env));
  } catch {
    return false; // The directory went with its daemon.
  }
  try {
    watcher.on("error", () => change.abort());
    watcher.once("change", () => change.abort());
    try {
      await manager.daemon.info();
      return true;
    } catch (error) {
      if (!isUnreachable(error) && !isEnding(error) && !isTimeout(error)) {
        throw error;
      }
    }
    if (Date.now() > deadline) {
      throw new CommandError("another daemon has the runtime directory but does not respond", {
        exitCode: ExitCode.unreachable,
        hint: `its log is ${daemonLogPath(caller)}`,
      });
    }
    await sleep(attemptMs, undefined, { signal: change.signal }).catch(() => {});
    return await manager.daemon.info().then(
      () => true,
      () => false,
    );
  } finally {
    watcher.close();
  }
}

/** What a daemon answers that ends, or died while it was asked. */
export function isEnding(error: unknown): boolean {
  return error instanceof PmError && (error.reason === "SHUTTING_DOWN" || error.reason === "DISCONNECTED");
}

export function isTimeout(error: unknown): boolean {
  return error instanceof PmError && error.reason === "TIMEOUT";
}

/** Nothing is written into a directory that is not ours alone; why it is refused, the daemon says best. */
function prepareDirectory(directory: string, own: NodeJS.Process, env: Caller["env"]): void {
  let stats: Stats;
  try {
    if (!existsSync(directory)) {
      makeDirectories(directory, 0o700);
    }
    stats = lstatSync(directory);
  } catch (error) {
    throw unusable(directory, (error as Error).message, env);
  }
  if (!stats.isDirectory()) {
    throw unusable(directory, "it is not a directory", env);
  }
  if (stats.uid !== own.getuid?.()) {
    throw unusable(directory, `it belongs to user ${stats.uid}`, env);
  }
}

function unusable(directory: string, why: string, env: Caller["env"]): CommandError {
  return new CommandError(`cannot use the runtime directory ${directory}: ${why}`, {
    exitCode: ExitCode.unreachable,
    hint: unusableHint(env),
  });
}

function unusableHint(env: Caller["env"]): string {
  if (!env["PM_RUNTIME_DIR"] && env["XDG_RUNTIME_DIR"]) {
    return `XDG_RUNTIME_DIR is ${env["XDG_RUNTIME_DIR"]}: if it is another user's, as after su or sudo, unset it; or set PM_RUNTIME_DIR`;
  }
  const outside = userOutside();
  return outside === undefined || env["PM_RUNTIME_DIR"]
    ? "set PM_RUNTIME_DIR to a directory of your own"
    : `in this user namespace you are root, outside user ${outside}: PM_RUNTIME_DIR=${runtimeDirectory({}, outside)} is the directory of that user's daemon`;
}

/** Whom the root of this user namespace is outside of it (user_namespaces(7)); undefined if it is root, or nobody asks. */
function userOutside(): number | undefined {
  try {
    const ranges = readFileSync("/proc/self/uid_map", "latin1").trim().split("\n");
    const [, outside] = ranges.map((range) => range.trim().split(/\s+/)).find(([inside]) => inside === "0") ?? [];
    return outside === undefined || outside === "0" ? undefined : Number(outside);
  } catch {
    return undefined; // A kernel without user namespaces.
  }
}

function openLog(path: string, env: Caller["env"]): number {
  const open = (): number =>
    openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
  try {
    const log = open();
    if (fstatSync(log).size <= maxLogBytes) {
      return log;
    }
    closeSync(log);
    renameSync(path, `${path}.old`);
    return open();
  } catch (error) {
    throw unusable(dirname(path), `cannot write ${basename(path)}: ${(error as NodeJS.ErrnoException).code}`, env);
  }
}

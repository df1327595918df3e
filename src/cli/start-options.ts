/** What `start` and `run` have in common: the options that say what to run and how. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { escapeBytes } from "../common/escape.ts";
import { PmError, type StartOptions } from "../sdk/index.ts";
import { environmentFile } from "./arguments/environment-file.ts";
import { cpus, duration, environmentVariable, label, size, ulimit, wholeNumber } from "./arguments/values.ts";
import { type Caller, resolvePath } from "./caller.ts";
import { flag, type OptionValues, repeated, single, text } from "./command.ts";
import type { Connection } from "./connection.ts";
import { CommandError, exitCodeOf } from "./errors.ts";
import { policyOf, policyOptions } from "./policy-options.ts";
import { UsageError } from "./usage-error.ts";

export const startOptions = {
  name: text("NAME", "Name it, so that commands can call it so; unique among those that have not ended", {
    short: "n",
    complete: "none",
  }),
  env: repeated("KEY[=VALUE]", environmentVariable, "Set a variable; without a value, pass on your own", {
    short: "e",
    complete: "none",
  }),
  "env-file": repeated("FILE", environmentFile, "Set the variables in a file of KEY=VALUE lines", { complete: "file" }),
  "clean-env": flag("Begin with the daemon's environment, not with yours"),
  directory: text("DIR", "Run it in this directory (default: the current one)", { short: "C", complete: "directory" }),
  label: repeated("KEY=VALUE", label, "Attach a label, to select by", { short: "l", complete: "none" }),
  "output-limit": single("SIZE", size, "How much of its latest output to keep (default: 1MiB)", { complete: "none" }),
  tty: flag("Give it a terminal", "t"),
  stdin: flag("Give it a standard input that can be written to (default: /dev/null)", "i"),
  "stop-signal": text("SIGNAL", "What a stop sends first (default: SIGTERM)", { complete: "none" }),
  "stop-timeout": single("DURATION", duration, "How long a stop waits (default: 10s)", { complete: "none" }),
  ulimit: repeated("NAME=SOFT[:HARD]", ulimit, "Limit a resource, as ulimit does: nofile=1024:4096", {
    complete: "none",
  }),
  memory: single("SIZE", size, "Limit the memory of its whole tree (cgroup v2)", { complete: "none" }),
  cpus: single("NUMBER", cpus, "Limit the processor time of its whole tree: 1.5 (cgroup v2)", { complete: "none" }),
  pids: single("NUMBER", wholeNumber(1), "Limit the number of tasks of its whole tree (cgroup v2)", {
    complete: "none",
  }),
  ...policyOptions,
  id: text("UUID", "Its id; the same start with the same id starts it once", { complete: "none" }),
} as const;

/** The size of a terminal that nobody looks at. */
const defaultTerminal = { rows: 24, columns: 80 };

/**
 * The request that the options and the command line ask for. On this machine
 * the process gets what a shell's background job would get: the caller's
 * directory and environment. Another machine has its own.
 */
export function startRequest(
  options: OptionValues<typeof startOptions>,
  [executable = "", ...args]: readonly string[],
  { local }: Pick<Connection, "local">,
  caller: Caller,
): StartOptions {
  if (options.stdin && options.tty) {
    throw new UsageError("give either --stdin or --tty: a terminal is always the standard input too");
  }
  const inherit = local && !options["clean-env"];
  const given = [...options["env-file"].flat(), ...options.env.filter((variable) => variable !== undefined)];
  const limits = limitsOf(options);
  const stop = {
    ...(options["stop-signal"] === undefined ? {} : { signal: options["stop-signal"] }),
    ...(options["stop-timeout"] === undefined ? {} : { graceMs: options["stop-timeout"] }),
  };
  return {
    id: options.id ?? kernelUuid(),
    executable,
    args,
    env: { ...(inherit ? callerEnvironment(caller) : {}), ...Object.fromEntries(given) },
    envMode: inherit ? "replace" : "extend",
    ...directoryOf(options.directory, local, caller),
    labels: Object.fromEntries(options.label),
    stdin: options.stdin ? "pipe" : "null",
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options["output-limit"] === undefined ? {} : { output: { limitBytes: options["output-limit"] } }),
    ...(options.tty ? { terminal: caller.terminal.size ?? defaultTerminal } : {}),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(stop).length === 0 ? {} : { stop }),
    ...policyOf(options),
  };
}

/** A random UUID by the kernel (random(4)), since loading node:crypto for one would cost 5 ms. */
function kernelUuid(): string {
  return readFileSync("/proc/sys/kernel/random/uuid", "latin1").trim();
}

function callerEnvironment({ env }: Caller): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function directoryOf(directory: string | undefined, local: boolean, caller: Caller): { cwd?: string } {
  if (local) {
    return { cwd: resolvePath(caller, directory ?? ".") };
  }
  return directory === undefined ? {} : { cwd: directory };
}

function limitsOf(options: OptionValues<typeof startOptions>): NonNullable<StartOptions["limits"]> {
  return {
    ...(options.ulimit.length === 0 ? {} : { rlimits: options.ulimit }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.cpus === undefined ? {} : { cpuMillis: options.cpus }),
    ...(options.pids === undefined ? {} : { processes: options.pids }),
  };
}

/** What a failed start was about. */
const steps: Readonly<Record<string, string>> = {
  prepare: "preparing its runtime files",
  shim: "starting its supervisor",
  output: "setting its output aside",
  pipe: "making its pipes",
  fork: "forking",
  session: "beginning its session",
  cgroup: "joining its cgroup",
  limits: "setting its limits",
  chdir: "changing to its directory",
  stdio: "connecting its standard streams",
};

/** The error that a failed start becomes: the system's own words, and what to do. Other errors stay as they are. */
export function startError(error: unknown, request: StartOptions): unknown {
  if (!(error instanceof PmError) || error.reason !== "START_FAILED") {
    return error;
  }
  const { step = "", errno_name: errnoName = "", errno_text: errnoText = error.message, path = "" } = error.metadata;
  const what = steps[step];
  const about = what === undefined ? "" : `${what}${path === "" ? "" : ` ${path}`}: `;
  const name = errnoName === "" ? "" : ` (${errnoName})`;
  return new CommandError(`cannot start "${request.name ?? shown(request.executable)}": ${about}${errnoText}${name}`, {
    exitCode: exitCodeOf(error),
    hint: error.hint ?? startHint(request, step, errnoName, path),
    cause: error,
  });
}

function startHint(request: StartOptions, step: string, errnoName: string, path: string): string | undefined {
  if (step !== "exec") {
    return errnoName === "ENOSPC"
      ? "the runtime directory is full: 'pm prune', or a smaller --output-limit"
      : undefined;
  }
  const executable = shown(request.executable);
  switch (errnoName) {
    case "ENOENT":
      if (!executable.includes("/")) {
        return `"${executable}" is not in the PATH of the process`;
      }
      // The same answer for a script whose interpreter is missing: execve(2).
      return typeof request.cwd === "string" && existsSync(resolve(request.cwd, executable))
        ? "the file is there: the interpreter that its first line names is not"
        : undefined;
    case "EACCES":
      return `${path === "" ? executable : path} must be a file, and executable: chmod +x`;
    case "ENOEXEC":
      return `it has no "#!" line and is no program for this machine; run a script with its shell: sh ${executable}`;
    case "E2BIG":
      return "arguments and environment together are too long for the system; pass the data in a file or by --stdin";
    default:
      return undefined;
  }
}

function shown(text: string | Uint8Array): string {
  return typeof text === "string" ? text : escapeBytes(text);
}

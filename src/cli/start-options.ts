/** What `start` and `run` have in common: the options that say what to run and how. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { defaultRlimits } from "../common/default-rlimits.ts";
import { escapeBytes, escapeText } from "../common/escape.ts";
import {
  PmError,
  type Process,
  type ProcessInfo,
  type ProcessManager,
  type ResourceLimit,
  type StartOptions,
  type TextOrBytes,
} from "../sdk/index.ts";
import {
  cpus,
  duration,
  label,
  nice,
  nonEmpty,
  processName,
  signal,
  size,
  ulimit,
  umask,
  wholeNumber,
} from "./arguments/values.ts";
import { environmentFile, environmentVariable, type Variable } from "./arguments/variable.ts";
import { type Caller, resolvePath } from "./caller.ts";
import { flag, type OptionValues, repeated, single, text } from "./command.ts";
import type { Connection } from "./connection.ts";
import { CommandError, exitCodeOf } from "./errors.ts";
import { callerDirectory, callerEnvironment, given, givenLast, joined } from "./given.ts";
import { policyOf, policyOptions } from "./policy-options.ts";
import { signalNames } from "./signals.ts";

/** Options that say how a process is run. */
export const specOptions = {
  env: repeated("KEY[=VALUE]", environmentVariable, "Set a variable; without a value, pass yours on", {
    short: "e",
    complete: "none",
  }),
  "env-file": repeated("FILE", environmentFile, "Set the variables in a file of KEY=VALUE lines", { complete: "file" }),
  directory: single("DIR", nonEmpty("a directory"), "Working directory (default: the current one)", {
    short: "C",
    complete: "directory",
  }),
  "output-limit": single("SIZE", size, "How much of the latest output to keep (default: 1MiB)", { complete: "none" }),
  "stop-signal": single("SIGNAL", signal, "The signal that a stop sends first (default: SIGTERM)", {
    complete: signalNames,
  }),
  "stop-timeout": single("DURATION", duration, "How long a stop waits for it to end (default: 10s)", {
    complete: "none",
  }),
  umask: single("MODE", umask, "File mode creation mask, such as 022 (default: yours)", { complete: "none" }),
  nice: single("NUMBER", nice, "Nice value, -20 (most favored) to 19 (default: yours)", { complete: "none" }),
  ulimit: repeated("NAME=SOFT[:HARD]", ulimit, "Resource limit, as of ulimit: nofile=1024:4096 (default: yours)", {
    complete: "none",
  }),
  memory: single("SIZE", size, "Memory limit of the process tree (cgroup v2)", { complete: "none" }),
  cpus: single("NUMBER", cpus, "Processor limit of the process tree, such as 1.5 (cgroup v2)", { complete: "none" }),
  pids: single("NUMBER", wholeNumber(1), "Limit of the number of tasks in the process tree (cgroup v2)", {
    complete: "none",
  }),
} as const;

export const startOptions = {
  name: single("NAME", processName, "Process name, unique among running processes", {
    short: "n",
    complete: "none",
  }),
  label: repeated("KEY=VALUE", label, "Add a label, to select by with -l", { short: "l", complete: "none" }),
  ...specOptions,
  "clean-env": flag("Start from the daemon's environment instead of yours"),
  tty: flag("Allocate a terminal", "t"),
  stdin: flag("Keep standard input open for writing (default: /dev/null)", "i"),
  ...policyOptions,
  id: text("UUID", "Use this id: repeating the same start with it starts the process once", { complete: "none" }),
} as const;

/** The size of a terminal that nobody looks at. */
const defaultTerminal = { rows: 24, columns: 80 };

/**
 * The request that the options and the command line ask for. On this machine the process gets what a shell's background
 * job would get: the caller's directory, environment, umask, priority and limits, whoever started the daemon. Another
 * machine has its own.
 */
export function startRequest(
  options: OptionValues<typeof startOptions>,
  words: readonly string[],
  { local }: Pick<Connection, "local">,
  caller: Caller,
): StartOptions {
  const inherit = local && !options["clean-env"];
  const [executable = "", ...args] = givenLast(words, caller);
  const directory = directoryOf(options.directory, local, caller);
  const limits = limitsOf(options, local ? caller.inherited.rlimits : {});
  const stop = {
    ...(options["stop-signal"] === undefined ? {} : { signal: options["stop-signal"] }),
    ...(options["stop-timeout"] === undefined ? {} : { graceMs: options["stop-timeout"] }),
  };
  const own = {
    umask: options.umask ?? (local ? caller.inherited.umask & 0o777 : undefined),
    nice: options.nice ?? (local ? caller.inherited.nice : undefined),
  };
  return {
    id: options.id ?? kernelUuid(),
    executable,
    args,
    env: [...(inherit ? inheritedEnvironment(caller, directory, options.directory) : []), ...givenVariables(options)],
    envMode: inherit ? "replace" : "extend",
    ...(directory === undefined ? {} : { cwd: directory }),
    labels: Object.fromEntries(options.label),
    // A terminal is always the standard input too.
    stdin: options.stdin && !options.tty ? "pipe" : "null",
    ...(own.umask === undefined ? {} : { umask: own.umask }),
    ...(own.nice === undefined ? {} : { nice: own.nice }),
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

/** The variables that options name, in their order. */
export function givenVariables(options: Pick<OptionValues<typeof specOptions>, "env" | "env-file">): Variable[] {
  return [...options["env-file"].flat(), ...options.env.filter((variable) => variable !== undefined)];
}

/** PWD says where the process is, not where its caller was; OLDPWD is the caller's alone. */
function inheritedEnvironment(
  caller: Caller,
  directory: TextOrBytes | undefined,
  changed: string | undefined,
): Variable[] {
  const variables = callerEnvironment(caller).filter(
    ([name]) => name !== "OLDPWD" && (changed === undefined || name !== "PWD"),
  );
  return changed === undefined || directory === undefined ? variables : [...variables, ["PWD", directory]];
}

/** Absolute on this machine. */
export function directoryOf(directory: string | undefined, local: boolean, caller: Caller): TextOrBytes | undefined {
  if (!local) {
    return directory;
  }
  const chosen = directory === undefined ? "." : given(directory, caller);
  if (typeof chosen === "string" && caller.cwd?.includes("\ufffd") !== true) {
    return resolvePath(caller, chosen);
  }
  // Bytes that are no text: the kernel resolves what is in it.
  const cwd = callerDirectory(caller);
  const absolute = typeof chosen === "string" ? chosen.startsWith("/") : chosen[0] === slash;
  return absolute || cwd === undefined ? chosen : chosen === "." ? cwd : joined(cwd, "/", chosen);
}

const slash = 0x2f;

export function limitsOf(
  options: Pick<OptionValues<typeof specOptions>, "ulimit" | "memory" | "cpus" | "pids">,
  inherited: Caller["inherited"]["rlimits"],
): NonNullable<StartOptions["limits"]> {
  const rlimits = new Map<string, ResourceLimit>();
  for (const [resource, { soft, hard }] of Object.entries(inherited)) {
    const usual = defaultRlimits[resource];
    if (usual !== undefined && usual.soft === (soft ?? null) && usual.hard === (hard ?? null)) {
      // What a process gets anyway: most of the sixteen, and nearly half of a request and of what is kept of it.
      continue;
    }
    rlimits.set(resource, {
      resource,
      ...(soft === undefined ? {} : { soft }),
      ...(hard === undefined ? {} : { hard }),
    });
  }
  for (const limit of options.ulimit) {
    rlimits.set(limit.resource, limit);
  }
  return {
    ...(rlimits.size === 0 ? {} : { rlimits: [...rlimits.values()] }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.cpus === undefined ? {} : { cpuMillis: options.cpus }),
    ...(options.pids === undefined ? {} : { processes: options.pids }),
  };
}

/**
 * Starts it. Where the daemon may not give the process as much as its caller has, since it was started with less itself,
 * the process gets what the daemon can give, and that is told.
 *
 * @throws PmError, and what {@link startError} makes of it
 */
export async function startProcess(
  { processes }: ProcessManager,
  request: StartOptions,
  options: Pick<OptionValues<typeof specOptions>, "ulimit" | "nice">,
  caller: Caller,
): Promise<Process> {
  try {
    return await processes.start(request).catch(async (error: unknown) => {
      if (error instanceof PmError && error.reason === "PROCESS_EXISTS" && request.id !== undefined) {
        return await processes
          .get(request.id, { env: true })
          .then((existing) => processes.start(asBefore(request, existing)))
          .catch(() => Promise.reject(error));
      }
      const reduced = withoutInherited(error, request, options);
      if (reduced === undefined) {
        throw error;
      }
      // What was asked for by an option may be refused all the same.
      const process = await processes.start(reduced);
      caller.note("pm: the daemon was started with lower limits than yours, and cannot give them to the process\n");
      return process;
    });
  } catch (error) {
    throw await startError(error, request, processes);
  }
}

/** The request with what shells count and note for themselves as it was in the same request before. */
function asBefore(request: StartOptions, { spec }: ProcessInfo): StartOptions {
  const given = request.env === undefined || !(Symbol.iterator in request.env) ? [] : [...request.env];
  const env = given.map(([name, value]) => {
    const before = typeof name === "string" && shellsOwn.has(name) ? spec.env[name] : undefined;
    return [name, before ?? value] as const;
  });
  return { ...request, env };
}

/** bash sets them anew for each command: SHLVL is one less for the last one of "$(…)". */
const shellsOwn: ReadonlySet<string> = new Set(["SHLVL", "_"]);

function withoutInherited(
  error: unknown,
  request: StartOptions,
  { ulimit: limits, nice: priority }: Pick<OptionValues<typeof specOptions>, "ulimit" | "nice">,
): StartOptions | undefined {
  if (!(error instanceof PmError) || error.reason !== "START_FAILED" || error.metadata["errno_name"] !== "EPERM") {
    return undefined;
  }
  const { step } = error.metadata;
  if (step === "limits" && (request.limits?.rlimits?.length ?? 0) > limits.length) {
    return { ...request, limits: { ...request.limits, rlimits: limits } };
  }
  if (step === "priority" && priority === undefined && request.nice !== undefined) {
    const { nice: _, ...rest } = request;
    return rest;
  }
  return undefined;
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
  priority: "setting its priority",
};

/** The error that a failed start becomes: the system's own words, and what to do. Other errors stay as they are. */
async function startError(
  error: unknown,
  request: StartOptions,
  processes: ProcessManager["processes"],
): Promise<unknown> {
  if (!(error instanceof PmError)) {
    return error;
  }
  if (error.reason === "PROCESS_EXISTS" && request.id !== undefined) {
    const { differences } = await import("./differences.ts");
    const existing = await processes.get(request.id, { env: true }).catch(() => undefined);
    const different = existing === undefined ? [] : differences(existing, request);
    return different.length === 0
      ? error
      : new CommandError(`process ${request.id} exists, and was started differently: ${different.join("; ")}`, {
          exitCode: exitCodeOf(error),
          cause: error,
        });
  }
  if (error.reason !== "START_FAILED") {
    return error;
  }
  const name = request.name ?? shown(request.executable);
  return new CommandError(startMessage(error, name), {
    exitCode: exitCodeOf(error),
    hint: error.hint ?? hintOf(error, request),
    cause: error,
  });
}

/** What to tell about a start that failed, as an error is told. */
export function startFailure(error: PmError, name: string, spec: Pick<StartOptions, "executable" | "cwd">): string {
  const hint = error.hint ?? hintOf(error, spec);
  return `pm: ${escapeText(startMessage(error, name))}\n${hint === undefined ? "" : `hint: ${escapeText(hint)}\n`}`;
}

function startMessage({ metadata, message }: PmError, name: string): string {
  const { step = "", errno_name: errnoName = "", errno_text: errnoText = message, path = "" } = metadata;
  const what = steps[step];
  const about = what === undefined ? "" : `${what}${path === "" ? "" : ` ${path}`}: `;
  return `cannot start "${name}": ${about}${errnoText}${errnoName === "" ? "" : ` (${errnoName})`}`;
}

function hintOf({ metadata }: PmError, request: Pick<StartOptions, "executable" | "cwd">): string | undefined {
  const { step = "", errno_name: errnoName = "", path = "" } = metadata;
  return startHint(request, step, errnoName, path);
}

function startHint(
  request: Pick<StartOptions, "executable" | "cwd">,
  step: string,
  errnoName: string,
  path: string,
): string | undefined {
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
      return isProgram(request)
        ? "it is a program for another kind of machine"
        : `it has no "#!" line and is no program for this machine; run a script with its shell: sh ${executable}`;
    case "E2BIG":
      return "arguments and environment together are too long for the system; pass the data in a file or by --stdin";
    default:
      return undefined;
  }
}

/** Whether it begins as an ELF file does (elf(5)); false where that cannot be seen from here. */
function isProgram({ executable, cwd }: Pick<StartOptions, "executable" | "cwd">): boolean {
  if (typeof executable !== "string" || !executable.includes("/") || (cwd !== undefined && typeof cwd !== "string")) {
    return false;
  }
  try {
    const file = openSync(resolve(cwd ?? "/", executable), "r");
    try {
      const magic = Buffer.alloc(4);
      readSync(file, magic);
      return magic.toString("latin1") === "\x7fELF";
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

function shown(text: string | Uint8Array): string {
  return typeof text === "string" ? text : escapeBytes(text);
}

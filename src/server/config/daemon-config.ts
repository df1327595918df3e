import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type LogLevel, logLevels } from "../log.ts";
import { parseDuration, parseSize } from "./quantity.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

/** What the daemon was told. Unset: the engine's default. */
export interface DaemonConfig {
  readonly runtimeDirectory: string;
  readonly socketPath: string;
  readonly logLevel: LogLevel;
  readonly defaultOutputLimitBytes?: number;
  readonly maxOutputLimitBytes?: number;
  readonly retention: { readonly count: number; readonly ageMs: number };
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Invocation =
  | { readonly kind: "run"; readonly config: DaemonConfig }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

const defaultRetention = { count: 1000, ageMs: 7 * 24 * 3600 * 1000 };

export const usage = `Usage: pm daemon run [OPTION]...

Starts processes, keeps their output in memory and serves both on a unix socket.
Logs go to standard error. SIGTERM ends the daemon; processes run on.

  --runtime-dir DIR           where sockets and output live, mode 0700
                              (default: $PM_RUNTIME_DIR, $XDG_RUNTIME_DIR/pm,
                              /run/pm for root, /dev/shm/pm-UID)
  --socket PATH               the socket (default: pm.sock in the runtime directory)
  --log-level LEVEL           ${logLevels.join(", ")}
                              (default: $PM_LOG_LEVEL, info)
  --default-output-limit SIZE output kept of a process that does not say (1MiB)
  --max-output-limit SIZE     the most that a process may ask for (1GiB)
  --retention-count N         how many ended processes stay listed (1000)
  --retention-age DURATION    and how long, such as 12h or 7d (7d)
  --help, --version
`;

/**
 * Flags over environment over defaults. A configuration file would be read
 * here, between flags and environment.
 *
 * @throws UsageError
 */
export function readInvocation(args: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const flags = parse(args);
  if (flags.help) {
    return { kind: "help" };
  }
  if (flags.version) {
    return { kind: "version" };
  }
  // Resolved now: the daemon changes its directory.
  const directory = flags["runtime-dir"] === undefined ? runtimeDirectory(env) : resolve(flags["runtime-dir"]);
  const defaultLimit = quantity("--default-output-limit", flags["default-output-limit"], parseSize, "such as 1MiB");
  const maxLimit = quantity("--max-output-limit", flags["max-output-limit"], parseSize, "such as 1GiB");
  if (defaultLimit !== undefined && maxLimit !== undefined && defaultLimit > maxLimit) {
    throw new UsageError("--default-output-limit must not be above --max-output-limit");
  }
  return {
    kind: "run",
    config: {
      runtimeDirectory: directory,
      socketPath: flags.socket === undefined ? join(directory, "pm.sock") : resolve(flags.socket),
      logLevel: logLevel(flags["log-level"] ?? (env["PM_LOG_LEVEL"] || "info")),
      ...(defaultLimit === undefined ? {} : { defaultOutputLimitBytes: defaultLimit }),
      ...(maxLimit === undefined ? {} : { maxOutputLimitBytes: maxLimit }),
      retention: {
        count:
          quantity("--retention-count", flags["retention-count"], parseCount, "a number") ?? defaultRetention.count,
        ageMs:
          quantity("--retention-age", flags["retention-age"], parseDuration, "such as 7d") ?? defaultRetention.ageMs,
      },
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "runtime-dir": { type: "string" },
        socket: { type: "string" },
        "log-level": { type: "string" },
        "default-output-limit": { type: "string" },
        "max-output-limit": { type: "string" },
        "retention-count": { type: "string" },
        "retention-age": { type: "string" },
        help: { type: "boolean" },
        version: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function logLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) {
    throw new UsageError(`the log level must be one of ${logLevels.join(", ")}, not ${JSON.stringify(text)}`);
  }
  return level;
}

function parseCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function quantity(
  flag: string,
  text: string | undefined,
  parseText: (text: string) => number | undefined,
  example: string,
): number | undefined {
  const value = text === undefined ? undefined : parseText(text);
  if (text !== undefined && value === undefined) {
    throw new UsageError(`${flag} must be ${example}, not ${JSON.stringify(text)}`);
  }
  return value;
}

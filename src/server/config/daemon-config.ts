import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { minOutputLimitBytes } from "../../common/limits.ts";
import { runtimeDirectory, stateDirectory } from "../../common/paths.ts";
import { durationExamples, parseDuration, parseSize, sizeExamples } from "../../common/quantities.ts";
import { defaultPort } from "../listen/default-port.ts";
import { type LogLevel, logLevels } from "../log.ts";
import type { Given, Setting } from "./config-file.ts";
import { defaultConfigPath } from "./config-path.ts";
import { type HostAndPort, parseHostAndPort } from "./host-and-port.ts";

/** What the daemon was told. Unset: the engine's default. */
export interface DaemonConfig {
  readonly runtimeDirectory: string;
  /** Where is kept what outlives a reboot. */
  readonly stateDirectory: string;
  readonly socketPath: string;
  readonly logLevel: LogLevel;
  readonly defaultOutputLimitBytes?: number;
  readonly maxOutputLimitBytes?: number;
  readonly retention: { readonly count: number; readonly ageMs: number };
  /** The configuration file that was read, if there is one. */
  readonly file?: string;
  /** Where to listen for clients of other machines. Unset: nowhere. */
  readonly tcp?: TcpConfig;
}

/** Paths are absolute. */
export interface TcpConfig extends HostAndPort {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string;
  readonly users: string;
}

/** The command line or the configuration is wrong; the message says where and how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Invocation =
  | { readonly kind: "run" | "check"; readonly config: DaemonConfig }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

const defaultRetention = { count: 1000, ageMs: 7 * 24 * 3600 * 1000 };

export const usage = `Usage: pm daemon run [OPTION]...

Starts processes, keeps their output in memory and serves both on a unix socket
and, if told so, on TCP. Logs go to standard error. SIGTERM ends the daemon,
processes run on; SIGHUP reloads certificates and users.

  --config FILE               settings in YAML; flags and variables go before them
                              (default: $PM_CONFIG, $XDG_CONFIG_HOME/pm/daemon.yaml)
  --check                     only say whether the configuration is good
  --runtime-dir DIR           where sockets and output live, mode 0700
                              (default: $PM_RUNTIME_DIR, /run/pm for root,
                              $XDG_RUNTIME_DIR/pm, /dev/shm/pm-UID)
                              What outlives a reboot is in $PM_STATE_DIR (default:
                              'state' in there if it was named, else
                              $XDG_STATE_HOME/pm, /var/lib/pm for root,
                              ~/.local/state/pm)
  --socket PATH               the socket (default: pm.sock in the runtime directory)
  --log-level LEVEL           ${logLevels.join(", ")}
                              (default: $PM_LOG_LEVEL, info)          [log.level]
  --default-output-limit SIZE output kept of a process that does not say (1MiB)
                                                             [output.defaultLimit]
  --max-output-limit SIZE     the most that a process may ask for (1GiB)
                                                                 [output.maxLimit]
  --retention-count N         how many ended processes stay listed (1000)
                                                                 [retention.count]
  --retention-age DURATION    and how long, such as 12h or 7d (7d) [retention.age]

Clients of other machines, with TLS 1.3, a client certificate and a password:
  --listen HOST[:PORT]        where; "off": nowhere (default: $PM_LISTEN, off)
                                                                      [tcp.listen]
  --tls-cert FILE             the server's certificate, PEM      [tcp.certificate]
  --tls-key FILE              its key, PEM, mode 0600                    [tcp.key]
  --tls-client-ca FILE        the clients' authority, PEM    [tcp.clientAuthority]
  --users FILE                see 'pm user', mode 0600                 [tcp.users]

  --help, --version

In brackets: the setting's place in the configuration file. Paths in it are
relative to the file.
`;

const flagOf: Readonly<Record<Setting, string>> = {
  "log.level": "log-level",
  "output.defaultLimit": "default-output-limit",
  "output.maxLimit": "max-output-limit",
  "retention.count": "retention-count",
  "retention.age": "retention-age",
  "tcp.listen": "listen",
  "tcp.certificate": "tls-cert",
  "tcp.key": "tls-key",
  "tcp.clientAuthority": "tls-client-ca",
  "tcp.users": "users",
};

const variableOf: Partial<Record<Setting, string>> = { "log.level": "PM_LOG_LEVEL", "tcp.listen": "PM_LISTEN" };

/**
 * Flags over environment over the configuration file over defaults.
 *
 * @throws UsageError
 */
export async function readInvocation(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Invocation> {
  const flags = parse(args);
  if (flags.help) {
    return { kind: "help" };
  }
  if (flags.version) {
    return { kind: "version" };
  }
  const file = await readFile(flags.config, env);
  const given = (setting: Setting): (Given & { readonly base: string }) | undefined => {
    const flag = (flags as Readonly<Record<string, string | boolean | undefined>>)[flagOf[setting]];
    if (typeof flag === "string") {
      return { text: flag, where: `--${flagOf[setting]}`, base: process.cwd() };
    }
    const variable = variableOf[setting];
    const value = variable === undefined ? undefined : env[variable];
    if (value) {
      return { text: value, where: variable as string, base: process.cwd() };
    }
    const found = file?.settings.get(setting);
    return found && { ...found, base: dirname((file as { path: string }).path) };
  };

  // Resolved now: the daemon changes its directory.
  const directory = flags["runtime-dir"] === undefined ? runtimeDirectory(env) : resolve(flags["runtime-dir"]);
  const outputLimit = `a size of at least ${minOutputLimitBytes} bytes, such as ${sizeExamples}`;
  const defaultLimit = quantity(given("output.defaultLimit"), parseOutputLimit, outputLimit);
  const maxGiven = given("output.maxLimit");
  const maxLimit = quantity(maxGiven, parseOutputLimit, outputLimit);
  if (defaultLimit !== undefined && maxLimit !== undefined && defaultLimit > maxLimit) {
    throw new UsageError(`${maxGiven?.where}: must not be below the default output limit`);
  }
  const tcp = tcpConfig(given);
  return {
    kind: flags.check ? "check" : "run",
    config: {
      runtimeDirectory: directory,
      stateDirectory: resolve(stateDirectory(env, undefined, flags["runtime-dir"] && directory)),
      socketPath: flags.socket === undefined ? join(directory, "pm.sock") : resolve(flags.socket),
      logLevel: quantity(given("log.level"), parseLogLevel, `one of ${logLevels.join(", ")}`) ?? "info",
      ...(defaultLimit === undefined ? {} : { defaultOutputLimitBytes: defaultLimit }),
      ...(maxLimit === undefined ? {} : { maxOutputLimitBytes: maxLimit }),
      retention: {
        count: quantity(given("retention.count"), parseCount, "a number") ?? defaultRetention.count,
        ageMs:
          quantity(given("retention.age"), parseDuration, `a duration such as ${durationExamples}`) ??
          defaultRetention.ageMs,
      },
      ...(file === undefined ? {} : { file: file.path }),
      ...(tcp === undefined ? {} : { tcp }),
    },
  };
}

/** What the contract would refuse of a client must not be a default. */
function parseOutputLimit(text: string): number | undefined {
  const bytes = parseSize(text);
  return bytes === undefined || bytes < minOutputLimitBytes ? undefined : bytes;
}

/** A file that is named must exist; the default one need not. */
async function readFile(flag: string | undefined, env: NodeJS.ProcessEnv) {
  const named = flag ?? (env["PM_CONFIG"] || undefined);
  const path = named === undefined ? defaultConfigPath(env) : resolve(named);
  if (!existsSync(path)) {
    if (named !== undefined) {
      throw new UsageError(`${path}: there is no such configuration file`);
    }
    return undefined;
  }
  // The YAML parser is loaded only by daemons that have a file.
  const { ConfigFileError, readConfigFile } = await import("./config-file.ts");
  try {
    return { path, settings: readConfigFile(path) };
  } catch (error) {
    throw error instanceof ConfigFileError ? new UsageError(error.message) : error;
  }
}

function tcpConfig(
  given: (setting: Setting) => (Given & { readonly base: string }) | undefined,
): TcpConfig | undefined {
  const listen = given("tcp.listen");
  if (listen === undefined || listen.text === "off") {
    return undefined;
  }
  const place = quantity(listen, (text) => parseHostAndPort(text, defaultPort), "HOST, HOST:PORT or [IPV6]:PORT");
  const pathOf = (setting: Setting): string => {
    const path = given(setting);
    if (path === undefined) {
      throw new UsageError(`${listen.where}: needs ${setting} too (--${flagOf[setting]})`);
    }
    return resolve(path.base, path.text);
  };
  return {
    ...(place as HostAndPort),
    certificate: pathOf("tcp.certificate"),
    key: pathOf("tcp.key"),
    clientAuthority: pathOf("tcp.clientAuthority"),
    users: pathOf("tcp.users"),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        config: { type: "string" },
        check: { type: "boolean" },
        "runtime-dir": { type: "string" },
        socket: { type: "string" },
        "log-level": { type: "string" },
        "default-output-limit": { type: "string" },
        "max-output-limit": { type: "string" },
        "retention-count": { type: "string" },
        "retention-age": { type: "string" },
        listen: { type: "string" },
        "tls-cert": { type: "string" },
        "tls-key": { type: "string" },
        "tls-client-ca": { type: "string" },
        users: { type: "string" },
        help: { type: "boolean" },
        version: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((known) => known === text);
}

function parseCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function quantity<T>(
  given: Given | undefined,
  parseText: (text: string) => T | undefined,
  expected: string,
): T | undefined {
  const value = given === undefined ? undefined : parseText(given.text);
  if (given !== undefined && value === undefined) {
    throw new UsageError(`${given.where}: must be ${expected}, not ${JSON.stringify(given.text)}`);
  }
  return value;
}

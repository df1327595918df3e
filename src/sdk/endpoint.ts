/** Where the daemon is and how to get in. */
import { readFileSync } from "node:fs";
import { type Environment, runtimeDirectory, socketPath } from "../common/paths.ts";
import { readPrivateFile } from "../files/read-private-file.ts";
import { contextsPath, localContext, readContexts, resolveContext } from "./context/contexts.ts";
import { PmError } from "./errors.ts";
import type { ReconnectOptions } from "./types.ts";

/** What to show and check when the daemon is on another machine. All in PEM. */
export interface TlsOptions {
  /** The certificates of the authorities that may have issued the daemon's certificate. @default the system's */
  readonly ca?: string | Uint8Array;
  /** The client's certificate, with its chain. @default none */
  readonly cert?: string | Uint8Array;
  /** The key of `cert`. @default none */
  readonly key?: string | Uint8Array;
}

/** A user of a remote daemon. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Any `Transport` of `@connectrpc/connect`. Not that type itself: its declarations need those of the DOM, which programs
 * for Node.js do not have.
 */
export interface ConnectTransport {
  unary(...call: never[]): Promise<unknown>;
  stream(...call: never[]): Promise<unknown>;
}

/** How to reach a daemon. The options of {@link ReconnectOptions} hold for every call that has none of its own. */
export interface ConnectOptions extends ReconnectOptions {
  /**
   * Path of the daemon's Unix socket. Its permissions are the authentication.
   *
   * @default where `PM_HOST` says (`unix:///path` or `https://host:port`), else the context that `PM_CONTEXT` names,
   * else the current context (`pm context use`), else `pm.sock` in `$PM_RUNTIME_DIR`, else in `/run/pm` for root,
   * else in `$XDG_RUNTIME_DIR/pm`, else in `/dev/shm/pm-UID`
   */
  readonly socket?: string;
  /** `https://host:port` of a daemon that listens on TCP; excludes `socket`. @default as `socket` */
  readonly address?: string;
  /** A context of this user's contexts file, or "default" for the local socket; excludes `socket` and `address`. @default as `socket` */
  readonly context?: string;
  /**
   * Takes every call in place of a connection, for tests without a daemon or for a way in of one's own: any Connect
   * transport, such as `createRouterTransport()` of `@connectrpc/connect`. Excludes `socket`, `address` and `context`;
   * it stays open when the client is closed.
   *
   * @default a connection to the daemon
   */
  readonly transport?: ConnectTransport;
  /**
   * For `address`.
   *
   * @default the PEM files that `PM_TLS_CA`, `PM_TLS_CERT` and `PM_TLS_KEY` name
   */
  readonly tls?: TlsOptions;
  /**
   * For `address`: the user whom the daemon's users file knows.
   *
   * @default the user `PM_USER` with the password in the file `PM_PASSWORD_FILE`
   */
  readonly credentials?: Credentials;
  /**
   * Milliseconds that a call may take if it does not say so itself. Does not apply to calls that wait for a process
   * (`wait`, `stop`, `restart`, `write`) and to streams: these have no time limit but their own.
   *
   * @default 30000
   */
  readonly timeoutMs?: number;
  /**
   * Milliseconds of silence after which a call without a time limit asks whether the daemon still responds, and that the
   * daemon then has to answer: otherwise the call ends with `TIMEOUT`. Not where `reconnectMs` is `Infinity`.
   *
   * @default 30000
   */
  readonly patienceMs?: number;
  /**
   * Milliseconds without a daemon after which a call gives up. `Infinity`: never.
   *
   * @default 60000
   */
  readonly reconnectMs?: number;
  /**
   * Asked when there is no daemon, at the beginning of a call or in the middle of one: it may start one. Several calls
   * that find none at the same time ask once. What it throws is what they reject with.
   *
   * @returns whether there is a daemon now; then the call goes on at once
   * @default without a daemon a call that has not begun is an error (`UNREACHABLE`), and one that has waits for the next
   * daemon for `reconnectMs`
   */
  readonly onUnreachable?: (error: PmError) => boolean | Promise<boolean>;
}

/** A resolved place. */
export type Endpoint =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "https";
      readonly url: string;
      readonly tls: TlsOptions;
      readonly credentials: Credentials | undefined;
    };

/** Where calls go: to a daemon, or to whatever stands for one. */
export type Destination = Endpoint | { readonly kind: "given"; readonly transport: ConnectTransport };

/** The destination as a person would write it, without credentials. */
export function describeEndpoint(destination: Destination): string {
  switch (destination.kind) {
    case "unix":
      return `unix://${destination.path}`;
    case "https":
      return destination.url;
    case "given":
      return "the given transport";
  }
}

/**
 * As {@link resolveEndpoint}, unless a transport is given.
 *
 * @throws PmError `INVALID_ARGUMENT`
 */
export function resolveDestination(options: ConnectOptions): Destination {
  const { transport, socket, address, context } = options;
  if (transport === undefined) {
    return resolveEndpoint(options);
  }
  if ([socket, address, context].some((place) => place !== undefined)) {
    throw invalid("give either a transport or a place");
  }
  return { kind: "given", transport };
}

/** The socket of the daemon that serves this user on this machine, by the rule of `ConnectOptions.socket`. */
export function defaultSocketPath(env: Environment = process.env): string {
  return socketPath(runtimeDirectory(env));
}

/**
 * Resolves options and environment to an endpoint.
 *
 * @throws PmError `INVALID_ARGUMENT` if the place is malformed or named twice, or a file that it needs cannot be used
 */
export function resolveEndpoint(options: ConnectOptions, env: NodeJS.ProcessEnv = process.env): Endpoint {
  const named = [options.socket, options.address, options.context].filter((place) => place !== undefined);
  if (named.length > 1) {
    throw invalid("give either a socket, an address or a context");
  }
  if (options.socket !== undefined) {
    return unixEndpoint(options.socket);
  }
  const host = options.address ?? (options.context === undefined ? env["PM_HOST"] : undefined);
  if (host) {
    return host.startsWith("unix://")
      ? unixEndpoint(host.slice("unix://".length))
      : httpsEndpoint(host, { tls: options.tls ?? tlsOf(env), credentials: options.credentials ?? credentialsOf(env) });
  }
  const path = contextsPath(env);
  const contexts = readContexts(path);
  const context = options.context ?? (env["PM_CONTEXT"] || contexts.current || localContext);
  if (context === localContext) {
    return unixEndpoint(defaultSocketPath(env));
  }
  const { address, tls, credentials } = resolveContext(context, contexts, path);
  return address.startsWith("unix://")
    ? unixEndpoint(address.slice("unix://".length))
    : httpsEndpoint(address, { tls: options.tls ?? tls, credentials: options.credentials ?? credentials });
}

function tlsOf(env: NodeJS.ProcessEnv): TlsOptions {
  const { PM_TLS_CA: ca, PM_TLS_CERT: cert, PM_TLS_KEY: key } = env;
  return {
    ...(ca && { ca: fileOf("PM_TLS_CA", ca, (path) => readFileSync(path, "utf8")) }),
    ...(cert && { cert: fileOf("PM_TLS_CERT", cert, (path) => readFileSync(path, "utf8")) }),
    ...(key && { key: fileOf("PM_TLS_KEY", key, readPrivateFile) }),
  };
}

function credentialsOf(env: NodeJS.ProcessEnv): Credentials | undefined {
  const { PM_USER: username, PM_PASSWORD_FILE: file } = env;
  return username && file
    ? { username, password: fileOf("PM_PASSWORD_FILE", file, readPrivateFile).replace(/\r?\n$/, "") }
    : undefined;
}

function fileOf(variable: string, path: string, read: (path: string) => string): string {
  try {
    return read(path);
  } catch (error) {
    throw invalid(`${variable}: ${(error as Error).message}`);
  }
}

function unixEndpoint(path: string): Endpoint {
  if (!path.startsWith("/")) {
    throw invalid(`the socket's path must be absolute: "${path}"`);
  }
  return { kind: "unix", path };
}

function httpsEndpoint(
  host: string,
  options: { readonly tls: TlsOptions; readonly credentials: Credentials | undefined },
): Endpoint {
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search) {
    // The text may hold a password, so it is not repeated.
    throw invalid("the daemon's address must look like unix:///path or https://host:port");
  }
  return { kind: "https", url: url.origin, ...options };
}

function invalid(message: string): PmError {
  return new PmError("INVALID_ARGUMENT", message, { code: "invalid_argument" });
}

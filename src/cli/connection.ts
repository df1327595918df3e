/** From the global options to a daemon that answers. */
import { existsSync } from "node:fs";
import { type Endpoint, resolveEndpoint } from "../sdk/endpoint.ts";
import { type ConnectOptions, defaultSocketPath, PmError, ProcessManager } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";
import type { Globals } from "./globals.ts";
import { UsageError } from "./usage-error.ts";

/** A daemon to make calls to. */
export interface Connection {
  /**
   * If no daemon answers on the default socket, a call starts one; if it dies while a call is under way, the call goes on
   * with the next one. Both are told on standard error.
   */
  readonly manager: ProcessManager;
  /** Whether the daemon is on this machine. */
  readonly local: boolean;
}

export interface ConnectionOptions {
  /** @default true */
  readonly autoStart?: boolean;
  /**
   * The command shows what comes, until somebody ends it: a daemon that was stopped on purpose meanwhile is waited for; one
   * that died is replaced as ever. @default false
   */
  readonly follows?: boolean;
  /** Say nothing of a connection that is lost. @default false */
  readonly quiet?: boolean;
  /** Go on with the next daemon if this one dies during a call. @default true */
  readonly reconnect?: boolean;
}

/** @throws UsageError, PmError if the options name no usable place */
export async function openConnection(
  caller: Caller,
  globals: Globals,
  { autoStart = true, follows = false, quiet = false, reconnect = true }: ConnectionOptions = {},
): Promise<Connection> {
  if (globals.host !== undefined && globals.context !== undefined) {
    throw new UsageError("give either --host or --context, not both");
  }
  const { env } = caller;
  const endpoint = endpointOf(globals, env);
  const named = globals.host ?? (globals.context === undefined ? env["PM_HOST"] : undefined);
  const isDefault = !named && endpoint.kind === "unix" && endpoint.path === defaultSocketPath(env);
  if (!isDefault) {
    // Other daemons are for a process of its own to find.
    caller.ownProcess();
  }
  const mayStart = autoStart && isDefault && env["PM_NO_AUTOSTART"] !== "1";
  let lost = false;
  const options: ConnectOptions = {
    ...optionsOf(endpoint),
    reconnect,
    ...patienceOf(env),
    onConnection({ type }) {
      // Once each, however many calls tell.
      if ((type === "disconnected") !== lost) {
        lost = !lost;
        if (!quiet && (follows || !mayStart)) {
          caller.note(lost ? "pm: the connection to the daemon is lost; waiting for it\n" : "pm: the daemon is back\n");
        }
      }
    },
    async onUnreachable(error) {
      if (!caller.mayLeave()) {
        // The host that runs this ends with its daemon, and its launcher knows what to do then.
        return false;
      }
      caller.ownProcess();
      if (lost && !mayStart) {
        return false;
      }
      if (!mayStart) {
        throw error;
      }
      if (follows && lost && endpoint.kind === "unix" && !existsSync(endpoint.path)) {
        // A daemon that ends removes its socket, one that is killed does not.
        return false;
      }
      const { launchDaemon } = await import("./daemon/launch.ts");
      await launchDaemon(caller);
      return true;
    },
  };
  const manager = await ProcessManager.connect(options);
  caller.onEnd(() => manager.close());
  return { manager, local: endpoint.kind === "unix" };
}

/** For tests: nobody waits half a minute to see that a wait ends. */
export function patienceOf({ PM_PATIENCE_MS: text }: Caller["env"]): Pick<ConnectOptions, "patienceMs"> {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? { patienceMs: Number(text) } : {};
}

function optionsOf(endpoint: Endpoint): ConnectOptions {
  if (endpoint.kind === "unix") {
    return { socket: endpoint.path };
  }
  const { url: address, tls, credentials } = endpoint;
  return { address, tls, ...(credentials !== undefined && { credentials }) };
}

function endpointOf({ host, context }: Globals, env: Caller["env"]): Endpoint {
  try {
    return resolveEndpoint({ ...placeOf(host), ...(context !== undefined && { context }) }, { ...env });
  } catch (error) {
    // What was given is not repeated: an address may hold a password.
    const given = host !== undefined ? "--host" : context === undefined && env["PM_HOST"] ? "PM_HOST" : undefined;
    throw given !== undefined && error instanceof PmError && error.reason === "INVALID_ARGUMENT"
      ? new UsageError(`${given}: ${error.message}`, "for example unix:///run/pm/pm.sock or https://box:7443")
      : error;
  }
}

function placeOf(host: string | undefined): { socket?: string; address?: string } {
  if (host === undefined) {
    return {};
  }
  return host.startsWith("unix://") ? { socket: host.slice("unix://".length) } : { address: host };
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof PmError && error.reason === "UNREACHABLE";
}

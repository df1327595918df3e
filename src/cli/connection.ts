/** From the global options to a daemon that answers. */
import { type Endpoint, resolveEndpoint } from "../sdk/endpoint.ts";
import { type ConnectionEvent, type ConnectOptions, defaultSocketPath, PmError, ProcessManager } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";
import type { Globals } from "./globals.ts";
import { UsageError } from "./usage-error.ts";

/** A daemon to make calls to. */
export interface Connection {
  readonly manager: ProcessManager;
  /** Whether the daemon is on this machine. */
  readonly local: boolean;
  /**
   * Makes a call. If no daemon answers on the default socket, starts one and
   * makes the call again: it had not been sent. If the daemon dies later, it is
   * started again, and what was under way goes on with the next one.
   */
  call<T>(action: (manager: ProcessManager) => Promise<T>): Promise<T>;
}

export interface ConnectionOptions {
  /** @default true */
  readonly autoStart?: boolean;
  /** Start the daemon again if it dies meanwhile. @default autoStart */
  readonly restart?: boolean;
  /** Told when the connection is lost, and when it is back. */
  readonly onConnection?: (event: ConnectionEvent) => void;
}

/** @throws UsageError, PmError if the options name no usable place */
export async function openConnection(
  caller: Caller,
  globals: Globals,
  { autoStart = true, restart = autoStart, onConnection }: ConnectionOptions = {},
): Promise<Connection> {
  if (globals.host !== undefined && globals.context !== undefined) {
    throw new UsageError("give either --host or --context");
  }
  const { env } = caller;
  const endpoint = resolveEndpoint(
    { ...placeOf(globals.host), ...(globals.context !== undefined && { context: globals.context }) },
    env,
  );
  const named = globals.host ?? (globals.context === undefined ? env["PM_HOST"] : undefined);
  const isDefault = !named && endpoint.kind === "unix" && endpoint.path === defaultSocketPath(env);
  if (!isDefault) {
    // Other daemons are for a process of its own to find.
    caller.ownProcess();
  }
  const mayStart = autoStart && isDefault && env["PM_NO_AUTOSTART"] !== "1";
  let begun = 0;
  /** A call got through: what is not reachable now has died. */
  let wasThere = false;
  /** The daemon said that it stops: whoever told it to wants none. */
  let wasStopped = false;
  const manager = await ProcessManager.connect({
    ...optionsOf(endpoint),
    onConnection: (event) => {
      wasThere = true;
      wasStopped = event.type === "disconnected" && (wasStopped || event.error.reason === "SHUTTING_DOWN");
      onConnection?.(event);
    },
    onUnreachable: () => wasThere && !wasStopped && mayStart && restart && startAgain(caller, endpoint),
  });
  caller.onEnd(() => manager.close());
  let started: Promise<void> | undefined;
  return {
    manager,
    local: endpoint.kind === "unix",
    async call(action) {
      begun++;
      try {
        const result = await action(manager);
        wasThere = true;
        return result;
      } catch (error) {
        if (!isUnreachable(error)) {
          throw error;
        }
        if (begun === 1) {
          // Nothing was sent, and so nothing done.
          caller.ownProcess();
        }
        if (!mayStart) {
          throw error;
        }
        started ??= import("./daemon/launch.ts").then(({ launchDaemon }) => launchDaemon(caller, manager));
        await started;
        return await action(manager);
      }
    },
  };
}

/** Answers whether there is a daemon again. */
async function startAgain(caller: Caller, endpoint: Endpoint): Promise<boolean> {
  if (!caller.ownsProcess) {
    return false; // The host ends with its daemon.
  }
  const [{ launchDaemon }, manager] = await Promise.all([
    import("./daemon/launch.ts"),
    // One that does not ask for a daemon while one is being started.
    ProcessManager.connect(optionsOf(endpoint)),
  ]);
  try {
    await launchDaemon(caller, manager);
    return true;
  } finally {
    manager.close();
  }
}

function optionsOf(endpoint: Endpoint): ConnectOptions {
  if (endpoint.kind === "unix") {
    return { socket: endpoint.path };
  }
  const { url: address, tls, credentials } = endpoint;
  return { address, tls, ...(credentials !== undefined && { credentials }) };
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

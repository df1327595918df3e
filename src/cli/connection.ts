/** From the global options to a daemon that answers. */
import { defaultSocketPath, PmError, ProcessManager } from "../sdk/index.ts";
import type { Globals } from "./globals.ts";
import { UsageError } from "./usage-error.ts";

/** A daemon to make calls to. */
export interface Connection {
  readonly manager: ProcessManager;
  /** Whether the daemon is on this machine. */
  readonly local: boolean;
  /**
   * Makes a call. If no daemon answers on the default socket, starts one and
   * makes the call again: it had not been sent.
   */
  call<T>(action: (manager: ProcessManager) => Promise<T>): Promise<T>;
}

export interface ConnectionOptions {
  /** @default true */
  readonly autoStart?: boolean;
}

/** @throws UsageError, PmError if the options name no usable place */
export async function openConnection(
  globals: Globals,
  { autoStart = true }: ConnectionOptions = {},
): Promise<Connection> {
  if (globals.host !== undefined && globals.context !== undefined) {
    throw new UsageError("give either --host or --context");
  }
  const manager = await ProcessManager.connect({
    ...placeOf(globals.host),
    ...(globals.context !== undefined && { context: globals.context }),
  });
  const named = globals.host ?? (globals.context === undefined ? process.env["PM_HOST"] : undefined);
  const isDefault = !named && manager.address === `unix://${defaultSocketPath()}`;
  const mayStart = autoStart && isDefault && process.env["PM_NO_AUTOSTART"] !== "1";
  let started: Promise<void> | undefined;
  return {
    manager,
    local: manager.address.startsWith("unix://"),
    async call(action) {
      try {
        return await action(manager);
      } catch (error) {
        if (!mayStart || !isUnreachable(error)) {
          throw error;
        }
        started ??= import("./daemon/launch.ts").then(({ launchDaemon }) => launchDaemon(manager));
        await started;
        return await action(manager);
      }
    },
  };
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

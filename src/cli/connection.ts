/** From the global options to a daemon that answers. */
import { PmError, ProcessManager } from "../sdk/index.ts";
import { CommandError } from "./errors.ts";
import { ExitCode } from "./exit-code.ts";
import type { Globals } from "./globals.ts";

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

/** @throws CommandError, PmError if the options name no usable place */
export async function openConnection(
  globals: Globals,
  { autoStart = true }: ConnectionOptions = {},
): Promise<Connection> {
  const host = globals.host ?? process.env["PM_HOST"];
  const context = globals.context ?? process.env["PM_CONTEXT"];
  if (context) {
    throw new CommandError(`there is no context "${context}"`, { exitCode: ExitCode.usage });
  }
  const manager = await ProcessManager.connect(
    globals.host === undefined
      ? {}
      : globals.host.startsWith("unix://")
        ? { socket: globals.host.slice("unix://".length) }
        : { address: globals.host },
  );
  const mayStart = autoStart && !host && process.env["PM_NO_AUTOSTART"] !== "1";
  let started: Promise<void> | undefined;
  return {
    manager,
    local: !host || host.startsWith("unix://"),
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

export function isUnreachable(error: unknown): boolean {
  return error instanceof PmError && error.reason === "UNREACHABLE";
}

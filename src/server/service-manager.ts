import { execFile } from "node:child_process";
import type { Log } from "./log.ts";

/** A service manager that hangs keeps nobody. */
const limitMs = 10_000;

/** Tells the service manager how the daemon fares: sd_notify(3). */
export interface ServiceManager {
  /** Resolves when it was told, or cannot be; never rejects. */
  tell(state: "READY=1" | "STOPPING=1"): Promise<void>;
}

/**
 * The one that `NOTIFY_SOCKET` names; without it nobody is told. Takes the variable away: processes must not speak for
 * the daemon. Node.js has no unix datagrams, so the shim's program sends them; the unit allows that with
 * `NotifyAccess=all`.
 */
export function openServiceManager(env: NodeJS.ProcessEnv, shimPath: string, log: Log): ServiceManager {
  const socket = env["NOTIFY_SOCKET"];
  delete env["NOTIFY_SOCKET"];
  return {
    async tell(state) {
      if (!socket) {
        return;
      }
      await new Promise<void>((resolve) => {
        execFile(shimPath, ["notify", state], { env: { NOTIFY_SOCKET: socket }, timeout: limitMs }, (error) => {
          if (error !== null) {
            log.warn({ err: error, state }, "the service manager could not be told");
          }
          resolve();
        });
      });
    },
  };
}

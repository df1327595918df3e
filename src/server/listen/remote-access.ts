/** Everything that lets clients of other machines in: the TCP listener, its certificates and its users. */
import { Authenticator } from "../auth/authenticator.ts";
import { openUsers } from "../auth/users.ts";
import type { TcpConfig } from "../config/daemon-config.ts";
import type { Log } from "../log.ts";
import type { RequestHandler } from "./http-types.ts";
import { listenTcp } from "./tcp.ts";
import type { Listener } from "./unix.ts";

export interface RemoteAccess extends Listener {
  /** Reads certificates and users again. What cannot be used is logged and refused. */
  reload(): Promise<void>;
}

/** @throws the errors of the files, or of listen(2) */
export async function openRemote(config: TcpConfig, handler: RequestHandler, log: Log): Promise<RemoteAccess> {
  const users = await openUsers(config.users, log);
  if (users.current.size === 0) {
    log.warn({ file: config.users }, "no users: nobody can get in over TCP until one is added with 'pm user add'");
  }
  try {
    const authenticator = new Authenticator({ users: () => users.current });
    const listener = await listenTcp({
      host: config.host,
      port: config.port,
      tls: config,
      authenticator,
      handler,
      log,
    });
    return {
      address: listener.address,
      async reload() {
        await Promise.all([users.reload(), listener.reload()]);
      },
      async close() {
        users[Symbol.dispose]();
        await listener.close();
      },
    };
  } catch (error) {
    users[Symbol.dispose]();
    throw error;
  }
}

/** Connections to the Unix socket between one call and the next. */
import { connect, type Socket } from "node:net";

/** Milliseconds: less than the daemon keeps one (65 s), and so short that a program at rest holds none. */
const keepMs = 1000;
/** The daemon takes a limited number of connections. */
const most = 32;

/** Who uses a connection hears what happens to it. */
export interface ConnectionUser {
  connected(): void;
  data(bytes: Buffer): void;
  failed(error: NodeJS.ErrnoException): void;
  /** The other side has ended it, or it is closed. */
  ended(): void;
}

/**
 * A connection to the Unix socket. It is listened to once, whoever uses it: to
 * put listeners on for a call and take them off again costs a tenth of the call.
 */
export class Connection {
  readonly socket: Socket;
  user: ConnectionUser;

  constructor(path: string, user: ConnectionUser) {
    this.user = user;
    this.socket = connect({ path });
    this.socket.on("connect", () => this.user.connected());
    this.socket.on("data", (bytes: Buffer) => this.user.data(bytes));
    this.socket.on("error", (error: NodeJS.ErrnoException) => this.user.failed(error));
    this.socket.on("end", () => this.user.ended());
    this.socket.on("close", (hadError) => {
      if (!hadError) {
        this.user.ended();
      }
    });
  }
}

/**
 * A kept connection can die just as it is used again. If the daemon had closed
 * it, the write says so (EPIPE) and the request goes over another one; else
 * nobody knows whether it took effect. So only calls that may be repeated use
 * them, and a loss is one as it is on a new connection.
 */
export class KeptConnections {
  /** The one that was used last comes last, and is taken first. */
  readonly #idle: { readonly connection: Connection; readonly timer: NodeJS.Timeout }[] = [];
  #closed = false;

  take(user: ConnectionUser): Connection | undefined {
    const kept = this.#idle.pop();
    if (kept === undefined) {
      return undefined;
    }
    clearTimeout(kept.timer);
    kept.connection.user = user;
    kept.connection.socket.ref();
    return kept.connection;
  }

  /** Takes over a connection on which a response was complete. */
  giveBack(connection: Connection): void {
    const { socket } = connection;
    const drop = (): void => {
      const index = this.#idle.findIndex((kept) => kept.connection === connection);
      if (index >= 0) {
        clearTimeout(this.#idle[index]?.timer);
        this.#idle.splice(index, 1);
      }
      socket.destroy();
    };
    // A byte that nobody asked for, too: it could be taken for the next response.
    connection.user = { connected: () => {}, data: drop, failed: drop, ended: drop };
    if (this.#closed || this.#idle.length >= most || socket.destroyed || socket.readableEnded) {
      socket.destroy();
      return;
    }
    socket.unref();
    this.#idle.push({ connection, timer: setTimeout(drop, keepMs).unref() });
  }

  /** Calls under way go on, and their connections are not kept. */
  close(): void {
    this.#closed = true;
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.socket.destroy();
    }
  }
}

/** Those of this program, by the path of their socket, with the number of transports that use them. */
const shared = new Map<string, { readonly kept: KeptConnections; users: number }>();

/** Connections that all transports to one socket share; kept until the last of them lets go. */
export function shareKeptConnections(path: string): { readonly kept: KeptConnections; letGo(): void } {
  const entry = shared.get(path) ?? { kept: new KeptConnections(), users: 0 };
  shared.set(path, entry);
  entry.users += 1;
  let isUser = true;
  return {
    kept: entry.kept,
    letGo() {
      if (isUser && --entry.users === 0) {
        shared.delete(path);
        entry.kept.close();
      }
      isUser = false;
    },
  };
}

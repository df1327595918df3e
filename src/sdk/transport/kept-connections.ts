/** Connections to the Unix socket between one call and the next. */
import type { Socket } from "node:net";

/** Milliseconds: less than the daemon keeps one (65 s), and so short that a program at rest holds none. */
const keepMs = 1000;
/** The daemon takes a limited number of connections. */
const most = 32;

/**
 * A kept connection can die just as it is used again. If the daemon had closed
 * it, the write says so (EPIPE) and the request goes over another one; else
 * nobody knows whether it took effect. So only calls that may be repeated use
 * them, and a loss is one as it is on a new connection.
 */
export class KeptConnections {
  /** The one that was used last comes last, and is taken first. */
  readonly #idle: { readonly socket: Socket; readonly timer: NodeJS.Timeout }[] = [];
  #closed = false;

  take(): Socket | undefined {
    const kept = this.#idle.pop();
    if (kept === undefined) {
      return undefined;
    }
    clearTimeout(kept.timer);
    kept.socket.removeAllListeners();
    return kept.socket.ref();
  }

  /** Takes over a connection on which a response was complete. */
  giveBack(socket: Socket): void {
    socket.removeAllListeners();
    if (this.#closed || this.#idle.length >= most || socket.destroyed || socket.readableEnded) {
      // Without a listener an error would end the program.
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    const drop = (): void => {
      const index = this.#idle.findIndex((kept) => kept.socket === socket);
      if (index >= 0) {
        clearTimeout(this.#idle[index]?.timer);
        this.#idle.splice(index, 1);
      }
      socket.destroy();
    };
    // A byte that nobody asked for, too: it could be taken for the next response.
    for (const event of ["data", "end", "error", "close"]) {
      socket.on(event, drop);
    }
    socket.unref();
    this.#idle.push({ socket, timer: setTimeout(drop, keepMs).unref() });
  }

  /** Calls under way go on, and their connections are not kept. */
  close(): void {
    this.#closed = true;
    for (const { socket, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      socket.destroy();
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

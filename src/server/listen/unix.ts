import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { limitedLog } from "../limited-log.ts";
import type { Log } from "../log.ts";
import { localCaller } from "../rpc/caller.ts";
import { createHttpConnections, type HttpConnectionsOptions } from "./http-connections.ts";
import type { RequestHandler } from "./http-types.ts";
import { maxConnections, reservedConnections, shutdownGraceMs } from "./limits.ts";
import { bindingPath, checkReplaceable, checkSocketPath, publishSocket } from "./socket-file.ts";

/** A place where clients are served. */
export interface Listener {
  /** Where, as a URL. */
  readonly address: string;
  /** Refuses new connections, lets calls under way end, and cuts off what is left. */
  close(): Promise<void>;
}

export interface UnixListenerOptions extends HttpConnectionsOptions {
  /** Absolute path in a directory of mode 0700. */
  readonly path: string;
  readonly handler: RequestHandler;
  readonly log: Log;
  /** Connections at a time. Default: 512. */
  readonly maxConnections?: number;
  /** How many more are taken for short calls. Default: 64. */
  readonly reservedConnections?: number;
  /** Milliseconds that calls under way get at the close. Default: 3 seconds. */
  readonly graceMs?: number;
}

/**
 * Listens on a unix socket for gRPC, gRPC-Web and Connect, over HTTP/2 (prior
 * knowledge) and HTTP/1.1 alike. The permissions of the socket and of its
 * directory are the authentication.
 *
 * @throws SocketFileError
 */
export async function listenUnix(options: UnixListenerOptions): Promise<Listener> {
  const { path, log } = options;
  checkSocketPath(path);
  await checkReplaceable(path);

  const connections = createHttpConnections(
    (request, response, connection) => options.handler(request, response, { ...localCaller, ...connection }),
    log,
    options,
  );
  const limit = options.maxConnections ?? maxConnections;
  const warn = limitedLog((fields, message) => log.warn(fields, message));
  let ordinary = 0;
  const server = createServer((socket: Socket) => {
    if (ordinary >= limit) {
      warn({ limit }, "too many connections: took one of the reserve for short calls");
      connections.accept(socket, { reserved: true });
      return;
    }
    ordinary++;
    socket.once("close", () => ordinary--);
    connections.accept(socket);
  });
  server.maxConnections = limit + (options.reservedConnections ?? reservedConnections);
  server.on("drop", () => warn({ limit: server.maxConnections }, "too many connections: refused one"));

  const bound = bindingPath(path);
  server.listen(bound);
  await once(server, "listening");
  const published = publishSocket(bound, path);
  // An error of accept(2), such as EMFILE, must not end the daemon.
  server.on("error", (error) => log.error({ err: error }, "could not accept a connection"));
  log.info({ socket: path }, "listening");

  return {
    address: `unix://${path}`,
    async close() {
      published.remove();
      const closed = once(server, "close");
      server.close();
      await connections.close(options.graceMs ?? shutdownGraceMs);
      await closed;
    },
  };
}

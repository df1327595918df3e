import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { bindingPath, publishSocket } from "../../files/publish-socket.ts";
import type { Log } from "../log.ts";
import { createHttpConnections, type HttpConnectionsOptions } from "./http-connections.ts";
import { maxConnections, shutdownGraceMs } from "./limits.ts";
import type { RequestHandler } from "./request-handler.ts";
import { checkReplaceable, checkSocketPath } from "./socket-file.ts";

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

  const connections = createHttpConnections(options.handler, log, options);
  const server = createServer((socket: Socket) => connections.accept(socket));
  server.maxConnections = options.maxConnections ?? maxConnections;
  server.on("drop", () => log.warn({ limit: server.maxConnections }, "too many connections: refused one"));

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

import { once } from "node:events";
import { type BigIntStats, lstatSync, watch } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { bindingPath, publishSocket } from "../../files/publish-socket.ts";
import { limitedLog } from "../limited-log.ts";
import type { Log } from "../log.ts";
import { localCaller } from "../rpc/caller.ts";
import { createHttpConnections, type HttpConnectionsOptions } from "./http-connections.ts";
import type { RequestHandler } from "./http-types.ts";
import { maxConnections, reservedConnections, shutdownGraceMs } from "./limits.ts";
import { checkReplaceable, checkSocketPath } from "./socket-file.ts";

/** Who removes the directory removes its files first, and would meet a new one. */
const removalMs = 100;

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
  /** Told when the socket's directory is gone, or another one in its place. Default: nobody is told. */
  readonly onDirectoryGone?: () => void;
}

/**
 * Listens on a unix socket for gRPC, gRPC-Web and Connect, over HTTP/2 (prior
 * knowledge) and HTTP/1.1 alike. The permissions of the socket and of its
 * directory are the authentication. A socket that somebody deletes is made
 * again.
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
  const accept = (socket: Socket) => {
    if (ordinary >= limit) {
      warn({ limit }, "too many connections: took one of the reserve for short calls");
      connections.accept(socket, { reserved: true });
      return;
    }
    ordinary++;
    socket.once("close", () => ordinary--);
    connections.accept(socket);
  };
  const bind = async () => {
    const server = createServer(accept);
    server.maxConnections = limit + (options.reservedConnections ?? reservedConnections);
    server.on("drop", () => warn({ limit: server.maxConnections }, "too many connections: refused one"));
    const bound = bindingPath(path);
    server.listen(bound);
    await once(server, "listening");
    const published = publishSocket(bound, path);
    // An error of accept(2), such as EMFILE, must not end the daemon.
    server.on("error", (error) => log.error({ err: error }, "could not accept a connection"));
    return { server, published };
  };

  const directory = statOf(dirname(path));
  let current = await bind();
  const closing: Promise<unknown>[] = [];
  const letGo = (server: Server) => {
    closing.push(once(server, "close"));
    server.close();
  };
  log.info({ socket: path }, "listening");

  let remaking: Promise<void> | null = null;
  const remake = async () => {
    await setTimeout(removalMs);
    if (statOf(dirname(path))?.ino !== directory?.ino) {
      watcher.close();
      log.error({ socket: path }, "the socket's directory is gone");
      options.onDirectoryGone?.();
      return;
    }
    log.warn({ socket: path }, "the socket was deleted; it is made again");
    const { server } = current;
    current = await bind();
    letGo(server);
  };
  const watcher = watch(dirname(path), { persistent: false }, () => {
    if (remaking !== null || statOf(path) !== undefined) return;
    remaking = remake()
      .catch((error: unknown) => log.error({ err: error }, "the socket cannot be made again"))
      .finally(() => {
        remaking = null;
      });
  });
  watcher.on("error", (error) => log.warn({ err: error }, "it will not be seen if the socket is deleted"));

  return {
    address: `unix://${path}`,
    async close() {
      watcher.close();
      await remaking;
      current.published.remove();
      letGo(current.server);
      await connections.close(options.graceMs ?? shutdownGraceMs);
      await Promise.all(closing);
    },
  };
}

function statOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

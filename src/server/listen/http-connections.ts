import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Log } from "../log.ts";
import type { Connection, HttpHandler } from "./http-types.ts";
import {
  firstBytesTimeoutMs,
  http2WindowBytes,
  keepAliveTimeoutMs,
  lingerTimeoutMs,
  maxConcurrentStreams,
  maxHeaderBytes,
  maxHeaderPairs,
  requestTimeoutMs,
} from "./limits.ts";
import { detectProtocol } from "./protocol-detection.ts";

/** Serves connections that somebody else accepts, HTTP/2 with prior knowledge and HTTP/1.1 alike. */
export interface HttpConnections {
  /**
   * Takes over a connection. A reserved one is for short calls: it serves the
   * first of them and ends.
   */
  accept(socket: Socket, options?: Connection): void;
  /** Lets calls under way end, refuses new ones, and cuts off what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface HttpConnectionsOptions {
  /** Milliseconds to tell the protocol and to complete a request's headers. Default: 10 seconds. */
  readonly firstBytesTimeoutMs?: number;
}

export function createHttpConnections(
  handler: HttpHandler,
  log: Log,
  options: HttpConnectionsOptions = {},
): HttpConnections {
  const headersTimeout = options.firstBytesTimeoutMs ?? firstBytesTimeoutMs;
  const sockets = new Set<Socket>();
  const undetected = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const reserved = new WeakSet<Socket | ServerHttp2Session>();
  let closing = false;

  const http1 = createHttp1Server(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout,
      requestTimeout: Math.max(requestTimeoutMs, headersTimeout),
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(5000, Math.ceil(headersTimeout / 2)),
    },
    (request, response) => {
      const isReserved = reserved.has(request.socket);
      if (isReserved) {
        response.setHeader("connection", "close");
      }
      handler(request, response, { reserved: isReserved });
    },
  );
  http1.maxHeadersCount = maxHeaderPairs;
  http1.on("request", (_request, response) => {
    response.once("close", () => {
      if (closing) {
        http1.closeIdleConnections();
      }
    });
  });
  // It never listens itself, but only a listening server watches over its time-outs.
  http1.emit("listening");

  const http2 = createHttp2Server(
    {
      settings: {
        enablePush: false,
        maxConcurrentStreams,
        initialWindowSize: http2WindowBytes,
        maxHeaderListSize: maxHeaderBytes,
      },
      maxHeaderListPairs: maxHeaderPairs,
      // None, as nearly as it can be said (uint32): see response-backpressure.ts.
      maxSessionMemory: 2 ** 32 - 1,
    },
    (request, response) => {
      const { session } = request.stream;
      const isReserved = session !== undefined && reserved.has(session as ServerHttp2Session);
      if (isReserved) {
        // Calls under way end in peace; for the next one the client connects again.
        session?.close();
      }
      handler(request, response, { reserved: isReserved });
    },
  );
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setLocalWindowSize(http2WindowBytes);
    if (closing) {
      session.close();
    }
  });
  http2.on("sessionError", (error) => log.debug({ err: error }, "an HTTP/2 connection failed"));

  const reserveSession = (session: ServerHttp2Session) => {
    reserved.add(session);
    // Whoever takes one of the last places must use it.
    const unused = setTimeout(() => session.destroy(), headersTimeout);
    session.once("stream", () => clearTimeout(unused));
    session.once("close", () => clearTimeout(unused));
  };

  return {
    accept(socket, { reserved: isReserved } = { reserved: false }) {
      // Without a listener a reset connection ends the process.
      socket.on("error", (error) => log.debug({ err: error }, "a connection failed"));
      // Of a session that has ended, Node.js reads on until the client closes its half.
      socket.once("finish", () => {
        const linger = setTimeout(() => socket.destroy(), lingerTimeoutMs);
        socket.once("close", () => clearTimeout(linger));
      });
      sockets.add(socket);
      undetected.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        undetected.delete(socket);
      });
      detectProtocol(socket, headersTimeout, {
        http1: (detected, deadline) => {
          // From here on headersTimeout counts.
          clearTimeout(deadline);
          undetected.delete(detected);
          if (isReserved) {
            reserved.add(detected);
          }
          http1.emit("connection", detected);
        },
        http2: (detected, deadline) => {
          if ("alpnProtocol" in detected && detected.alpnProtocol !== "h2") {
            // Node.js would neither serve it nor say so; HTTP/1 answers 400.
            clearTimeout(deadline);
            http1.emit("connection", detected);
            return;
          }
          undetected.delete(detected);
          // The connection preface ends with the client's settings.
          http2.once("session", (session) => {
            session.once("remoteSettings", () => clearTimeout(deadline));
            if (isReserved) {
              reserveSession(session);
            }
          });
          http2.emit("connection", detected);
        },
      });
    },

    async close(graceMs) {
      closing = true;
      const closed = Promise.all(
        [...sockets].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
      );
      for (const socket of undetected) {
        socket.destroy();
      }
      for (const session of sessions) {
        session.close();
      }
      // Both are not running in net's eyes: the callback's error says so and nothing else.
      http1.close(() => {});
      http2.close(() => {});
      const cutOff = setTimeout(() => {
        for (const session of sessions) {
          session.destroy();
        }
        for (const socket of sockets) {
          socket.destroy();
        }
      }, graceMs);
      await closed;
      clearTimeout(cutOff);
    },
  };
}

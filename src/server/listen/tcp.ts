import { constants } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, isIPv6, type Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Authenticator } from "../auth/authenticator.ts";
import { limitedLog } from "../limited-log.ts";
import type { Log } from "../log.ts";
import { requireBasicAuth } from "./basic-auth.ts";
import { warnOfExpiry } from "./certificate-expiry.ts";
import { endWhenExpired, lostAuthorities } from "./client-certificates.ts";
import { createHttpConnections, type HttpConnectionsOptions } from "./http-connections.ts";
import type { RequestHandler } from "./http-types.ts";
import { maxConnections, shutdownGraceMs } from "./limits.ts";
import { rememberHandshakes } from "./refused-handshakes.ts";
import { openTlsFiles, type TlsFiles, type TlsMaterial } from "./tls-files.ts";
import type { Listener } from "./unix.ts";

export interface TcpListenerOptions extends HttpConnectionsOptions {
  /** An IP address of this machine or a name for one. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsFiles;
  readonly authenticator: Authenticator;
  readonly handler: RequestHandler;
  readonly log: Log;
  /** Connections at a time. Default: 512. */
  readonly maxConnections?: number;
  /** Connections at a time from one address. Default: 128. */
  readonly maxConnectionsPerPeer?: number;
  /** Milliseconds for a TLS handshake. Default: 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** Milliseconds until a connection must have sent right credentials. Default: 30 seconds. */
  readonly authenticationTimeoutMs?: number;
  /** Milliseconds that calls under way get at the close. Default: 3 seconds. */
  readonly graceMs?: number;
}

export interface TcpListener extends Listener {
  /**
   * Reads the TLS files again; new connections use them. Those that exist go on, unless an authority of clients is no
   * longer among them: then all end, and clients connect again. Resolves with whether the files were accepted.
   */
  reload(): Promise<boolean>;
}

/** Listening is not possible; the message says why and what to do. */
class TcpListenError extends Error {
  override readonly name = "TcpListenError";

  constructor({ host, port }: { readonly host: string; readonly port: number }, cause: NodeJS.ErrnoException) {
    const why =
      { EADDRINUSE: "another program listens there", EADDRNOTAVAIL: "this machine has no such address" }[
        cause.code ?? ""
      ] ?? cause.message;
    super(`Cannot listen on ${host} port ${port}: ${why}. Choose another place with --listen or tcp.listen.`, {
      cause,
    });
  }
}

/** Exactly these are offered; TLS 1.3 has no others that Node.js enables. */
export const cipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/** Connections whose peer never answers are found by the kernel (tcp(7), SO_KEEPALIVE). */
const keepAliveMs = 30_000;

/**
 * Listens on TCP: TLS 1.3 with a verified client certificate, then basic
 * authentication, then gRPC, gRPC-Web and Connect over HTTP/2 or HTTP/1.1 as
 * negotiated by ALPN.
 */
export async function listenTcp(options: TcpListenerOptions): Promise<TcpListener> {
  const { log } = options;
  const unauthenticated = new Map<string, NodeJS.Timeout>();
  /** Verified connections, by what HTTP/2's stand-in for a socket tells as well. */
  const verified = new Map<string, { readonly socket: TLSSocket; readonly fingerprint: string }>();
  const connections = createHttpConnections(
    requireBasicAuth({
      authenticator: options.authenticator,
      handler: options.handler,
      log,
      certificateOf: ({ socket }) => verified.get(connectionKey(socket))?.fingerprint,
      onAccepted: ({ socket }) => {
        clearTimeout(unauthenticated.get(connectionKey(socket)));
        unauthenticated.delete(connectionKey(socket));
      },
    }),
    log,
    options,
  );

  const tlsFiles = await openTlsFiles(options.tls, log, (material) => {
    const lost = lostAuthorities(tlsFiles.current.clientAuthority, material.clientAuthority);
    server.setSecureContext(contextOf(material));
    if (lost.length > 0) {
      log.info({ authorities: lost, connections: verified.size }, "an authority was replaced: closed all connections");
      for (const { socket } of verified.values()) {
        socket.destroy();
      }
    }
  });
  const expiry = warnOfExpiry(() => tlsFiles.current, options.tls, log);
  const serverOptions: TlsOptions = {
    ...contextOf(tlsFiles.current),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
  };
  const server = createServer(serverOptions, (socket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      // It was verified: the connection has ended meanwhile.
      socket.destroy();
      return;
    }
    const key = connectionKey(socket);
    verified.set(key, { socket, fingerprint: certificate.fingerprint256 });
    endWhenExpired(socket, certificate.validToDate);
    const timer = setTimeout(() => {
      log.debug({ peer: socket.remoteAddress }, "closed a connection that did not authenticate in time");
      socket.destroy();
    }, options.authenticationTimeoutMs ?? 30_000);
    unauthenticated.set(key, timer);
    socket.once("close", () => {
      clearTimeout(timer);
      unauthenticated.delete(key);
      verified.delete(key);
    });
    connections.accept(socket);
  });
  server.maxConnections = options.maxConnections ?? maxConnections;
  // Anybody who reaches the port can cause these.
  const warn = limitedLog((fields, message) => log.warn(fields, message));
  const inform = limitedLog((fields, message) => log.info(fields, message));
  server.on("drop", () => warn({ limit: server.maxConnections }, "too many connections: refused one"));
  const handshakes = rememberHandshakes(server);
  server.on("tlsClientError", (error, socket) => {
    // Node.js closes the connection of a client whose certificate it does not
    // accept without an alert: only this log says why.
    const reason = socket.authorizationError ?? error.message;
    inform(
      { peer: socket.remoteAddress, reason: String(reason), ...handshakes.get(socket) },
      "refused a TLS handshake",
    );
    socket.destroy();
  });
  const sockets = trackConnections(server, options.maxConnectionsPerPeer ?? 128, warn);

  try {
    server.listen(options.port, options.host);
    await once(server, "listening");
  } catch (error) {
    tlsFiles[Symbol.dispose]();
    expiry[Symbol.dispose]();
    throw new TcpListenError(options, error as NodeJS.ErrnoException);
  }
  // An error of accept(2), such as EMFILE, must not end the daemon.
  server.on("error", (error) => log.error({ err: error }, "could not accept a connection"));
  const { address, port } = server.address() as AddressInfo;
  log.info({ address, port }, "listening");

  return {
    address: `https://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    reload: () => tlsFiles.reload(),
    async close() {
      tlsFiles[Symbol.dispose]();
      expiry[Symbol.dispose]();
      const closed = once(server, "close");
      server.close();
      await connections.close(options.graceMs ?? shutdownGraceMs);
      // What is left has not got through its handshake.
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

function contextOf(material: TlsMaterial): SecureContextOptions {
  return {
    cert: material.certificate,
    key: material.key,
    ca: material.clientAuthority,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: cipherSuites,
    // A resumed session keeps an earlier verification of the client's
    // certificate; without tickets each connection is verified anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * All connections, TLS handshakes under way included; those of one address
 * beyond `limitPerPeer` are closed, so that one machine cannot take all places.
 */
function trackConnections(
  server: Server,
  limitPerPeer: number,
  warn: (fields: object, message: string) => void,
): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  server.prependListener("connection", (socket: Socket) => {
    const peer = socket.remoteAddress ?? "";
    const count = (counts.get(peer) ?? 0) + 1;
    counts.set(peer, count);
    sockets.add(socket);
    socket.setKeepAlive(true, keepAliveMs);
    socket.once("close", () => {
      sockets.delete(socket);
      const left = (counts.get(peer) ?? 1) - 1;
      if (left === 0) {
        counts.delete(peer);
      } else {
        counts.set(peer, left);
      }
    });
    if (count > limitPerPeer) {
      warn({ peer, limit: limitPerPeer }, "too many connections from one address: refused one");
      socket.destroy();
    }
  });
  return sockets;
}

/** Tells connections apart, also where HTTP/2 hands out only a stand-in for the socket. */
function connectionKey(socket: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

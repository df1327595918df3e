/** What one client may take, on every listener. Sizes are bytes. */

/** One request message: a start with 3 MB of arguments must reach the kernel, which is to judge it. */
export const readMaxBytes = 8 * 1024 * 1024;

/** Of a request that is refused, so much more is read and thrown away before the response. */
export const discardMaxBytes = 64 * 1024 * 1024;

/** One response message: 3 MiB of output, or a page of processes of which one is very large. */
export const writeMaxBytes = 16 * 1024 * 1024;

/** The longest that a timer can wait; longer ones fire at once (setTimeout in the Node.js manual). */
export const maxTimeoutMs = 2 ** 31 - 1;

/** The default of 64 KiB halves the throughput of large messages. Both ends and both levels must raise it (nodejs/node #31084). */
export const http2WindowBytes = 1024 * 1024;

export const maxHeaderBytes = 16 * 1024;
export const maxHeaderPairs = 64;
export const maxConcurrentStreams = 256;
/** Connections at a time on one listener. */
export const maxConnections = 512;
/** How many more the unix socket takes for short calls of the owner, so that nobody's streams lock `pm stop` out. */
export const reservedConnections = 64;
/** Of the responses on one HTTP/2 connection so much may be unread when a further call begins. */
export const unreadMaxBytes = 64 * 1024 * 1024;
/** How long such a call waits before it is refused. */
export const unreadTimeoutMs = 10_000;

/** How long a client may take to say which protocol it speaks, and to complete the headers of a request. */
export const firstBytesTimeoutMs = 10_000;
/** How long an HTTP/1 client may take for a whole request, body included, and any client for the rest of one that is refused. */
export const requestTimeoutMs = 120_000;
/** How long a client gets to close a connection that the daemon has ended. */
export const lingerTimeoutMs = 2000;
/** How long an HTTP/1 connection may idle between requests. */
export const keepAliveTimeoutMs = 65_000;

/** How long calls under way get to end at shutdown. */
export const shutdownGraceMs = 3000;

/** What clients are told of these (DaemonService.GetInfo). */
export const serverLimits = {
  maxStreamsPerConnection: maxConcurrentStreams,
  maxConnections,
  maxRequestBytes: readMaxBytes,
};

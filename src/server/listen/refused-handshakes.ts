/**
 * Who shook hands and with which certificate, for the log of refused ones:
 * when Node.js tells of a refusal, the socket knows neither any more.
 *
 * No event hands out the socket before that but "keylog"; the secrets that it
 * brings stay unread.
 */
import type { Server, TLSSocket } from "node:tls";

export interface Handshake {
  readonly peer?: string;
  readonly subject?: string;
  readonly serial?: string;
}

/** Subjects are chosen by clients; the log takes no more characters of one. */
const maxSubjectLength = 256;

export function rememberHandshakes(server: Server): WeakMap<TLSSocket, Handshake> {
  const handshakes = new WeakMap<TLSSocket, Handshake>();
  server.on("keylog", (_line, socket) => {
    if (handshakes.has(socket)) {
      return;
    }
    const peer = socket.remoteAddress === undefined ? {} : { peer: socket.remoteAddress };
    handshakes.set(socket, peer);
    // Before the listener of Node.js that judges the certificate and closes the socket.
    socket.prependOnceListener("secure", () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate !== undefined) {
        const { subject, serialNumber: serial } = certificate;
        handshakes.set(socket, { ...peer, subject: subject.slice(0, maxSubjectLength), serial });
      }
    });
  });
  return handshakes;
}

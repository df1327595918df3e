import type { Socket } from "node:net";

/** The first bytes of the HTTP/2 connection preface (RFC 9113, section 3.4); no HTTP/1 method begins like that. */
const http2Preface = Buffer.from("PRI");

/**
 * Reads just enough of a new connection to tell HTTP/2 from HTTP/1, and puts
 * it back. Destroys the connection if it says nothing in time. The deadline
 * goes on into the protocol: the callbacks get it to clear.
 */
export function detectProtocol(
  socket: Socket,
  timeoutMs: number,
  handlers: {
    readonly http1: (socket: Socket, deadline: NodeJS.Timeout) => void;
    readonly http2: (socket: Socket, deadline: NodeJS.Timeout) => void;
  },
): void {
  const deadline = setTimeout(() => socket.destroy(), timeoutMs);
  const onClose = () => clearTimeout(deadline);
  socket.once("close", onClose);

  let head = Buffer.alloc(0);
  const onReadable = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) {
      return;
    }
    head = Buffer.concat([head, bytes]);
    // As many bytes as decide it: "P" alone may become POST.
    const compared = Math.min(head.length, http2Preface.length);
    const matches = head.subarray(0, compared).equals(http2Preface.subarray(0, compared));
    if (matches && compared < http2Preface.length) {
      return;
    }
    socket.off("readable", onReadable);
    socket.unshift(head);
    (matches ? handlers.http2 : handlers.http1)(socket, deadline);
  };
  socket.on("readable", onReadable);
}

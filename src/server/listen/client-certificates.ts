/** How long a client's verified certificate holds: as long as it is in date and its authority is accepted. */
import type { TLSSocket } from "node:tls";
import { describeCertificates } from "../../pki/describe.ts";

/** The longest time that setTimeout(3) of Node.js takes, in milliseconds. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Closes a connection when its client's certificate expires. */
export function endWhenExpired(socket: TLSSocket, expires: Date): void {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const leftMs = expires.getTime() - Date.now();
    if (leftMs <= 0) {
      socket.destroy();
      return;
    }
    timer = setTimeout(wait, Math.min(leftMs, maxTimeoutMs)).unref();
  };
  wait();
  socket.once("close", () => clearTimeout(timer));
}

/** Subjects of the authorities that were accepted and are no longer. Both are PEM. */
export function lostAuthorities(before: string, now: string): string[] {
  const kept = new Set(describeCertificates(now).map(({ fingerprint }) => fingerprint));
  return describeCertificates(before)
    .filter(({ fingerprint }) => !kept.has(fingerprint))
    .map(({ subject }) => subject);
}

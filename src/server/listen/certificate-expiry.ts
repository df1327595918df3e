/** Says in the log, every day, which of the listener's certificates expire soon. */
import { describeCertificates } from "../../pki/describe.ts";
import { expiresSoonMs } from "../../pki/expiry.ts";
import type { ReloadLog } from "../reload/reloadable.ts";
import type { TlsFiles, TlsMaterial } from "./tls-files.ts";

const dayMs = 86_400_000;

export interface ExpiryOptions {
  /** Milliseconds between two looks. @default a day */
  readonly intervalMs?: number;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** Looks at what is in force now and at each interval, until it is disposed of. */
export function warnOfExpiry(
  current: () => TlsMaterial,
  files: TlsFiles,
  log: ReloadLog,
  { intervalMs = dayMs, now = Date.now }: ExpiryOptions = {},
): Disposable {
  const look = () => {
    const { certificate, clientAuthority } = current();
    for (const [file, pem] of [
      [files.certificate, certificate],
      [files.clientAuthority, clientAuthority],
    ] as const) {
      for (const { subject, notAfter } of describeCertificates(pem)) {
        const leftMs = notAfter.getTime() - now();
        if (leftMs < 0) {
          log.warn({ file, subject, expired: notAfter }, "a certificate has expired: connections will be refused");
        } else if (leftMs < expiresSoonMs) {
          log.warn({ file, subject, expires: notAfter }, "a certificate expires soon");
        }
      }
    }
  };
  look();
  const timer = setInterval(look, intervalMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

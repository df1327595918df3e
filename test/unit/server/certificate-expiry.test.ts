import { afterEach, expect, it, vi } from "vitest";
import { createAuthority, issueServerCertificate } from "../../../src/pki/certificates.ts";
import { warnOfExpiry } from "../../../src/server/listen/certificate-expiry.ts";

const files = { certificate: "/s.crt", key: "/s.key", clientAuthority: "/ca.crt" };
const dayMs = 86_400_000;

afterEach(() => vi.useRealTimers());

it("warns of what expires within 30 days, and of what expires while the daemon runs", async () => {
  const authority = await createAuthority({ name: "ca", days: 400 });
  const server = await issueServerCertificate(authority, { name: "s", days: 31, hosts: ["localhost"] });
  vi.useFakeTimers();
  const warnings: string[] = [];
  const log = {
    info: () => {},
    warn: (fields: object, message: string) => warnings.push(`${(fields as { file: string }).file}: ${message}`),
    error: () => {},
  };
  const material = { certificate: server.certificate, key: server.key, clientAuthority: authority.certificate };
  using _ = warnOfExpiry(() => material, files, log);
  expect(warnings).toEqual([]);
  vi.advanceTimersByTime(2 * dayMs);
  expect(new Set(warnings)).toEqual(new Set(["/s.crt: a certificate expires soon"]));
  vi.advanceTimersByTime(30 * dayMs);
  expect(warnings.at(-1)).toBe("/s.crt: a certificate has expired: connections will be refused");
});

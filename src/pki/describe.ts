/** What a certificate says, for people. */
import { X509Certificate } from "node:crypto";

export interface CertificateDescription {
  /** The common name, or the whole subject if it has none. */
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and IP addresses. */
  readonly hosts: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority: boolean;
  /** "server", "client", both, or neither where the certificate does not restrict itself. */
  readonly usages: readonly ("server" | "client")[];
  /** SHA-256 over the DER form, hex in pairs. */
  readonly fingerprint: string;
}

/**
 * Describes the certificates of a PEM file, in its order.
 *
 * @throws Error if there is none, or one cannot be read
 */
export function describeCertificates(pem: string): CertificateDescription[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (blocks === null) {
    throw new Error("no certificate (a PEM file begins with -----BEGIN CERTIFICATE-----)");
  }
  return blocks.map((block) => describe(new X509Certificate(block)));
}

function describe(certificate: X509Certificate): CertificateDescription {
  const usages = certificate.keyUsage ?? [];
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    hosts: hostsOf(certificate.subjectAltName),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    authority: certificate.ca,
    usages: [
      ...(usages.includes("1.3.6.1.5.5.7.3.1") ? (["server"] as const) : []),
      ...(usages.includes("1.3.6.1.5.5.7.3.2") ? (["client"] as const) : []),
    ],
    fingerprint: certificate.fingerprint256,
  };
}

function nameOf(distinguishedName: string): string {
  return /(?:^|\n)CN=(.*)/.exec(distinguishedName)?.[1] ?? distinguishedName.replaceAll("\n", ", ");
}

function hostsOf(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? "")
    .split(", ")
    .map((entry) => /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1])
    .filter((host) => host !== undefined);
}

/**
 * X.509 certificates for pm's own mutual TLS: ECDSA P-256 keys, SHA-256
 * signatures, the extensions of RFC 5280 that a strict verifier wants.
 *
 * For development and small installations; a larger one brings the
 * certificates of its own authority.
 */
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** A certificate and its key, PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  /** PKCS #8, not encrypted. */
  readonly key: string;
}

export interface IssueOptions {
  /** The common name. */
  readonly name: string;
  /** Days of validity. */
  readonly days: number;
  /** When it begins. @default now, less five minutes for clocks that differ */
  readonly from?: Date;
}

export interface IssueServerOptions extends IssueOptions {
  /** DNS names and IP addresses under which clients reach the server. */
  readonly hosts: readonly string[];
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;
/** Validity begins a little in the past: the clocks of two machines are never the same. */
const clockSkewMs = 5 * 60_000;

/** Makes a self-signed authority that may sign end-entity certificates only. */
export async function createAuthority(options: IssueOptions): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...common(options),
      name: commonName(options.name),
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/** Issues a certificate for a TLS server, and for nothing else. */
export function issueServerCertificate(
  authority: CertificateAndKey,
  options: IssueServerOptions,
): Promise<CertificateAndKey> {
  const names = options.hosts.map((host) => ({
    type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
    value: host,
  }));
  return issue(authority, options, [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names),
  ]);
}

/** Issues a certificate for a TLS client, and for nothing else. */
export function issueClientCertificate(
  authority: CertificateAndKey,
  options: IssueOptions,
): Promise<CertificateAndKey> {
  return issue(authority, options, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]);
}

async function issue(
  authority: CertificateAndKey,
  options: IssueOptions,
  extensions: x509.Extension[],
): Promise<CertificateAndKey> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await importKey(authority.key);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = common(options);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...validity,
      // A certificate that outlives its authority only looks valid.
      notAfter: validity.notAfter < issuer.notAfter ? validity.notAfter : issuer.notAfter,
      subject: commonName(options.name),
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        ...extensions,
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export(webcrypto), false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

function common({ days, from }: IssueOptions) {
  const begin = from?.getTime() ?? Date.now() - clockSkewMs;
  const end = (from?.getTime() ?? Date.now()) + days * dayMs;
  return {
    serialNumber: serialNumber(),
    // Certificates have whole seconds.
    notBefore: new Date(Math.floor(begin / 1000) * 1000),
    notAfter: new Date(Math.floor(end / 1000) * 1000),
    signingAlgorithm: algorithm,
  };
}

/** 127 random bits, positive, never zero (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function commonName(name: string): x509.JsonName {
  return [{ CN: [name] }];
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag)}\n`;
}

function importKey(key: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(key), algorithm, false, ["sign"]);
}

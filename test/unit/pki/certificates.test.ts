import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createAuthority, issueClientCertificate, issueServerCertificate } from "../../../src/pki/certificates.ts";
import { describeCertificates } from "../../../src/pki/describe.ts";

const directory = mkdtempSync(join(tmpdir(), "pm-pki-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = await createAuthority({ name: "test authority", days: 30 });
const server = await issueServerCertificate(authority, {
  name: "server",
  days: 10,
  hosts: ["localhost", "box.example", "127.0.0.1", "::1"],
});
const client = await issueClientCertificate(authority, { name: "ann", days: 10 });

describe("certificates", () => {
  it("belong to their keys and are signed by the authority", () => {
    const root = new X509Certificate(authority.certificate);
    for (const { certificate, key } of [server, client, authority]) {
      const parsed = new X509Certificate(certificate);
      expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
      expect(parsed.checkIssued(root)).toBe(true);
      expect(parsed.verify(root.publicKey)).toBe(true);
      expect(parsed.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    }
  });

  it("say what they are for", () => {
    const [ca] = describeCertificates(authority.certificate);
    expect(ca).toMatchObject({ subject: "test authority", issuer: "test authority", authority: true, hosts: [] });
    const [forServer] = describeCertificates(server.certificate);
    expect(forServer).toMatchObject({
      subject: "server",
      issuer: "test authority",
      authority: false,
      usages: ["server"],
      hosts: ["localhost", "box.example", "127.0.0.1", "0:0:0:0:0:0:0:1"],
    });
    const [forClient] = describeCertificates(client.certificate);
    expect(forClient).toMatchObject({ subject: "ann", usages: ["client"], hosts: [], authority: false });
    expect(new X509Certificate(server.certificate).checkHost("box.example")).toBe("box.example");
    expect(new X509Certificate(server.certificate).checkHost("other.example")).toBeUndefined();
    expect(new X509Certificate(server.certificate).checkIP("127.0.0.1")).toBe("127.0.0.1");
  });

  it("are valid from a little before now for the days asked, and no longer than their authority", async () => {
    const now = Date.now();
    const [ca] = describeCertificates(authority.certificate);
    expect(ca?.notBefore.getTime()).toBeLessThan(now);
    expect(Math.abs((ca?.notAfter.getTime() ?? 0) - now - 30 * 86_400_000)).toBeLessThan(60_000);
    const long = await issueClientCertificate(authority, { name: "x", days: 400 });
    expect(describeCertificates(long.certificate)[0]?.notAfter).toEqual(ca?.notAfter);
  });

  it("have serial numbers that are positive and not repeated", () => {
    const serials = [authority, server, client].map(({ certificate }) => new X509Certificate(certificate).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) {
      expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    }
  });

  it.skipIf(spawnSync("openssl", ["version"]).status !== 0)("satisfy OpenSSL's strict verification", () => {
    const file = (name: string, text: string) => {
      const path = join(directory, name);
      writeFileSync(path, text);
      return path;
    };
    const ca = file("ca.pem", authority.certificate);
    const verify = (purpose: string, certificate: string) =>
      spawnSync("openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca, certificate], {
        encoding: "utf8",
      });
    expect(verify("sslserver", file("server.pem", server.certificate)).stdout).toContain("OK");
    expect(verify("sslclient", file("client.pem", client.certificate)).stdout).toContain("OK");
    expect(verify("sslserver", file("client.pem", client.certificate)).status).not.toBe(0);
    expect(verify("sslclient", file("server.pem", server.certificate)).status).not.toBe(0);
  });

  it("are described all when a file holds several, and refused when it holds none", () => {
    expect(describeCertificates(server.certificate + authority.certificate)).toHaveLength(2);
    expect(() => describeCertificates("hello")).toThrow("no certificate");
  });
});

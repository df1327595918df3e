/** Certificates and users change without a restart; connections go on; what is broken is refused. */

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { replaceFile } from "../../src/files/private-file.ts";
import { issueClientCertificate } from "../../src/pki/certificates.ts";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { basic, daemonClient, pki, serveTls, tlsOptions } from "./serve-tls.ts";

const patience = { timeout: 30_000 };

function serverCertificate(port: number): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "localhost", port, ...tlsOptions });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
  });
}

describe("new files", () => {
  it("are used by new connections while those that exist go on", async () => {
    const { files, port, logged } = await serveTls();
    const session = connectHttp2(`https://localhost:${port}`, tlsOptions);
    onTestFinished(() => session.destroy());
    const request = () =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ":method": "POST",
          ":path": "/pm.v1.DaemonService/GetInfo",
          "content-type": "application/json",
          authorization: basic(),
        });
        stream.end("{}");
        stream.once("response", (headers) => resolve(headers[":status"]));
        stream.once("error", reject);
        stream.resume();
      });
    expect(await request()).toBe(200);
    expect((await serverCertificate(port)).subject.CN).toBe("server");

    // Between the two writes the files do not belong together: that state is refused, and the next one is taken.
    await replaceFile(files.key, pki.otherServer.key);
    await replaceFile(files.certificate, pki.otherServer.certificate);
    await expect.poll(async () => (await serverCertificate(port)).subject.CN, patience).toBe("renewed server");
    expect(await request()).toBe(200);
    expect(session.closed).toBe(false);
    expect(logged()).toContain("TLS files reloaded");
  });

  it("of another client authority shut out the old one's clients", async () => {
    const { files, port, listener } = await serveTls();
    await writeFile(files.clientAuthority, pki.otherAuthority.certificate);
    expect(await listener.reload()).toBe(true);
    await expect(daemonClient(port).getInfo({})).rejects.toThrow();
    const { certificate, key } = await issueClientCertificate(pki.otherAuthority, { name: "x", days: 1 });
    const client = daemonClient(port, "connect", basic(), { ...tlsOptions, cert: certificate, key });
    expect((await client.getInfo({})).version).toBe("test");
  });
});

describe("an open connection", () => {
  async function openSession(port: number) {
    const session = connectHttp2(`https://localhost:${port}`, tlsOptions);
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/pm.v1.DaemonService/GetInfo",
      "content-type": "application/json",
      authorization: basic(),
    });
    stream.end("{}");
    stream.resume();
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    expect(headers[":status"]).toBe(200);
    return session;
  }

  it("ends when the authority that verified it is replaced", async () => {
    const { files, port, listener, logged } = await serveTls();
    const session = await openSession(port);
    const closed = once(session, "close");
    await writeFile(files.clientAuthority, pki.otherAuthority.certificate);
    expect(await listener.reload()).toBe(true);
    await closed;
    expect(logged()).toMatch(/"authorities":\["pm test authority"\],"connections":1/);
  });

  it("goes on when an authority is added", async () => {
    const { files, port, listener } = await serveTls();
    const session = await openSession(port);
    await writeFile(files.clientAuthority, pki.authority.certificate + pki.otherAuthority.certificate);
    expect(await listener.reload()).toBe(true);
    await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
    expect(session.closed).toBe(false);
  });

  it("ends when its client's certificate expires", async () => {
    const { port } = await serveTls();
    const dayMs = 86_400_000;
    const expires = { from: new Date(Date.now() - dayMs + 4000), days: 1 };
    const { certificate, key } = await issueClientCertificate(pki.authority, { name: "brief", ...expires });
    const socket = connectTls({ host: "localhost", port, ...tlsOptions, cert: certificate, key });
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "close");
    expect(Date.now()).toBeGreaterThanOrEqual(new X509Certificate(certificate).validToDate.getTime());
  });
});

describe("broken files", () => {
  it.each([
    ["a certificate that is none", "certificate", "oops"],
    ["an empty certificate", "certificate", ""],
    ["another key", "key", pki.otherServer.key],
    ["a key that is none", "key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"],
    [
      "a client authority that is none",
      "clientAuthority",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ],
    ["a client authority that is not an authority", "clientAuthority", pki.client.certificate],
  ] as const)("(%s) are refused, named in the log, and the old ones stay in force", async (_name, file, text) => {
    const { files, port, listener, logged } = await serveTls();
    await writeFile(files[file], text);
    expect(await listener.reload()).toBe(false);
    expect(logged()).toContain("TLS files refused");
    expect(logged()).toContain(`"error":"${files[file]}: `);
    expect(logged()).not.toContain("c2VjcmV0");
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
  });
});

it("an authority that others can change is refused, and the one before stays in force", async () => {
  const { files, port, listener, logged } = await serveTls();
  await chmod(files.clientAuthority, 0o666);
  expect(await listener.reload()).toBe(false);
  expect(logged()).toContain(`${files.clientAuthority}: mode 0666 lets others change it`);
  expect((await daemonClient(port).getInfo({})).version).toBe("test");
});

describe("users", () => {
  it("that are added get in, and those removed do not", async () => {
    const { files, port, reloadUsers } = await serveTls();
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
    await replaceFile(files.users, `bob:${await hashPassword("new", { ln: 10, r: 8, p: 1 })}\n`);
    await reloadUsers();
    expect((await daemonClient(port, "connect", basic("bob", "new")).getInfo({})).version).toBe("test");
    await expect(daemonClient(port).getInfo({})).rejects.toMatchObject({ code: Code.PermissionDenied });
  });

  it("that change leave those in whom the daemon knows, whatever a neighbor with their certificate does", async () => {
    const { files, port, reloadUsers } = await serveTls({}, {}, { failures: { burst: 1, refillMs: 3_600_000 } });
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
    const before = await readFile(files.users, "utf8");
    await replaceFile(files.users, `${before}bob:${await hashPassword("new", { ln: 10, r: 8, p: 1 })}\n`);
    await reloadUsers();
    const guess = () => daemonClient(port, "connect", basic("ann", "guess")).getInfo({});
    await expect(guess()).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect(guess()).rejects.toMatchObject({ code: Code.ResourceExhausted });
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
  });

  it("get in with a right password beside a neighbor who fails with a certificate of its own", async () => {
    const { port } = await serveTls({}, {}, { failures: { burst: 1, refillMs: 3_600_000 } });
    const { certificate, key } = await issueClientCertificate(pki.authority, { name: "neighbor", days: 1 });
    const neighbor = () =>
      daemonClient(port, "connect", basic("ann", "guess"), { ...tlsOptions, cert: certificate, key }).getInfo({});
    await expect(neighbor()).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect(neighbor()).rejects.toMatchObject({ code: Code.ResourceExhausted });
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
  });

  it("that cannot be read are refused, named in the log with the line, and the old ones stay in force", async () => {
    const { files, port, reloadUsers, logged } = await serveTls();
    await replaceFile(files.users, "# users\nann:plaintext\n");
    expect(await reloadUsers()).toBe(false);
    expect(logged()).toContain(`"error":"${files.users}:2: `);
    expect(logged()).not.toContain("plaintext");
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
  });
});

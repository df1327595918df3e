/** TLS is refused as it should be, in the eyes of OpenSSL's own client and of Node.js's. */

import { spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, test } from "vitest";
import { issueClientCertificate } from "../../src/pki/certificates.ts";
import { requires } from "../support/requires.ts";
import { daemonClient, pki, type ServedTls, serveTls, tlsOptions } from "./serve-tls.ts";

/** One HTTP request over a connection of its own: the status, or how TLS failed. */
function get(port: number, options: ConnectionOptions): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request({ host: "127.0.0.1", port, path: "/", agent: false, ...tlsOptions, ...options });
    outgoing.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`));
    outgoing.end();
  });
}

describe("Node.js's client", () => {
  it.each(["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])(
    "gets through with %s",
    async (ciphers) => {
      const { port } = await serveTls();
      expect(await get(port, { ciphers })).toBe(401);
    },
  );

  it.each(["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])("is refused with %s", async (suite) => {
    const { port } = await serveTls();
    // OpenSSL counts the short tag of CCM_8 as 64 bits: it offers it at security level 0 only.
    const ciphers = `${suite}:ALL:@SECLEVEL=0`;
    expect(await get(port, { ciphers, minVersion: "TLSv1.3" })).toMatch(/handshake failure/);
  });

  it.each(["TLSv1", "TLSv1.1", "TLSv1.2"] as const)("is refused with %s", async (version) => {
    const { port } = await serveTls();
    const options = { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" };
    expect(await get(port, options)).toMatch(/alert protocol version/);
  });

  it("is refused without a certificate", async () => {
    const { port, logged } = await serveTls();
    expect(await get(port, { cert: undefined, key: undefined })).toMatch(/certificate required|ECONNRESET|EPIPE/);
    expect(logged()).toMatch(/"peer":"127.0.0.1",[^\n]*"refused a TLS handshake"/);
  });

  it.each(Object.entries(pki.refusedClients))("is refused with %s", async (_name, { certificate, key }) => {
    const { port } = await serveTls();
    expect(await get(port, { cert: certificate, key })).toMatch(/^(ECONNRESET|EPIPE)/);
  });

  it("cannot pass off a client's certificate as a server's", async () => {
    const { files, listener, port } = await serveTls();
    writeFileSync(files.certificate, pki.client.certificate);
    writeFileSync(files.key, pki.client.key);
    expect(await listener.reload()).toBe(true);
    expect(await get(port, {})).toMatch(/INVALID_PURPOSE/);
  });

  it("negotiates HTTP/2 and HTTP/1.1, and nothing else", async () => {
    const { port } = await serveTls();
    const negotiated = (protocols: string[]) =>
      new Promise((resolve) => {
        const socket = connect({ host: "127.0.0.1", port, ...tlsOptions, ALPNProtocols: protocols });
        socket.once("secureConnect", () => {
          resolve(socket.alpnProtocol);
          socket.destroy();
        });
        socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      });
    expect(await negotiated(["h2", "http/1.1"])).toBe("h2");
    expect(await negotiated(["http/1.1"])).toBe("http/1.1");
    expect(await negotiated(["spdy/3"])).toMatch(/NO_APPLICATION_PROTOCOL/);
  });

  it("cannot resume a session, which would skip the verification of its certificate", async () => {
    const { port } = await serveTls();
    const once = (session: Buffer | undefined) =>
      new Promise<{ session: Buffer | undefined; reused: boolean }>((resolve, reject) => {
        const socket = connect({
          host: "127.0.0.1",
          port,
          ...tlsOptions,
          ALPNProtocols: ["http/1.1"],
          ...(session && { session }),
        });
        let ticket: Buffer | undefined;
        socket.on("session", (value) => {
          ticket = value;
        });
        let reused = true;
        socket.once("secureConnect", () => {
          reused = socket.isSessionReused();
          socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        });
        socket.resume();
        socket.once("error", reject);
        socket.once("close", () => resolve({ session: ticket, reused }));
      });
    const first = await once(undefined);
    const second = await once(first.session);
    expect(second.reused).toBe(false);
  });
});

describe("a TLS handshake", () => {
  it("that never ends is cut off", async () => {
    const { port } = await serveTls({}, { handshakeTimeoutMs: 200 });
    const { connect: connectTcp } = await import("node:net");
    const socket = connectTcp(port, "127.0.0.1");
    socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    await new Promise((resolve) => socket.once("close", resolve));
  });

  it("does not hold up others, and at the close it is ended", async () => {
    const { port, listener } = await serveTls();
    const { connect: connectTcp } = await import("node:net");
    const sockets = Array.from({ length: 50 }, () => connectTcp(port, "127.0.0.1"));
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
    await listener.close();
    await Promise.all(closed);
  });

  it("is refused beyond the connections that one address may have", async () => {
    const { port, logged } = await serveTls({}, { maxConnectionsPerPeer: 2 });
    const { connect: connectTcp } = await import("node:net");
    const held = [connectTcp(port, "127.0.0.1"), connectTcp(port, "127.0.0.1")];
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await get(port, {})).toMatch(/ECONNRESET|EPIPE/);
    expect(logged()).toContain("too many connections from one address");
    for (const socket of held) {
      socket.destroy();
    }
    await expect.poll(() => get(port, {}), { timeout: 30_000 }).toBe(401);
  });
});

const openssl = requires("openssl", spawnSync("openssl", ["version"]).status === 0);

describe.skipIf(!openssl)("openssl s_client", () => {
  /** Sends a request and answers all that it printed. */
  function sClient(
    { port, directory }: ServedTls,
    args: readonly string[],
    client?: { certificate: string; key: string },
  ) {
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text, { mode: 0o600 });
      return join(directory, name);
    };
    const identity =
      client === undefined
        ? []
        : ["-cert", file("client.crt", client.certificate), "-key", file("client.key", client.key)];
    const child = spawn("openssl", [
      "s_client",
      ...["-connect", `127.0.0.1:${port}`, "-CAfile", file("authority.crt", pki.authority.certificate)],
      ...["-verify_return_error", "-ign_eof", ...identity, ...args],
    ]);
    child.stdin.on("error", () => {});
    child.stdin.end("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    return new Promise<string>((resolve) => child.once("close", () => resolve(output)));
  }

  test.each(["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])(
    "gets through with %s",
    async (suite) => {
      const output = await sClient(await serveTls(), ["-ciphersuites", suite], pki.client);
      expect(output).toContain(`New, TLSv1.3, Cipher is ${suite}`);
      expect(output).toContain("HTTP/1.1 401 Unauthorized");
    },
  );

  test.each(["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])("is refused with %s", async (suite) => {
    const output = await sClient(await serveTls(), ["-ciphersuites", suite], pki.client);
    expect(output).toContain("handshake failure");
    expect(output).not.toContain("HTTP/1.1");
  });

  test.each(["-tls1_2", "-tls1_1", "-tls1"])("is refused with %s", async (version) => {
    const output = await sClient(await serveTls(), [version, "-cipher", "ALL:@SECLEVEL=0"], pki.client);
    expect(output).toContain("alert protocol version");
    expect(output).not.toContain("HTTP/1.1");
  });

  test("is refused without a certificate", async () => {
    const output = await sClient(await serveTls(), []);
    expect(output).toContain("certificate required");
    expect(output).not.toContain("HTTP/1.1");
  });

  test.each([
    ["a self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["a certificate of another authority", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["an expired certificate", "CERT_HAS_EXPIRED"],
    ["a server's certificate", "INVALID_PURPOSE"],
  ] as const)("is refused with %s, and the log says why", async (name, reason) => {
    const served = await serveTls();
    const output = await sClient(served, [], pki.refusedClients[name]);
    expect(output).not.toContain("HTTP/1.1");
    expect(served.logged()).toContain(`"reason":"${reason}"`);
    const { subject, serialNumber } = new X509Certificate(pki.refusedClients[name].certificate);
    expect(served.logged()).toContain(`"peer":"127.0.0.1"`);
    expect(served.logged()).toContain(`"subject":"${subject}","serial":"${serialNumber}"`);
  });

  test("refuses a client's certificate as the server's, and takes the server's", async () => {
    const served = await serveTls();
    const asServer = ["-purpose", "sslserver"];
    expect(await sClient(served, asServer, pki.client)).toContain("HTTP/1.1 401 Unauthorized");
    writeFileSync(served.files.certificate, pki.client.certificate);
    writeFileSync(served.files.key, pki.client.key);
    expect(await served.listener.reload()).toBe(true);
    const output = await sClient(served, asServer, pki.client);
    expect(output).toMatch(/unsupported certificate purpose|unsuitable certificate purpose/);
    expect(output).not.toContain("HTTP/1.1");
  });

  test("sees a certificate of the authority for the name it asked for", async () => {
    const output = await sClient(await serveTls(), ["-verify_hostname", "localhost"], pki.client);
    expect(output).toContain("Verify return code: 0 (ok)");
  });
});

describe("our own transport", () => {
  it("gets through, and not with a certificate of another authority", async () => {
    const { port } = await serveTls();
    expect((await daemonClient(port).getInfo({})).version).toBe("test");
    const stranger = await issueClientCertificate(pki.otherAuthority, { name: "x", days: 1 });
    const refused = daemonClient(port, "connect", undefined, {
      ca: pki.authority.certificate,
      cert: stranger.certificate,
      key: stranger.key,
    });
    await expect(refused.getInfo({})).rejects.toSatisfy((error: { code: Code }) => error.code !== Code.Unauthenticated);
  });
});

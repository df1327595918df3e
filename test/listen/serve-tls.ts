/** A TCP listener with certificates and users of its own, serving the contract as the test implements it. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as x509 from "@peculiar/x509";
import { onTestFinished } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import {
  type CertificateAndKey,
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from "../../src/pki/certificates.ts";
import { Authenticator, type AuthenticatorOptions } from "../../src/server/auth/authenticator.ts";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { openUsers } from "../../src/server/auth/users.ts";
import { createRequestHandler } from "../../src/server/listen/request-handler.ts";
import { listenTcp, type TcpListener, type TcpListenerOptions } from "../../src/server/listen/tcp.ts";
import { privateDirectory, type Routes, recordingLog } from "./serve.ts";

export const user = "ann";
export const password = "correct horse: battery \u00e9";
const hash = await hashPassword(password, { ln: 10, r: 8, p: 1 });

/** Certificates good and bad, made once a test file. */
export const pki = await makePki();

export interface ServedTls {
  readonly directory: string;
  readonly files: Readonly<Record<"certificate" | "key" | "clientAuthority" | "users", string>>;
  readonly port: number;
  readonly listener: TcpListener;
  readonly shutdown: AbortController;
  reloadUsers(): Promise<boolean>;
  /** Everything logged so far. */
  logged(): string;
}

export async function serveTls(
  implementation: Routes = {},
  options: Partial<TcpListenerOptions> = {},
  auth: Partial<AuthenticatorOptions> = {},
): Promise<ServedTls> {
  const directory = privateDirectory();
  const files = {
    certificate: join(directory, "server.crt"),
    key: join(directory, "server.key"),
    clientAuthority: join(directory, "ca.crt"),
    users: join(directory, "users"),
  };
  await mkdir(directory, { recursive: true });
  await writeFile(files.certificate, pki.server.certificate);
  await writeFile(files.key, pki.server.key, { mode: 0o600 });
  await writeFile(files.clientAuthority, pki.authority.certificate);
  await writeFile(files.users, `${user}:${hash}\n`, { mode: 0o600 });

  const { log, logged } = recordingLog();
  const shutdown = new AbortController();
  const users = await openUsers(files.users, log);
  onTestFinished(() => users[Symbol.dispose]());
  const handler = createRequestHandler({
    routes:
      typeof implementation === "function"
        ? implementation(log)
        : (router) => {
            router.service(ProcessService, implementation);
            router.service(DaemonService, { getInfo: () => ({ version: "test" }) });
          },
    shutdownSignal: shutdown.signal,
    log,
  });
  const authenticator = new Authenticator({ users: () => users.current, ...auth });
  const listener = await listenTcp({
    host: "127.0.0.1",
    port: 0,
    tls: files,
    authenticator,
    handler,
    log,
    graceMs: 500,
    ...options,
  });
  onTestFinished(() => listener.close());
  const port = Number(new URL(listener.address).port);
  return { directory, files, port, listener, shutdown, reloadUsers: () => users.reload(), logged };
}

export function basic(name = user, secret = password): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
}

/** What a client that is let in presents. */
export const tlsOptions = {
  ca: pki.authority.certificate,
  cert: pki.client.certificate,
  key: pki.client.key,
};

export const protocols = ["connect", "connect over HTTP/1.1", "grpc", "grpc-web"] as const;

export function transportTo(
  port: number,
  protocol: (typeof protocols)[number] = "connect",
  authorization: string | undefined = basic(),
  tls: typeof tlsOptions = tlsOptions,
): Transport {
  const baseUrl = `https://localhost:${port}`;
  const interceptors: Parameters<typeof createConnectTransport>[0]["interceptors"] = [
    (next) => (request) => {
      if (authorization !== undefined && authorization !== "") {
        request.header.set("authorization", authorization);
      }
      return next(request);
    },
  ];
  switch (protocol) {
    case "connect":
      return createConnectTransport({ httpVersion: "2", baseUrl, nodeOptions: tls, interceptors });
    case "connect over HTTP/1.1":
      return createConnectTransport({
        httpVersion: "1.1",
        baseUrl,
        nodeOptions: { ...tls, agent: false },
        interceptors,
      });
    case "grpc":
      return createGrpcTransport({ baseUrl, nodeOptions: tls, interceptors });
    case "grpc-web":
      return createGrpcWebTransport({ httpVersion: "2", baseUrl, nodeOptions: tls, interceptors });
  }
}

export function daemonClient(...args: Parameters<typeof transportTo>) {
  return createClient(DaemonService, transportTo(...args));
}

async function makePki() {
  const authority = await createAuthority({ name: "pm test authority", days: 100 });
  const otherAuthority = await createAuthority({ name: "another authority", days: 10 });
  const hosts = ["localhost", "127.0.0.1"];
  const past = { from: new Date(Date.now() - 20 * 86_400_000), days: 5 };
  const selfSigned = await selfSignedClient();
  return {
    authority,
    otherAuthority,
    server: await issueServerCertificate(authority, { name: "server", days: 90, hosts }),
    otherServer: await issueServerCertificate(authority, { name: "renewed server", days: 90, hosts }),
    expiredServer: await issueServerCertificate(authority, { name: "expired server", ...past, hosts }),
    misnamedServer: await issueServerCertificate(authority, { name: "x", days: 5, hosts: ["elsewhere.example"] }),
    client: await issueClientCertificate(authority, { name: "client", days: 5 }),
    refusedClients: {
      "a self-signed certificate": selfSigned,
      "a certificate of another authority": await issueClientCertificate(otherAuthority, { name: "client", days: 5 }),
      "an expired certificate": await issueClientCertificate(authority, { name: "client", ...past }),
      "a server's certificate": await issueServerCertificate(authority, { name: "server", days: 90, hosts }),
    } satisfies Record<string, CertificateAndKey>,
  };
}

async function selfSignedClient(): Promise<CertificateAndKey> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=self-signed",
      keys,
      signingAlgorithm: algorithm,
      extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag),
  };
}

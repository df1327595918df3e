/** A remote daemon: what goes wrong is told apart, and each failure says what to do. */

import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { type CertificateAndKey, issueClientCertificate } from "../../src/pki/certificates.ts";
import { type ConnectOptions, type PmError, ProcessManager } from "../../src/sdk/index.ts";
import { password, pki, type ServedTls, serveTls, tlsOptions, user } from "../listen/serve-tls.ts";

const credentials = { username: user, password };

async function connect(served: { port: number }, options: Partial<ConnectOptions> = {}): Promise<ProcessManager> {
  const address = `https://localhost:${served.port}`;
  const manager = await ProcessManager.connect({
    address,
    tls: tlsOptions,
    credentials,
    timeoutMs: 20_000,
    ...options,
  });
  onTestFinished(() => manager.close());
  return manager;
}

/** How a unary call and a stream fail: they must say the same. */
async function failure(manager: ProcessManager): Promise<PmError> {
  const unary = await manager.processes.get("some-process").then(
    () => undefined,
    (error: PmError) => error,
  );
  const stream = await firstFrame(manager).catch((error: PmError) => error);
  expect(unary).toMatchObject({ name: "PmError" });
  expect(stream).toMatchObject({ name: "PmError", reason: unary?.reason, message: unary?.message });
  return unary as PmError;
}

async function firstFrame(manager: ProcessManager): Promise<unknown> {
  for await (const frame of manager.processes.stream("some-process", { reconnect: false })) {
    return frame;
  }
  return undefined;
}

async function replaceServer({ files, listener }: ServedTls, pair: CertificateAndKey): Promise<void> {
  writeFileSync(files.certificate, pair.certificate);
  writeFileSync(files.key, pair.key);
  expect(await listener.reload()).toBe(true);
}

test("with certificate and password calls and streams go through", async () => {
  const served = await serveTls({
    listProcesses: () => ({ resourceVersion: "7" }),
    streamOutput: async function* () {
      yield { frame: { case: "opened", value: { processId: "p", run: 1, startOffset: 7n, output: {} } } };
    },
  });
  const manager = await connect(served);
  expect(await Array.fromAsync(manager.processes.list())).toEqual([]);
  expect(await firstFrame(manager)).toMatchObject({ type: "opened", startOffset: 7 });
});

describe("a certificate of the daemon", () => {
  it("that has expired", async () => {
    const served = await serveTls();
    await replaceServer(served, pki.expiredServer);
    expect(await failure(await connect(served))).toMatchObject({
      reason: "TLS_SERVER_UNTRUSTED",
      message: expect.stringContaining("has expired"),
      hint: expect.stringContaining("renew it"),
      metadata: { tls_code: "CERT_HAS_EXPIRED" },
    });
  });

  it("of an unknown authority", async () => {
    const served = await serveTls();
    const manager = await connect(served, { tls: { ...tlsOptions, ca: pki.otherAuthority.certificate } });
    expect(await failure(manager)).toMatchObject({
      reason: "TLS_SERVER_UNTRUSTED",
      message: expect.stringContaining("not issued by an authority that this client trusts"),
      hint: expect.stringContaining("PM_TLS_CA"),
    });
  });

  it("for another name", async () => {
    const served = await serveTls();
    await replaceServer(served, pki.misnamedServer);
    expect(await failure(await connect(served))).toMatchObject({
      reason: "TLS_SERVER_UNTRUSTED",
      message: expect.stringContaining("for another name (it is for elsewhere.example)"),
      hint: expect.stringContaining("one of its names"),
    });
  });

  it("that is a client's", async () => {
    const served = await serveTls();
    await replaceServer(served, pki.client);
    expect(await failure(await connect(served))).toMatchObject({
      reason: "TLS_SERVER_UNTRUSTED",
      message: expect.stringContaining("not for servers"),
    });
  });
});

describe("a client certificate", () => {
  it("that is missing", async () => {
    const served = await serveTls();
    const manager = await connect(served, { tls: { ca: tlsOptions.ca } });
    expect(await failure(manager)).toMatchObject({
      reason: "TLS_CLIENT_REJECTED",
      message: expect.stringContaining("wants a client certificate"),
      hint: expect.stringContaining("PM_TLS_CERT"),
    });
  });

  it("that has expired", async () => {
    const served = await serveTls();
    const { certificate: cert, key } = pki.refusedClients["an expired certificate"];
    const manager = await connect(served, { tls: { ca: tlsOptions.ca, cert, key } });
    expect(await failure(manager)).toMatchObject({
      reason: "TLS_CLIENT_REJECTED",
      message: expect.stringMatching(/the client's certificate expired on \d{4}-/),
    });
  });

  it("of another authority", async () => {
    const served = await serveTls();
    const { certificate: cert, key } = await issueClientCertificate(pki.otherAuthority, { name: "x", days: 1 });
    const manager = await connect(served, { tls: { ca: tlsOptions.ca, cert, key } });
    expect(await failure(manager)).toMatchObject({
      reason: "TLS_CLIENT_REJECTED",
      hint: expect.stringContaining("the daemon's client authority"),
    });
  });

  it("that cannot be read", async () => {
    const served = await serveTls();
    const manager = await connect(served, { tls: { ...tlsOptions, cert: "oops" } });
    expect(await failure(manager)).toMatchObject({ reason: "TLS_FAILED", hint: expect.stringContaining("PEM") });
  });
});

describe("the user", () => {
  it("whose password is wrong", async () => {
    const served = await serveTls();
    const manager = await connect(served, { credentials: { username: user, password: "guess" } });
    const error = await failure(manager);
    expect(error).toMatchObject({
      reason: "PERMISSION_DENIED",
      code: "permission_denied",
      message: expect.stringContaining("name or password is wrong"),
      hint: expect.stringContaining("pm user passwd"),
    });
    expect(`${error.message} ${error.hint} ${JSON.stringify(error)} ${error.stack}`).not.toContain("guess");
  });

  it("who is missing", async () => {
    const served = await serveTls();
    const { port } = served;
    const manager = await ProcessManager.connect({ address: `https://localhost:${port}`, tls: tlsOptions });
    onTestFinished(() => manager.close());
    expect(await failure(manager)).toMatchObject({
      reason: "UNAUTHENTICATED",
      hint: expect.stringContaining("PM_PASSWORD_FILE"),
    });
  });
});

describe("the host", () => {
  it("where nothing is listening", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(await connect({ port }))).toMatchObject({
      reason: "UNREACHABLE",
      message: expect.stringContaining("nothing is listening there"),
      hint: expect.stringContaining("listens on TCP"),
    });
  });

  it("that does not exist", async () => {
    const manager = await connect({ port: 1 }, { address: "https://nohost.invalid:1" });
    expect(await failure(manager)).toMatchObject({ reason: "UNREACHABLE" });
  });

  it("that speaks no TLS", async () => {
    const server = createServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await failure(await connect({ port }))).toMatchObject({ reason: "TLS_FAILED" });
  });
});

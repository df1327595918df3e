/** A remote daemon: the stock client over TLS, against the real TCP listener. */
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectOptions, ProcessManager } from "../../src/sdk/index.ts";
import { password, pki, serveTls, tlsOptions, user } from "../listen/serve-tls.ts";
import { exitedProcess, failure } from "./support/scripted-daemon.ts";

const time = { seconds: 1_700_000_000n };

async function connect(port: number, options: ConnectOptions = {}): Promise<ProcessManager> {
  const pm = await ProcessManager.connect({
    address: `https://localhost:${port}`,
    tls: tlsOptions,
    credentials: { username: user, password },
    ...options,
  });
  onTestFinished(() => pm.close());
  return pm;
}

test("calls, errors and streams are as over the socket", async () => {
  const { port } = await serveTls({
    listProcesses: ({ filter, pageToken }) => {
      expect(filter?.labelSelector).toBe("a=b");
      const id = pageToken === "" ? "one" : "two";
      return {
        processes: [exitedProcess(id, 0)],
        nextPageToken: pageToken === "" ? "next" : "",
        totalSize: 2,
      };
    },
    async *streamOutput() {
      yield { frame: { case: "opened", value: { processId: "one", run: 1 } } };
      yield { frame: { case: "chunk", value: { stream: 1, time, data: Buffer.from("secret") } } };
      yield { frame: { case: "end", value: { finalOffset: 6n, reason: 1 } } };
    },
  });
  const pm = await connect(port);
  expect(pm.address).toBe(`https://localhost:${port}`);
  const processes = await pm.processes.listAll({ filter: { selector: "a=b" } });
  expect(processes.map(({ id, state, run }) => [id, state, run?.exit?.code])).toEqual([
    ["one", "exited", 0],
    ["two", "exited", 0],
  ]);
  const [bytes] = await Array.fromAsync(pm.processes.stream("one").bytes());
  expect(Buffer.from(bytes ?? []).toString()).toBe("secret");
  expect(await failure(pm.processes.remove("one"))).toMatchObject({ reason: "UNKNOWN_METHOD", code: "unimplemented" });
});

test("credentials: wrong ones and none", async () => {
  const { port } = await serveTls();
  const wrong = await failure(
    (await connect(port, { credentials: { username: user, password: "guess" } })).daemon.info(),
  );
  expect(wrong).toMatchObject({ reason: "PERMISSION_DENIED", code: "permission_denied" });
  const { credentials: _, ...none } = { credentials: undefined, address: `https://localhost:${port}`, tls: tlsOptions };
  const pm = await ProcessManager.connect(none);
  onTestFinished(() => pm.close());
  expect(await failure(pm.daemon.info())).toMatchObject({ reason: "UNAUTHENTICATED", code: "unauthenticated" });
  expect((await failure(Array.fromAsync(pm.processes.watch()))).reason).toBe("UNAUTHENTICATED");
});

test("a server that is not ours", async () => {
  const { port } = await serveTls();
  const foreign = { ...tlsOptions, ca: pki.otherAuthority.certificate };
  expect((await failure((await connect(port, { tls: foreign })).daemon.info())).reason).toBe("TLS_SERVER_UNTRUSTED");

  for (const certificate of [pki.misnamedServer, pki.expiredServer]) {
    const server = createTlsServer({ cert: certificate.certificate, key: certificate.key, ALPNProtocols: ["h2"] });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port: there } = server.address() as { port: number };
    expect((await failure((await connect(there)).daemon.info())).reason).toBe("TLS_SERVER_UNTRUSTED");
  }
});

test("a client certificate that is missing or refused", async () => {
  const { port } = await serveTls();
  const missing = await connect(port, { tls: { ca: tlsOptions.ca } });
  expect((await failure(missing.daemon.info())).reason).toBe("TLS_CLIENT_REJECTED");
  expect((await failure(Array.fromAsync(missing.processes.stream("x")))).reason).toBe("TLS_CLIENT_REJECTED");
  for (const { certificate, key } of Object.values(pki.refusedClients)) {
    const pm = await connect(port, { tls: { ca: tlsOptions.ca, cert: certificate, key } });
    expect((await failure(pm.daemon.info())).reason).toBe("TLS_CLIENT_REJECTED");
  }
});

test("a server without TLS, with an old TLS, or without anybody", async () => {
  const plain = createServer((socket) =>
    socket
      .on("error", () => {})
      .resume()
      .end("hello"),
  );
  const old = createTlsServer({
    cert: pki.server.certificate,
    key: pki.server.key,
    maxVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
  });
  old.on("tlsClientError", () => {});
  for (const server of [plain, old]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    expect((await failure((await connect(port)).daemon.info())).reason).toBe("TLS_FAILED");
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const gone = await failure((await connect(port)).daemon.info());
    expect(gone).toMatchObject({ reason: "UNREACHABLE", code: "unavailable" });
  }
});

test("time limit and abort", async () => {
  const { port } = await serveTls({ getProcess: () => new Promise(() => {}) });
  const pm = await connect(port);
  expect((await failure(pm.processes.get("x", { timeoutMs: 300 }))).reason).toBe("TIMEOUT");
  const signal = AbortSignal.timeout(100);
  expect((await failure(pm.processes.get("x", { signal }))).reason).toBe("ABORTED");
});

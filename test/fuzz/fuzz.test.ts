/**
 * Whatever is sent to either listener leaves the daemon alive and serving, of
 * bounded memory, and without a failure that nobody foresaw. A fixed seed and
 * few cases here; `node scripts/fuzz.ts` does the long run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { basic, pki, tlsOptions } from "../listen/serve-tls.ts";
import { startDaemon, type TestDaemon, tcpPort } from "../support/daemon.ts";
import { casesOf, type FuzzCase } from "./cases.ts";

const cases = Number(process.env["PM_FUZZ_CASES"] ?? 3000);
const seed = Number(process.env["PM_FUZZ_SEED"] ?? 20_260_101);
const concurrency = 48;
/** How long a response to bytes is waited for: most get none. */
const patienceMs = 15;
/** How long any request may take that the daemon does not mean to keep open. */
const answerMs = 2000;
const maxRssBytes = 700 * 1024 * 1024;

interface Target {
  readonly name: string;
  readonly open: () => Socket;
  readonly session: () => ClientHttp2Session;
}

async function setUp(): Promise<{ daemon: TestDaemon; targets: readonly Target[] }> {
  const directory = mkdtempSync(join(tmpdir(), "pm-fuzz-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 });
  write("server.crt", pki.server.certificate);
  write("server.key", pki.server.key);
  write("ca.crt", pki.authority.certificate);
  write("users", `ann:${await hashPassword("one", { ln: 10, r: 8, p: 1 })}\n`);
  const files = "certificate: server.crt, key: server.key, clientAuthority: ca.crt, users: users";
  write("daemon.yaml", `tcp: { listen: "127.0.0.1:0", ${files} }\n`);
  const daemon = await startDaemon({ args: ["--config", join(directory, "daemon.yaml"), "--log-level", "info"] });
  const port = await tcpPort(daemon);
  const tls = (ALPNProtocols: string[]) => connectTls({ host: "localhost", port, ...tlsOptions, ALPNProtocols });
  let opened = 0;
  return {
    daemon,
    targets: [
      {
        name: "unix",
        open: () => connectTcp(daemon.socketPath),
        session: () => connectHttp2("http://localhost", { createConnection: () => connectTcp(daemon.socketPath) }),
      },
      {
        name: "tls",
        // In turn: HTTP/1.1, HTTP/2, and the bytes instead of a TLS handshake.
        open: () => (opened++ % 3 === 0 ? connectTcp(port, "127.0.0.1") : tls([opened % 3 === 1 ? "h2" : "http/1.1"])),
        session: () => connectHttp2(`https://localhost:${port}`, tlsOptions),
      },
    ],
  };
}

/** Sends one case and takes what comes back. */
class Sender {
  readonly #target: Target;
  #session: ClientHttp2Session | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  async send(fuzzed: FuzzCase): Promise<void> {
    return fuzzed.kind === "bytes" ? this.#sendBytes(fuzzed.writes) : this.#sendRequest(fuzzed);
  }

  close(): void {
    this.#session?.destroy();
  }

  #sendBytes(writes: readonly Uint8Array[]): Promise<void> {
    const socket = this.#target.open();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        socket.destroy();
        resolve();
      };
      const timer = setTimeout(done, answerMs);
      socket.once("data", done);
      socket.once("close", done);
      socket.on("error", () => {});
      socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
        for (const bytes of writes) {
          socket.write(bytes);
        }
        setTimeout(done, patienceMs);
      });
    });
  }

  #sendRequest(fuzzed: Extract<FuzzCase, { kind: "request" }>): Promise<void> {
    let session = this.#session;
    if (session === undefined || session.closed || session.destroyed) {
      session = this.#target.session();
      session.on("error", () => {});
      this.#session = session;
    }
    const stream = session.request({
      ":method": fuzzed.path.includes("?") ? "GET" : "POST",
      ":path": fuzzed.path,
      ...fuzzed.headers,
      authorization: fuzzed.authorized ? basic("ann", "one") : basic("ann", "two"),
    });
    return new Promise((resolve) => {
      // Watches and waits are meant to stay open.
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 100);
      const last = setTimeout(() => session.destroy(), answerMs);
      stream.on("error", () => {});
      stream.once("close", () => {
        clearTimeout(timer);
        clearTimeout(last);
        resolve();
      });
      stream.resume();
      stream.end(fuzzed.body);
      if (fuzzed.reset) {
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

test(`${cases} cases of seed ${seed} leave the daemon alive and serving`, {
  timeout: 60_000 + cases * 20,
}, async () => {
  const { daemon, targets } = await setUp();
  const { pid } = daemon;
  const all = casesOf(seed, cases);
  let sent = 0;
  let peak = 0;
  const worker = async (index: number) => {
    const target = targets[index % targets.length] as Target;
    const sender = new Sender(target);
    try {
      for (const fuzzed of all) {
        await sender.send(fuzzed);
        if (++sent % 1000 === 0) {
          await daemon.daemon.getInfo({}, { timeoutMs: 20_000 });
          peak = Math.max(peak, residentBytes(pid));
        }
      }
    } finally {
      sender.close();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => worker(index)));

  expect(sent).toBe(cases);
  expect((await daemon.daemon.getInfo({}, { timeoutMs: 20_000 })).pid).toBe(pid);
  const unforeseen = /"level":60|a call failed unexpectedly|failure was not handled|could not respond|Warning/;
  expect(daemon.log.split("\n").filter((line) => unforeseen.test(line))).toEqual([]);
  expect(peak).toBeLessThan(maxRssBytes);
  console.log(`fuzz: ${sent} cases of seed ${seed}; the daemon's peak was ${Math.round(peak / 2 ** 20)} MiB`);
});

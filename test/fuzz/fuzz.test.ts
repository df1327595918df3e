/**
 * Whatever is sent to either listener leaves the daemon alive and serving, of
 * bounded memory, and without a failure that nobody foresaw. A fixed seed and
 * few cases here; `node scripts/fuzz.ts` does the long run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { pki, tlsOptions } from "../listen/serve-tls.ts";
import { startDaemon, type TestDaemon, tcpPort } from "../support/daemon.ts";
import { casesOf } from "./cases.ts";
import { sendAll, type Target } from "./sender.ts";

const cases = Number(process.env["PM_FUZZ_CASES"] ?? 3000);
const seed = Number(process.env["PM_FUZZ_SEED"] ?? 20_260_101);
const concurrency = 48;
const maxRssBytes = 700 * 1024 * 1024;

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

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

test(`${cases} cases of seed ${seed} leave the daemon alive and serving`, {
  timeout: 60_000 + cases * 20,
}, async () => {
  const { daemon, targets } = await setUp();
  const { pid } = daemon;
  let peak = 0;
  const sent = await sendAll(targets, casesOf(seed, cases), {
    concurrency,
    async everyThousand() {
      await daemon.daemon.getInfo({}, { timeoutMs: 20_000 });
      peak = Math.max(peak, residentBytes(pid));
    },
  });

  expect(sent).toBe(cases);
  expect((await daemon.daemon.getInfo({}, { timeoutMs: 20_000 })).pid).toBe(pid);
  const unforeseen = /"level":60|a call failed unexpectedly|failure was not handled|could not respond|Warning/;
  expect(daemon.log.split("\n").filter((line) => unforeseen.test(line))).toEqual([]);
  expect(peak).toBeLessThan(maxRssBytes);
  console.log(`fuzz: ${sent} cases of seed ${seed}; the daemon's peak was ${Math.round(peak / 2 ** 20)} MiB`);
});

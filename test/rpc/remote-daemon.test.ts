/** The real daemon with a remote listener: from a configuration file to a call, and SIGHUP. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { basic, daemonClient, pki } from "../listen/serve-tls.ts";
import { DaemonFailedError, startDaemon, tcpPort } from "../support/daemon.ts";

const program = join(import.meta.dirname, "../../src/server/main.ts");
const cheap = { ln: 10, r: 8, p: 1 };

async function configured(listen = "127.0.0.1:0") {
  const directory = mkdtempSync(join(tmpdir(), "pm-remote-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 });
  write("server.crt", pki.server.certificate);
  write("server.key", pki.server.key);
  write("ca.crt", pki.authority.certificate);
  write("users", `ann:${await hashPassword("one", cheap)}\n`);
  const files = "  certificate: server.crt\n  key: server.key\n  clientAuthority: ca.crt\n  users: users\n";
  write("daemon.yaml", `tcp:\n  listen: "${listen}"\n${files}`);
  return { directory, write, config: join(directory, "daemon.yaml") };
}

describe("a daemon with a configuration file", () => {
  it("serves the same processes on both listeners, and takes new users at SIGHUP", async () => {
    const { config, write } = await configured();
    const daemon = await startDaemon({ args: ["--config", config] });
    const port = await tcpPort(daemon);
    const remote = daemonClient(port, "connect", basic("ann", "one"));
    const here = await daemon.daemon.getInfo({});
    expect((await remote.getInfo({})).instanceId).toBe(here.instanceId);

    write("users", `ann:${await hashPassword("two", cheap)}\n`);
    daemon.signal("SIGHUP");
    await expect.poll(() => daemon.log, { timeout: 30_000 }).toContain("users reloaded");
    await expect(remote.getInfo({})).rejects.toMatchObject({ code: Code.PermissionDenied });
    const renewed = daemonClient(port, "connect", basic("ann", "two"));
    expect((await renewed.getInfo({})).instanceId).toBe(here.instanceId);

    write("users", "ann\n");
    daemon.signal("SIGHUP");
    await expect.poll(() => daemon.log, { timeout: 30_000 }).toContain("users:1: expected name:hash");
    expect((await renewed.getInfo({})).instanceId).toBe(here.instanceId);
    expect(daemon.log).not.toContain("$scrypt");
  });

  it("refuses to start when it cannot listen, with what to do", async () => {
    const { config } = await configured();
    const first = await startDaemon({ args: ["--config", config] });
    const port = await tcpPort(first);
    const failure = await startDaemon({ args: ["--config", config, "--listen", `127.0.0.1:${port}`] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DaemonFailedError);
    expect((failure as DaemonFailedError).readiness).toContain("another program listens there");
    expect((failure as DaemonFailedError).readiness).toContain("--listen");
  });

  it("refuses a key that others can read, and a file with a mistake", async () => {
    const { config, directory, write } = await configured();
    writeFileSync(join(directory, "other.key"), pki.server.key, { mode: 0o644 });
    const key = await startDaemon({ args: ["--config", config, "--tls-key", join(directory, "other.key")] }).catch(
      (error: unknown) => error,
    );
    expect((key as DaemonFailedError).readiness).toContain("chmod 600");
    write("daemon.yaml", "tcp:\n  lisen: x\n");
    const file = await startDaemon({ args: ["--config", config] }).catch((error: unknown) => error);
    expect((file as DaemonFailedError).readiness).toContain("daemon.yaml:2: there is no setting tcp.lisen");
    expect((file as DaemonFailedError).exit.code).toBe(2);
  });
});

describe("--check", () => {
  const check = (config: string) =>
    promisify(execFile)(process.execPath, [program, "--check", "--config", config]).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );

  it("says what a good configuration comes to, and starts nothing", async () => {
    const { config } = await configured("localhost");
    const { code, stdout, stderr } = await check(config);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain("TCP: localhost:7443");
    expect(stdout).toContain("server certificate: server, for localhost, 127.0.0.1, until ");
    expect(stdout).toContain("users: 1");
    expect(stderr).toBe("");
  });

  it("names every file that cannot be used", async () => {
    const { config, write } = await configured();
    write("server.key", pki.client.key);
    write("users", "x\n");
    const { code, stderr } = await check(config);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*server\.key: not the key of the certificate/);
    expect(stderr).toMatch(/error: .*users:1: /);
  });
});

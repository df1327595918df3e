import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DaemonConfig, readInvocation, UsageError } from "../../../../src/server/config/daemon-config.ts";
import { parseHostAndPort } from "../../../../src/server/config/host-and-port.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pm-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const tcp =
  "tcp:\n  listen: box.example:1234\n  certificate: tls/s.crt\n  key: /k\n  clientAuthority: ca\n  users: u\n";

function file(text: string): string {
  const path = join(directory, "daemon.yaml");
  writeFileSync(path, text);
  return path;
}

async function config(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<DaemonConfig> {
  const asked = await readInvocation(args, { PM_RUNTIME_DIR: "/run/x", XDG_CONFIG_HOME: directory, ...env });
  if (asked.kind !== "run") {
    throw new Error(asked.kind);
  }
  return asked.config;
}

describe("the daemon's configuration", () => {
  it("needs nothing", async () => {
    expect(await config([])).toEqual({
      runtimeDirectory: "/run/x",
      stateDirectory: "/run/x/state",
      socketPath: "/run/x/pm.sock",
      logLevel: "info",
      retention: { count: 1000, ageMs: 7 * 86_400_000 },
    });
  });

  it("is a file's, with paths relative to it", async () => {
    const path = file(`${tcp}output: { defaultLimit: 2MiB }\nretention: { count: 5, age: 1h }\n`);
    expect(await config(["--config", path])).toMatchObject({
      file: path,
      defaultOutputLimitBytes: 2 * 2 ** 20,
      retention: { count: 5, ageMs: 3_600_000 },
      tcp: {
        host: "box.example",
        port: 1234,
        certificate: join(directory, "tls/s.crt"),
        key: "/k",
        clientAuthority: join(directory, "ca"),
        users: join(directory, "u"),
      },
    });
    expect(await config([], { PM_CONFIG: path })).toMatchObject({ file: path });
  });

  it("takes flags before variables before the file", async () => {
    const path = file(`${tcp}log:\n  level: warn\n`);
    expect((await config(["--config", path])).logLevel).toBe("warn");
    expect((await config(["--config", path], { PM_LOG_LEVEL: "debug" })).logLevel).toBe("debug");
    const flags = ["--config", path, "--log-level", "error", "--listen", "[::1]:9", "--tls-key", "k2"];
    const { logLevel, tcp: remote } = await config(flags, { PM_LOG_LEVEL: "debug", PM_LISTEN: "other:8" });
    expect([logLevel, remote?.host, remote?.port, remote?.key]).toEqual(["error", "::1", 9, join(process.cwd(), "k2")]);
    expect((await config(["--config", path], { PM_LISTEN: "other:8" })).tcp?.host).toBe("other");
    expect((await config(["--config", path, "--listen", "off"])).tcp).toBeUndefined();
  });

  it.each([
    [
      "log:\n  level: loud\n",
      ':2: log.level: must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
    ],
    ["retention:\n  count: many\n", ':2: retention.count: must be a number, not "many"'],
    ["retention:\n  age: 7 days\n", ":2: retention.age: must be a duration such as 10 (seconds), 500ms, 10m or 1h30m"],
    ["output:\n  defaultLimit: 100\n", ":2: output.defaultLimit: must be a size of at least 4096 bytes"],
    [
      "output:\n  maxLimit: -1\n",
      ":2: output.maxLimit: must be a size of at least 4096 bytes, such as 4096, 64KiB, 200MB or 1GiB",
    ],
    [
      "output:\n  defaultLimit: 2M\n  maxLimit: 1M\n",
      ":3: output.maxLimit: must not be below the default output limit",
    ],
    ["tcp:\n  listen: a b\n", ":2: tcp.listen: must be HOST, HOST:PORT or [IPV6]:PORT"],
    ["tcp:\n  listen: localhost\n", ":2: tcp.listen: needs tcp.certificate too (--tls-cert)"],
    ["tpc:\n  listen: localhost\n", ":1: there is no setting tpc"],
  ])("names the line of the mistake in %j", async (text, what) => {
    const path = file(text);
    await expect(config(["--config", path])).rejects.toThrow(UsageError);
    await expect(config(["--config", path])).rejects.toThrow(`${path}${what}`);
  });

  it("names a wrong flag or variable, and a file that is not there", async () => {
    await expect(config(["--retention-age", "x"])).rejects.toThrow("--retention-age: must be a duration");
    await expect(config([], { PM_LOG_LEVEL: "x" })).rejects.toThrow("PM_LOG_LEVEL: must be one of");
    await expect(config(["--config", join(directory, "none")])).rejects.toThrow("no such configuration file");
    await expect(config(["--confg", "x"])).rejects.toThrow(UsageError);
  });
});

it.each([
  ["localhost", { host: "localhost", port: 7443 }],
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["::1", { host: "::1", port: 7443 }],
  ["[::1]:80", { host: "::1", port: 80 }],
  ["box.example:65535", { host: "box.example", port: 65_535 }],
  ["box:65536", undefined],
  [":80", undefined],
  ["[x]:80", undefined],
  ["https://box", undefined],
  ["-x", undefined],
  ["", undefined],
])("a place to listen: %j", (text, expected) => {
  expect(parseHostAndPort(text, 7443)).toEqual(expected);
});

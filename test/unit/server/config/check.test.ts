import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createAuthority, issueServerCertificate } from "../../../../src/pki/certificates.ts";
import { checkConfig } from "../../../../src/server/config/check.ts";
import { readInvocation } from "../../../../src/server/config/daemon-config.ts";

async function configured(days: number) {
  const directory = mkdtempSync(join(tmpdir(), "pm-check-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const tls = join(directory, "tls");
  mkdirSync(tls, { mode: 0o755 });
  const authority = await createAuthority({ name: "ca", days });
  const server = await issueServerCertificate(authority, { name: "s", days, hosts: ["localhost"] });
  const files = {
    config: join(directory, "daemon.yaml"),
    authority: join(tls, "ca.crt"),
    certificate: join(tls, "s.crt"),
    key: join(tls, "s.key"),
    users: join(directory, "users"),
    tls,
  };
  writeFileSync(files.authority, authority.certificate, { mode: 0o644 });
  writeFileSync(files.certificate, server.certificate, { mode: 0o644 });
  writeFileSync(files.key, server.key, { mode: 0o600 });
  writeFileSync(files.users, "# none\n", { mode: 0o600 });
  const tcp = `listen: "localhost:0", certificate: tls/s.crt, key: tls/s.key, clientAuthority: tls/ca.crt, users: users`;
  writeFileSync(files.config, `tcp: { ${tcp} }\n`, { mode: 0o644 });
  const read = async () => {
    const asked = await readInvocation(["--check", "--config", files.config], { HOME: directory });
    if (asked.kind !== "check") {
      throw new Error("no check");
    }
    return checkConfig(asked.config);
  };
  return { files, read };
}

it("finds nothing wrong with modes that are right", async () => {
  const { read } = await configured(100);
  expect(await read()).toMatchObject({ problems: [], warnings: [expect.stringContaining("no users")] });
});

it.each([
  ["authority", 0o666],
  ["certificate", 0o664],
  ["tls", 0o777],
] as const)("says of %s that others can change it", async (name, mode) => {
  const { files, read } = await configured(100);
  chmodSync(files[name], mode);
  const text = `${files[name]}: mode 0${mode.toString(8)} lets others change it`;
  expect((await read()).problems).toEqual([expect.stringContaining(text)]);
});

it("refuses a configuration file that others can change", async () => {
  const { files, read } = await configured(100);
  chmodSync(files.config, 0o666);
  await expect(read()).rejects.toThrow(`${files.config}: mode 0666 lets others change it`);
});

it("warns of certificates that expire within 30 days", async () => {
  const { files, read } = await configured(20);
  const { warnings } = await read();
  expect(warnings).toEqual(
    expect.arrayContaining([
      expect.stringContaining(`${files.certificate}: expires on `),
      expect.stringContaining(`${files.authority}: ca: expires on `),
    ]),
  );
});

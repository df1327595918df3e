/** From `pm init` to a remote daemon, with the built `pm`. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { freePort } from "../support/free-port.ts";
import { limitMs, type Pm, test } from "./support/pm.ts";

/** `pm` with a configuration directory of its own, inside the directory that the test removes. */
function configured(pm: Pm) {
  const directory = join(pm.runtimeDir, "config");
  const env = { XDG_CONFIG_HOME: directory };
  return { pmDirectory: join(directory, "pm"), env, options: { env } };
}

describe("pm init", () => {
  test("leads to a remote daemon in two commands", async ({ pm }) => {
    const { env, options, pmDirectory } = configured(pm);
    const port = await freePort();
    const made = await pm(["init", "--listen", `127.0.0.1:${port}`, "--user", "ann", "--san", "box.example"], options);
    expect(made).toMatchObject({ code: 0 });
    expect(made.err).toContain("box.example");

    await pm.ok(["daemon", "start"], options);
    expect(await pm.ok(["--context", "dev", "ls", "-q"], options)).toBe("");
    const id = await pm.ok(["--context", "dev", "start", "--", "sh", "-c", "echo out; echo err >&2; exit 7"], options);
    expect((await pm(["--context", "dev", "wait", id], options)).code).toBe(7);
    const { out } = await pm(["--context", "dev", "logs", "-f", id], options);
    expect(out.split("\n").sort()).toEqual(["", "err", "out"]);
    expect((await pm(["--context", "dev", "start", "--", "/no/such"], options)).err).toContain(
      "No such file or directory",
    );
    expect((await pm(["--context", "dev", "status", "nothing"], options)).code).toBe(3);

    // PM_CONTEXT and the current context do the same.
    const viaVariable = { env: { ...env, PM_CONTEXT: "dev" } };
    expect(await pm.ok(["daemon", "status"], viaVariable)).toContain(`https://localhost:${port}`);
    await pm.ok(["context", "use", "dev"], options);
    expect(await pm.ok(["daemon", "status"], options)).toContain(`https://localhost:${port}`);
    expect(await pm.ok(["context", "ls"], options)).toMatch(/^\* +dev +https/m);
    await pm.ok(["context", "use", "default"], options);

    // Without a context: the same by variables.
    const byVariables = {
      env: {
        ...env,
        PM_HOST: `https://localhost:${port}`,
        PM_TLS_CA: join(pmDirectory, "tls/ca.crt"),
        PM_TLS_CERT: join(pmDirectory, "tls/client.crt"),
        PM_TLS_KEY: join(pmDirectory, "tls/client.key"),
        PM_USER: "ann",
        PM_PASSWORD_FILE: join(pmDirectory, "dev.password"),
      },
    };
    expect(await pm.ok(["ls", "-aq"], byVariables)).toContain(id.slice(0, 8));

    // A new password is in force at once; the old one is refused, and the hint says what to do.
    await pm.ok(["user", "passwd", "ann"], { ...options, input: "new password\n" });
    await expect
      .poll(async () => (await pm(["--context", "dev", "ls"], options)).err, { timeout: limitMs })
      .toContain("name or password is wrong");
    const refused = await pm(["--context", "dev", "ls"], options);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("hint: ");
    await pm.ok(
      [
        "context",
        "add",
        "two",
        "--address",
        `https://localhost:${port}`,
        "--user",
        "ann",
        "--ca",
        join(pmDirectory, "tls/ca.crt"),
        "--cert",
        join(pmDirectory, "tls/client.crt"),
        "--key",
        join(pmDirectory, "tls/client.key"),
      ],
      { ...options, input: "new password\n" },
    );
    expect(await pm.ok(["--context", "two", "ls", "-aq"], options)).toContain(id.slice(0, 8));

    // Errors that are told apart, with exit code 4.
    const wrongName = { env: { ...byVariables.env, PM_HOST: `https://127.0.0.1.nip.invalid:${port}` } };
    expect(await pm(["ls"], wrongName)).toMatchObject({ code: 4, err: expect.stringContaining("no such host") });
    const noCertificate = { env: { ...byVariables.env, PM_TLS_CERT: "", PM_TLS_KEY: "" } };
    expect(await pm(["ls"], noCertificate)).toMatchObject({
      code: 4,
      err: expect.stringContaining("wants a client certificate"),
    });
    const nobody = { env: { ...byVariables.env, PM_HOST: `https://localhost:${await freePort()}` } };
    expect(await pm(["ls"], nobody)).toMatchObject({
      code: 4,
      err: expect.stringContaining("nothing is listening there"),
    });
  });

  test("keeps secrets to their owner, and overwrites nothing", async ({ pm }) => {
    const { options, pmDirectory } = configured(pm);
    const { out, err } = await pm(["init"], options);
    const files = out.trim().split("\n");
    expect(files).toHaveLength(10);
    for (const file of files) {
      expect(statSync(file).mode & 0o777).toBe(/\.crt$/.test(file) ? 0o644 : 0o600);
    }
    expect(statSync(pmDirectory).mode & 0o777).toBe(0o700);
    const password = readFileSync(join(pmDirectory, "dev.password"), "utf8").trim();
    expect(password).toMatch(/^[\w-]{32}$/);
    expect(`${out}${err}${readFileSync(join(pmDirectory, "contexts.json"), "utf8")}`).not.toContain(password);

    const before = files.map((file) => readFileSync(file, "utf8"));
    const again = await pm(["init"], options);
    expect(again.code).toBe(5);
    expect(again.err).toContain("ca.key");
    expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(before);
    expect(readdirSync(pmDirectory).filter((name) => /tmp|lock/.test(name))).toEqual([]);
  });
});

describe("users", () => {
  test("come and go, with passwords from standard input only", async ({ pm }) => {
    const { options, pmDirectory } = configured(pm);
    const users = join(pmDirectory, "users");
    const stdin = (input: string) => ({ ...options, input });
    await pm.ok(["user", "add", "ann"], stdin("one\n"));
    await pm.ok(["user", "add", "bob"], stdin("two"));
    expect(await pm.ok(["user", "ls"], options)).toBe("ann\nbob");
    expect(statSync(users).mode & 0o777).toBe(0o600);
    expect(readFileSync(users, "utf8")).toMatch(/^ann:\$scrypt\$ln=15,r=8,p=3\$[^\n]+\nbob:\$scrypt\$[^\n]+\n$/);
    expect(await pm(["user", "add", "ann"], stdin("x\n"))).toMatchObject({ code: 5 });
    expect(await pm(["user", "passwd", "cy"], stdin("x\n"))).toMatchObject({ code: 3 });
    expect(await pm(["user", "add", "a:b"], stdin("x\n"))).toMatchObject({ code: 2 });
    expect(await pm(["user", "add", "dan"], stdin("\n"))).toMatchObject({ code: 2 });
    expect(await pm(["user", "add", "dan"], stdin("tab\there\n"))).toMatchObject({ code: 2 });
    expect((await pm(["user", "add", "dan", "secret"], stdin("x\n"))).code).toBe(2);
    await pm.ok(["user", "rm", "ann"], options);
    expect(await pm(["user", "rm", "ann"], options)).toMatchObject({ code: 3 });
    expect(await pm.ok(["user", "ls"], options)).toBe("bob");
  });

  test("in a file that others can read are not touched", async ({ pm }) => {
    const { options, pmDirectory } = configured(pm);
    await pm.ok(["user", "add", "ann"], { ...options, input: "one\n" });
    chmodSync(join(pmDirectory, "users"), 0o644);
    const { code, err } = await pm(["user", "rm", "ann"], options);
    expect(code).toBe(1);
    expect(err).toContain("chmod 600");
  });
});

describe("contexts", () => {
  test("come and go, and take their passwords along", async ({ pm }) => {
    const { options, pmDirectory } = configured(pm);
    const add = (...args: string[]) => pm(["context", "add", ...args], { ...options, input: "hush\n" });
    expect(await add("a", "--address", "https://box.example:1", "--user", "ann", "--use")).toMatchObject({ code: 0 });
    expect(await add("b", "--address", "unix:///run/other.sock")).toMatchObject({ code: 0 });
    expect(await add("a", "--address", "unix:///x")).toMatchObject({ code: 5 });
    expect(await add("default", "--address", "unix:///x")).toMatchObject({ code: 2 });
    expect(await add("c", "--address", "http://box.example")).toMatchObject({ code: 2 });
    expect(await add("c")).toMatchObject({ code: 2 });
    expect(JSON.parse(await pm.ok(["context", "ls", "-o", "json"], options))).toEqual([
      expect.objectContaining({ name: "default", current: false }),
      { name: "a", address: "https://box.example:1", user: "ann", current: true },
      { name: "b", address: "unix:///run/other.sock", user: "", current: false },
    ]);
    expect(readFileSync(join(pmDirectory, "a.password"), "utf8")).toBe("hush\n");
    expect(readFileSync(join(pmDirectory, "contexts.json"), "utf8")).not.toContain("hush");
    await pm.ok(["context", "rm", "a"], options);
    expect(existsSync(join(pmDirectory, "a.password"))).toBe(false);
    expect(await pm.ok(["context", "ls", "-o", "name"], options)).toBe("default\nb");
    expect(await pm(["context", "use", "a"], options)).toMatchObject({ code: 3 });
    expect(await pm(["--context", "a", "ls"], options)).toMatchObject({ code: 2 });
    expect(await pm(["--context", "b", "--host", "unix:///x", "ls"], options)).toMatchObject({ code: 2 });
  });
});

describe("pm cert and pm daemon check", () => {
  test("show what there is, and what is wrong with it", async ({ pm }) => {
    const { options, pmDirectory } = configured(pm);
    expect(await pm(["cert"], options)).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringContaining("there are no certificates"),
    });
    await pm.ok(["init"], options);
    const table = await pm.ok(["cert"], options);
    expect(table).toMatch(/daemon: server .* localhost,127\.0\.0\.1.* \(396 days\)/);
    expect(table).toMatch(/context dev: client .* client /);
    const listed = JSON.parse(await pm.ok(["cert", "-o", "json", join(pmDirectory, "tls/ca.crt")], options));
    expect(listed).toMatchObject([{ certificate: { authority: true } }]);
    expect(await pm(["cert", join(pmDirectory, "users")], options)).toMatchObject({ code: 1 });

    expect(await pm.ok(["daemon", "check"], options)).toContain("TCP: 127.0.0.1:7443");
    writeFileSync(join(pmDirectory, "daemon.yaml"), "tcp:\n  listen: here\n  portt: 1\n");
    expect(await pm(["daemon", "check"], options)).toMatchObject({
      code: 2,
      err: expect.stringContaining("daemon.yaml:3: there is no setting tcp.portt"),
    });
    expect(await pm(["daemon", "check", "--config", "/none"], options)).toMatchObject({ code: 2 });
  });
});

/** What a process takes over from whoever started it. */
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { limitMs, type Pm, test } from "./support/pm.ts";

/** A node that fails: what succeeds with it was hosted. */
const noNode = { PM_NODE: "/no/such/node" };
const notHosted = { PM_NO_HOST: "1" };

async function hosting(pm: Pm): Promise<void> {
  await pm.ok(["daemon", "start"]);
  await vi.waitFor(async () => expect(await pm(["help"], { env: noNode })).toMatchObject({ code: 0 }), {
    timeout: limitMs,
  });
}

/** Starts it by a script that prints its id, and answers what the process wrote; hosted and not. */
async function outputs(pm: Pm, script: string, cwd?: string): Promise<Buffer[]> {
  const written: Buffer[] = [];
  for (const env of [{}, notHosted]) {
    const { out, err, code } = await pm.shell(script, { env, ...(cwd !== undefined && { cwd }) });
    expect({ code, err }, script).toEqual({ code: 0, err: "" });
    await pm.ok(["wait", "--for", "output", out.trim()]);
    written.push((await pm(["logs", out.trim()])).stdout);
  }
  return written;
}

describe.concurrent("the caller's", () => {
  test("C3 arguments, environment and directory are passed on as bytes", async ({ pm }) => {
    await hosting(pm);
    const directory = Buffer.from(join(realpathSync(pm.runtimeDir), "caf\xe9"), "latin1");
    mkdirSync(directory);
    const bytes = Buffer.from("caf\xe9", "latin1");
    const cases: readonly (readonly [script: string, expected: Buffer])[] = [
      ["pm start -- printf %s \"$(printf 'caf\\351')\"", bytes],
      ["V=$(printf 'caf\\351') pm start -- sh -c 'printf %s \"$V\"'", bytes],
      ["pm start -e \"V=$(printf 'caf\\351')\" -- sh -c 'printf %s \"$V\"'", bytes],
      ["V=$(printf 'caf\\351') pm start --clean-env -e V -- sh -c 'printf %s \"$V\"'", bytes],
      ["cd caf* && pm start -- sh -c 'printf %s \"$(pwd -P)\"'", directory],
      ["pm start -C \"$(printf 'caf\\351')\" -- sh -c 'printf %s \"$(pwd -P)\"'", directory],
      ["pm start -C \"$(printf 'caf\\351')\" -- printenv PWD", Buffer.concat([directory, Buffer.from("\n")])],
    ];
    for (const [script, expected] of cases) {
      for (const written of await outputs(pm, script, pm.runtimeDir)) {
        expect(written.toString("latin1"), script).toBe(expected.toString("latin1"));
      }
    }
  });

  test("C3 an environment file may hold bytes, and lines that a shell exports", async ({ pm }) => {
    const file = join(pm.runtimeDir, "variables");
    writeFileSync(file, Buffer.from("export A=1\n  B=caf\xe9\r\n# C=3\n\n", "latin1"));
    const { stdout } = await pm(["run", "--env-file", file, "--", "sh", "-c", 'printf "%s|%s|%s" "$A" "$B" "$C"']);
    expect(stdout.toString("latin1")).toBe("1|caf\xe9|");
    writeFileSync(file, "A B=1\n");
    expect(await pm(["start", "--env-file", file, "true"])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`line 1 of "${file}": "A B" cannot be the name of a variable`),
    });
  });

  test("C4 umask, priority and resource limits are the process's, whoever started the daemon", async ({ pm }) => {
    await pm.shell("umask 000; ulimit -f 100; pm daemon start");
    await hosting(pm);
    const show = `sh -c 'umask; nice; ulimit -f; ulimit -Sn; ulimit -Sc'`;
    for (const written of await outputs(pm, `umask 027; ulimit -Sn 300; ulimit -Sc 0; nice -n 3 pm start -- ${show}`)) {
      expect(written.toString().split("\n").slice(0, 2)).toEqual(["0027", String(Math.min(19, getPriority() + 3))]);
      expect(written.toString().split("\n").slice(3, 5)).toEqual(["300", "0"]);
    }
    // Those of the command alone, not of the shell that it came from.
    const limits = `sh -c 'ulimit -Sn; ulimit -Hn; env | grep -c PM_OPEN || :'`;
    for (const written of await outputs(pm, `ulimit -Sn 300; (ulimit -n 200; exec pm start -- ${limits})`)) {
      expect(written.toString()).toBe("200\n200\n0\n");
    }
    // What is asked for counts more.
    const given = await outputs(pm, `umask 027; pm start --umask 077 --nice 5 --ulimit fsize=1M:2M -- ${show}`);
    for (const written of given) {
      expect(written.toString().split("\n").slice(0, 3)).toEqual(["0077", "5", "2048"]);
    }
  });

  test("C4 whoever asks for no priority gets none, whatever the daemon's is", async ({ pm }) => {
    await pm.shell("nice -n 3 pm daemon start");
    const { out } = await pm.shell(
      `curl -s --unix-socket "$PM_RUNTIME_DIR/pm.sock" -H 'content-type: application/json' \
        -d '{"name":"remote","spec":{"executable":"nice"}}' http://localhost/pm.v1.ProcessService/StartProcess`,
    );
    expect(JSON.parse(out)).toHaveProperty("process");
    await pm.ok(["wait", "--for", "output", "remote"]);
    // Not everybody may have a better one than the daemon.
    const best = await pm.shell("nice -n 3 sh -c 'renice -n 0 -p $$ >&2; nice'");
    expect(await pm.ok(["logs", "remote"])).toBe(best.out.trim());
  });

  test("C4 where Node.js cannot begin, it is said which limit is too low", async ({ pm }) => {
    await hosting(pm);
    const tooLow = { v: "virtual memory", d: "data", n: "open files" };
    for (const [option, what] of Object.entries(tooLow)) {
      // With as little data Node.js waits for ever for a thread that it could not make.
      const limited = `ulimit -${option} ${option === "n" ? 16 : 20_000}`;
      for (const [command, code] of [
        ["run true", 125],
        ["--color never wait x", 125],
        ["version", 1],
      ] as const) {
        expect(await pm.shell(`${limited}; exec pm ${command}`)).toMatchObject({
          code,
          out: "",
          err: expect.stringContaining(`pm: the limit of ${what} here (ulimit -${option}) is too low for Node.js\n`),
        });
      }
      // What the daemon runs needs no Node.js here.
      expect(await pm.shell(`${limited}; exec pm start -- true`)).toMatchObject({ code: 0, err: "" });
    }
  });

  test("C4 a shell with limits that it cannot lift starts no daemon for everybody", async ({ pm }) => {
    // In a user namespace nobody may raise a hard limit.
    const script = "ulimit -f 100; exec unshare --user sh -c 'pm ls -q'";
    const { code, err } = await pm.shell(script);
    expect(code).toBe(4);
    expect(err).toContain("the limit of fsize of this shell (ulimit -f) would hold for every process");
    await pm.ok(["start", "--", "true"]);
  });

  test("C4 PWD says where the process is, and OLDPWD is the caller's alone", async ({ pm }) => {
    await hosting(pm);
    const script = `cd /; cd "$OLDPWD"; export OLDPWD; pm start -C /usr -- sh -c 'printenv PWD; printenv OLDPWD || echo none'`;
    for (const written of await outputs(pm, script)) {
      expect(written.toString()).toBe("/usr\nnone\n");
    }
  });

  test("C4 the secrets of the shell that started the daemon reach nobody else's process", async ({ pm }) => {
    await pm.ok(["start", "-n", "first", "--", "sleep", "3600"], { env: { SECRET_OF_THE_FIRST: "hush" } });
    await pm.ok(["start", "-n", "clean", "--clean-env", "--", "env"]);
    await pm.ok(["start", "-n", "other", "--", "env"]);
    for (const name of ["clean", "other"]) {
      await pm.ok(["wait", "--for", "output", name]);
      expect(await pm.ok(["logs", name])).not.toContain("SECRET_OF_THE_FIRST");
    }
    // Over the contract, as somebody without an environment of ours.
    const { out } = await pm.shell(
      `curl -s --unix-socket "$PM_RUNTIME_DIR/pm.sock" -H 'content-type: application/json' \
        -d '{"name":"remote","spec":{"executable":"env"}}' http://localhost/pm.v1.ProcessService/StartProcess`,
    );
    expect(JSON.parse(out)).toHaveProperty("process");
    await pm.ok(["wait", "--for", "output", "remote"]);
    expect(await pm.ok(["logs", "remote"])).toContain("PATH=");
    expect(await pm.ok(["logs", "remote"])).not.toContain("SECRET_OF_THE_FIRST");
  });
});

describe.concurrent("C15", () => {
  test("C15 the same start from another directory's history is the same; what differs is said", async ({ pm }) => {
    const id = "0b2c9e3e-1111-4222-8333-444455556666";
    await pm.ok(["start", "--id", id, "--", "sleep", "3600"], { env: { OLDPWD: "/somewhere", A: "1", SHLVL: "2" } });
    await pm.ok(["start", "--id", id, "--", "sleep", "3600"], { env: { OLDPWD: "/elsewhere", A: "1", SHLVL: "1" } });
    const other = await pm(["start", "--id", id, "-n", "x", "--nice", "12", "--", "sleep", "3601"], {
      env: { A: "secret" },
    });
    expect(other).toMatchObject({ code: 5, out: "" });
    expect(other.err).toContain("the command was sleep 3600 and is sleep 3601 now");
    expect(other.err).toContain("--name was none and is x now");
    expect(other.err).toContain(`the nice value was ${getPriority()} and is 12 now`);
    expect(other.err).toContain("the environment differs in A");
    expect(other.err).not.toContain("secret");
  });
});

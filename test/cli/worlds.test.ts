/** The same user in two environments: a login shell and cron, sudo, user namespaces, a small /dev/shm. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, vi } from "vitest";
import { requires } from "../support/requires.ts";
import { type Pm, pmPath, type Result, test } from "./support/pm.ts";

/** Several daemons are started one after the other, on a machine that may be busy. */
vi.setConfig({ testTimeout: 240_000 });

const isRoot = process.getuid?.() === 0;
const works = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;
const asOthers = requires("setpriv as root", isRoot && works("setpriv", ["--version"]));
const userNamespaces = requires("unshare -Ur", works("unshare", ["-Ur", "true"]));
const mountNamespaces = requires("unshare -m as root", isRoot && works("unshare", ["-m", "mount", "--version"]));

interface Person {
  readonly uid: number;
  readonly home: string;
  /** Runs a script as this user, with nothing but these variables. */
  run(script: string, env?: Readonly<Record<string, string>>): Promise<Result>;
}

/** A user of this test alone, without an entry in passwd(5), with a home. */
function makePerson(pm: Pm): Person {
  const uid = 100_000 + Math.floor(Math.random() * 1_000_000);
  const home = mkdtempSync(join(tmpdir(), "pm-home-"));
  chownSync(home, uid, uid);
  const run: Person["run"] = (script, env = {}) => {
    const variables = Object.entries({ HOME: home, PATH: `${join(pmPath, "..")}:/usr/bin:/bin`, ...env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const user = `--reuid ${uid} --regid ${uid} --clear-groups`;
    return pm
      .shell(`exec setpriv ${user} env -i "$@" sh -c "$SCRIPT"`.replace('"$@"', quoted(variables)), {
        env: { SCRIPT: script },
      })
      .then((result) => result);
  };
  onTestFinished(async () => {
    for (const env of [{ XDG_RUNTIME_DIR: join(home, "run") }, {}]) {
      await run("pm daemon stop --stop-processes -t 0", env);
    }
    rmSync(home, { recursive: true, force: true });
    rmSync(`/dev/shm/pm-${uid}`, { recursive: true, force: true });
  });
  mkdirSync(join(home, "run"), { mode: 0o700 });
  chownSync(join(home, "run"), uid, uid);
  return { uid, home, run };
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

test.runIf(asOthers && works("prlimit", ["--version"]))(
  "where Node.js cannot make its threads, a command says so instead of waiting with it for ever",
  async ({ pm }) => {
    const { home, run } = makePerson(pm);
    const env = { XDG_RUNTIME_DIR: join(home, "run") };
    // Two to five are those with which Node.js 26 hangs.
    expect(await run("exec prlimit --nproc=4:4 pm --version", env)).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^pm: no more processes or threads can be made here\nhint: .*ulimit -u/),
    });
    // The command has its threads, the daemon has two of its own.
    expect(await run("exec prlimit --nproc=10:10 pm daemon start", env)).toMatchObject({
      code: 4,
      err: expect.stringMatching(/^pm: cannot start the daemon: Node.js could not make its threads: no more/),
    });
    expect(await run("pm daemon start", env)).toMatchObject({ code: 0 });
  },
);

describe.concurrent("a login shell and cron", () => {
  test.runIf(asOthers)("without XDG_RUNTIME_DIR a command names the daemon of the login shell", async ({ pm }) => {
    const { uid, home, run } = makePerson(pm);
    const login = { XDG_RUNTIME_DIR: join(home, "run") };
    const directory = join(home, "run/pm");
    expect(await run("pm start -n web sleep 600", login)).toMatchObject({ code: 0 });

    const named = `another daemon of yours runs at ${directory} (pid `;
    const why = `because XDG_RUNTIME_DIR is ${join(home, "run")} there; this command uses /dev/shm/pm-${uid}\n`;
    const asked = await run("pm status web", { PM_NO_AUTOSTART: "1" });
    expect(asked).toMatchObject({ code: 4, out: "" });
    expect(asked.err).toContain(named);
    expect(asked.err).toContain(why);

    // A command that starts a daemon says that it is not the one of the login shell.
    const listed = await run("pm ls -o name");
    expect(listed).toMatchObject({ code: 0, out: "" });
    expect(listed.err).toContain("started the daemon");
    expect(listed.err).toContain(named);
    // And so does one that does not find a process.
    const missed = await run("pm stop web");
    expect(missed).toMatchObject({ code: 3, out: "" });
    expect(missed.err).toContain('no process "web"');
    expect(missed.err).toContain(named);
    const hint = /^hint: '(PM_HOST=\S+ pm ls)'/m.exec(missed.err)?.[1] ?? "";
    expect(await run(`${hint} -o name`)).toMatchObject({ code: 0, out: "web\n", err: "" });

    // The other way round; where somebody chose the directory there is nothing to tell.
    expect((await run("pm stop none", login)).err).toContain(`runs at /dev/shm/pm-${uid} (pid `);
    expect(await run("pm stop none", { PM_RUNTIME_DIR: directory })).toMatchObject({
      code: 3,
      err: 'pm: no process "none"\n',
    });
  });

  test.runIf(asOthers)("sudo: root is told that the caller has a daemon of its own", async ({ pm }) => {
    const { uid, home, run } = makePerson(pm);
    expect(await run("pm start -n web sleep 600", { XDG_RUNTIME_DIR: join(home, "run") })).toMatchObject({ code: 0 });
    const result = await pm(["stop", "web"], {
      env: { PM_RUNTIME_DIR: "", XDG_RUNTIME_DIR: pm.runtimeDir, SUDO_UID: String(uid), PM_NO_AUTOSTART: "1" },
    });
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toContain(`user ${uid} has a daemon of its own`);
  });

  test.runIf(asOthers)("su: XDG_RUNTIME_DIR of another user is named as the reason", async ({ pm }) => {
    const { run } = makePerson(pm);
    const result = await run("pm ls", { XDG_RUNTIME_DIR: pm.runtimeDir });
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toContain(`XDG_RUNTIME_DIR is ${pm.runtimeDir}`);
  });

  test.runIf(asOthers)("another user's socket is not said to be a daemon that is missing", async ({ pm }) => {
    const { run } = makePerson(pm);
    await pm.ok(["daemon", "start"]);
    const result = await run("pm ls", { PM_HOST: `unix://${join(pm.runtimeDir, "pm.sock")}` });
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toMatch(/permission denied \(EACCES\)\nhint: the socket is another user's/);
  });

  test.runIf(asOthers)("a home that cannot be written to is named, with what to set", async ({ pm }) => {
    const { home, run } = makePerson(pm);
    const env = { HOME: "/nonexistent", XDG_RUNTIME_DIR: join(home, "run") };
    const refused = await run("pm ls", env);
    expect(refused).toMatchObject({ code: 4, out: "" });
    expect(refused.err).toContain("the state directory /nonexistent/.local/state/pm cannot be used");
    expect(refused.err).toContain("set PM_STATE_DIR");
    expect(await run("pm ls -q", { ...env, PM_STATE_DIR: join(home, "state") })).toMatchObject({ code: 0, out: "" });
  });
});

describe.concurrent("C18 user namespaces", () => {
  test.runIf(userNamespaces && asOthers)(
    "find the processes of outside, and may have a daemon inside",
    async ({ pm }) => {
      const { uid, home, run } = makePerson(pm);
      expect(await run("pm start -n web sleep 600")).toMatchObject({ code: 0 });
      const lost = await run("unshare -Ur pm ls");
      expect(lost).toMatchObject({ code: 4, out: "" });
      expect(lost.err).toContain(
        `hint: in this user namespace you are root, outside user ${uid}: PM_RUNTIME_DIR=/dev/shm/pm-${uid} `,
      );
      const found = `unshare -Ur env PM_RUNTIME_DIR=/dev/shm/pm-${uid} pm ls -o name`;
      expect(await run(found)).toMatchObject({ code: 0, out: "web\n" });
      // There /tmp, / and whatever else is root's seem to belong to the overflow user.
      const inside = `export PM_RUNTIME_DIR=${home}/inside; pm start -n in sleep 600 >/dev/null && pm ls -o name; pm daemon stop --stop-processes -t 0`;
      expect(await run(`exec unshare -Ur sh -c '${inside}'`)).toMatchObject({ code: 0, out: "in\n" });
    },
  );
});

describe.concurrent("C8 containers with 64 MB of /dev/shm", () => {
  test.runIf(mountNamespaces)("ended processes make room for those that start", async ({ pm }) => {
    const directory = join(pm.runtimeDir, "shm");
    mkdirSync(directory);
    const script = `
      set -e
      mount -t tmpfs -o size=64m,mode=700 none ${directory}
      export PM_RUNTIME_DIR=${directory}
      trap 'pm daemon stop --stop-processes -t 0' EXIT
      pm daemon start
      for i in $(seq 1 12); do
        pm start -n run$i --output-limit 8M -- sh -c 'yes | head -c 12000000' >/dev/null
        pm wait --for output run$i
      done
      pm logs run12 2>/dev/null | wc -c
      pm ls -a -o name | wc -l
    `;
    const { code, out, err } = await pm.shell(`exec unshare -m sh -c '${script.replaceAll("'", "'\\''")}'`);
    expect(code, err).toBe(0);
    const [kept, listed] = out.trim().split("\n").map(Number);
    expect(kept).toBe(8 * 1024 * 1024);
    expect(listed).toBeGreaterThan(1);
    expect(listed).toBeLessThan(12);
  });
});

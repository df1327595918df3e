import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { requires } from "../support/requires.ts";
import { test } from "./support/pm.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// Else a shell cannot pass 3 MB on.
const stackCanGrow = requires("a stack without limit", spawnSync("sh", ["-c", "ulimit -s unlimited"]).status === 0);

describe.concurrent("pm start", () => {
  test("prints the id alone; wait, logs and status agree on the end", async ({ pm }) => {
    const started = await pm(["start", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(started.code).toBe(0);
    const id = started.out.trim();
    expect(id).toMatch(uuid);
    expect(started.out).toBe(`${id}\n`);
    expect(started.err).toMatch(/^pm: started the daemon \(pid \d+\)\n$/);
    expect(await pm(["wait", id])).toMatchObject({ code: 7, out: "", err: "" });
    const logs = await pm(["logs", id]);
    expect(logs).toMatchObject({ code: 0, err: "" });
    expect(logs.out.split("\n").sort()).toEqual(["", "err", "out"]);
    const status = JSON.parse(await pm.ok(["status", "-o", "json", id])) as { run: { exit: { code: number } } };
    expect(status.run.exit.code).toBe(7);
  });

  test("JSON stays pure when the daemon is started on the way", async ({ pm }) => {
    const { out, err } = await pm(["start", "-o", "json", "-n", "one", "true"]);
    expect(JSON.parse(out)).toMatchObject({ name: "one", spec: { executable: "true" } });
    expect(err).toContain("started the daemon");
  });

  test("gives the caller's directory and environment, and more on demand", async ({ pm }) => {
    const file = join(pm.runtimeDir, "variables");
    await pm.ok(["daemon", "start"]);
    writeFileSync(file, "# comment\nFROM_FILE=a=b c\n\nTAKEN\n");
    const env = { TAKEN: "taken", ALSO: "also", SEEN: "seen" };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    const script = 'printf "%s|" "$PWD" "$SEEN" "$FROM_FILE" "$TAKEN" "$ALSO" "$GIVEN" "${ABSENT-unset}"';
    const run = (args: readonly string[]) =>
      pm.ok(["run", ...args, "--", "sh", "-c", script], { env, cwd: pm.runtimeDir });
    expect(await run(["--env-file", file, "-e", "GIVEN=x", "-e", "ABSENT"])).toBe(
      `${pm.runtimeDir}|seen|a=b c|taken|also|x|unset|`,
    );
    expect(await run(["--clean-env", "-e", "ALSO", "-C", "p"])).toBe(`${pm.runtimeDir}/p||||also||unset|`);
  });

  test("passes the command line on verbatim, with and without --", async ({ pm }) => {
    const script = 'printf "[%s]" "$@"';
    const args = ["sh", "-c", script, "sh", "-n", "--", "--help", "", "a b", "ü\n"];
    const expected = "[-n][--][--help][][a b][ü\n]";
    expect((await pm(["run", ...args])).out).toBe(expected);
    expect((await pm(["run", "--", ...args])).out).toBe(expected);
    expect((await pm(["run", "-n", "x", "--", ...args])).out).toBe(expected);
  });

  test("the same id starts once; with another command it is a conflict", async ({ pm }) => {
    const id = "0b2c9e3e-1111-4222-8333-444455556666";
    expect(await pm.ok(["start", "--id", id, "--", "sleep", "60"])).toBe(id);
    expect(await pm.ok(["start", "--id", id, "--", "sleep", "60"])).toBe(id);
    expect((await pm.ok(["ls", "-q"])).split("\n")).toEqual([id]);
    const other = await pm(["start", "--id", id, "--", "sleep", "61"]);
    expect(other).toMatchObject({ code: 5, out: "" });
  });

  test("what the system refuses is told in its own words, with nothing on stdout", async ({ pm }) => {
    const script = join(pm.runtimeDir, "script");
    const plain = join(pm.runtimeDir, "plain");
    const folder = join(pm.runtimeDir, "folder");
    mkdirSync(folder);
    writeFileSync(script, "#!/no/such/interpreter\n");
    chmodSync(script, 0o755);
    writeFileSync(plain, "echo\n");
    chmodSync(plain, 0o644);
    await pm.ok(["daemon", "start"]);
    const cases: readonly (readonly [args: readonly string[], run: number, message: RegExp])[] = [
      [["/no/such"], 127, /^pm: cannot start "\/no\/such": No such file or directory \(ENOENT\)\n/],
      [["no-such-program"], 127, /\(ENOENT\)\nhint: "no-such-program" is not in the PATH/],
      [[script], 127, /\(ENOENT\)\nhint: the file is there: the interpreter/],
      [[folder], 126, /\(EACCES\)\nhint: /],
      [[plain], 126, /Permission denied \(EACCES\)\nhint: .*chmod/],
      [["-C", "/no/such", "true"], 125, /changing to its directory \/no\/such: No such file or directory \(ENOENT\)/],
      [["-n", "api", "/no/such"], 127, /^pm: cannot start "api": /],
    ];
    for (const [args, runCode, message] of cases) {
      const start = await pm(["start", ...args]);
      expect(start, args.join(" ")).toMatchObject({ code: 1, out: "" });
      expect(start.err).toMatch(message);
      const run = await pm(["run", ...args]);
      expect(run, args.join(" ")).toMatchObject({ code: runCode, out: "" });
      expect(run.err).toMatch(message);
    }
    expect(await pm.ok(["ls", "-aq"])).toBe("");
  });

  test.skipIf(!stackCanGrow)(
    "3 MB of arguments reach the process of a shell whose stack allows that",
    async ({ pm }) => {
      await pm.ok(["daemon", "start"]);
      const script = `ulimit -s unlimited
      pm run --rm --clean-env -- sh -c 'echo $#' sh $(head -c 3000000 /dev/zero | tr '\\0' x | fold -w 100000)`;
      expect(await pm.shell(script)).toMatchObject({ code: 0, out: "30\n", err: "" });
      // And of one whose stack does not, with the system's answer.
      const smaller = script.replace("--rm", "--rm --ulimit stack=8M");
      const { code, out, err } = await pm.shell(smaller);
      expect({ code, out }).toEqual({ code: 125, out: "" });
      expect(err).toMatch(/E2BIG|Argument list too long/);
    },
  );

  test.for<[readonly string[], number, RegExp]>([
    [["-n", "no spaces", "true"], 2, /name/],
    [["-n", "-x", "true"], 2, /name/],
    [["-l", "bad key=1", "true"], 2, /label/],
    [["--id", "nonsense", "true"], 2, /id|UUID/],
    [["--output-limit", "lots", "true"], 2, /--output-limit: "lots" is not a size\nhint: /],
    [["--output-limit", "1", "true"], 2, /output/],
    [["--ulimit", "nofile", "true"], 2, /--ulimit/],
    [["--ulimit", "nonsense=1", "true"], 2, /nonsense/],
    [["--stop-signal", "SIGNONE", "true"], 2, /SIGNONE|signal/],
    [["-e", "=x", "true"], 2, /-e/],
    [["--env-file", "/no/such", "true"], 2, /cannot read "\/no\/such": no such file or directory \(ENOENT\)/],
    [["--nmae", "x", "true"], 2, /unknown option --nmae\nhint: did you mean --name\?/],
    [[], 2, /COMMAND/],
  ])("refuses %j", async ([args, code, message], { pm }) => {
    const result = await pm(["start", ...args]);
    expect(result).toMatchObject({ code, out: "" });
    expect(result.err).toMatch(message);
  });

  test("a name in use is a conflict, and free again after the end", async ({ pm }) => {
    await pm.ok(["start", "-n", "api", "sleep", "60"]);
    const second = await pm(["start", "-n", "api", "true"]);
    expect(second).toMatchObject({ code: 5, out: "" });
    expect(second.err).toContain("api");
    await pm.ok(["stop", "-t", "5", "-f", "api"]);
    await pm.ok(["start", "-n", "api", "true"]);
  });

  test("sets resource limits", async ({ pm }) => {
    expect(await pm.ok(["run", "--ulimit", "nofile=123:456", "--", "sh", "-c", "ulimit -Sn; ulimit -Hn"])).toBe(
      "123\n456",
    );
  });

  /** Node.js raises its own, and would pass that on. */
  test.for([
    ["that a command starts", ""],
    ["that was started by hand", "pm daemon start; ulimit -Sn 200;"],
    ["in the foreground", "pm daemon run & until PM_NO_AUTOSTART=1 pm ls -q; do sleep 0.1; done; ulimit -Sn 200;"],
  ])("a process has the caller's soft limit of open files, under a daemon %s", async ([, prepare], { pm }) => {
    const script = `ulimit -Sn 300; ${prepare} pm run -- sh -c 'ulimit -Sn; ulimit -Hn'; ulimit -Sn; ulimit -Hn; pm daemon stop`;
    const { out } = await pm.shell(script);
    const [soft, hard, callersSoft, callersHard] = out.split("\n");
    expect(soft).toBe(callersSoft);
    expect(hard).toBe(callersHard);
  });
});

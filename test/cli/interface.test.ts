import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { pmPath, test } from "./support/pm.ts";

const hasShell = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

describe.concurrent("help", () => {
  test("lists every command; each has help with its usage", async ({ pm }) => {
    // Its host prints help in no time.
    await pm.ok(["daemon", "start"]);
    const general = await pm.ok(["--help"]);
    expect(await pm.ok(["help"])).toBe(general);
    const commands = [...(general.split("Commands:\n")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}(\S+) {2,}\S/gm)].map(
      ([, name]) => name ?? "",
    );
    expect(commands).toEqual(expect.arrayContaining(["start", "run", "stop", "logs", "ls", "daemon", "completion"]));
    for (const command of commands) {
      const help = await pm(["help", command]);
      expect(help).toMatchObject({ code: 0, err: "" });
      expect(help.out).toMatch(new RegExp(`^.+\\.\n\nUsage: pm ${command}( |\n)`));
      expect((await pm([command, "-h"])).out).toBe(help.out);
    }
  });

  test("of stop, to the letter", async ({ pm }) => {
    expect(`${await pm.ok(["stop", "--help"])}\n`).toMatchInlineSnapshot(`
      "Stop processes and everything that they started.

      Usage: pm stop [OPTIONS] [ID...]

      Sends a signal to the process group and waits for the whole process tree to end, also for children that detached
      themselves. What does not end in time is listed, or killed with --force. Prints a line "ID EXIT" for each process
      that has stopped: its exit code, or the signal that ended it.

      ID is a name, a UUID, its first four or more characters, or a pattern of names such as 'web-*'. With -l, IDs count
      only if they have the labels. It is no failure if nothing matches a pattern or labels.

      Options:
        -t, --timeout DURATION   How long it may take to end (default: its own stop timeout, or 10s)
        -f, --force              Kill the process tree after the timeout
        -s, --signal SIGNAL      The signal to send first (default: its own stop signal, or SIGTERM)
        -l, --selector SELECTOR  Processes with these labels: a=b,c!=d,e,!f
            --all                All processes
            --request-id ID      Repeat this request safely: the same id is carried out once
        -o, --output FORMAT      Output format: text, name, json, jsonl

      Global options:
            --host URL      The daemon to use: unix:///PATH or https://HOST[:PORT] (PM_HOST)
            --context NAME  The context to use; see 'pm context' (PM_CONTEXT)
            --color WHEN    Use color: auto (default), always or never
            --debug         Show stack traces of errors
        -h, --help          Show help

      Exit codes:
        6  something is still running; standard error lists it

      Examples:
        # give it half a minute, then kill it
        pm stop -t 30 --force api
        # those with such a name and this label
        pm stop -l tier=front 'web-*'
        # how it ended
        pm stop -o json api | jq .process.run.exit
      "
    `);
  });

  test("without a command, or with a wrong one, is a usage error on stderr", async ({ pm }) => {
    expect(await pm([])).toMatchObject({ code: 2, out: "", err: expect.stringContaining("Usage: pm COMMAND") });
    expect(await pm(["daemon"])).toMatchObject({ code: 2, out: "", err: expect.stringContaining("Usage: pm daemon") });
    expect(await pm(["strat"])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining('did you mean "pm start"?'),
    });
    expect(await pm(["daemon", "stpo"])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining('did you mean "pm daemon stop"?'),
    });
    expect(await pm(["constructor"])).toMatchObject({ code: 2, out: "" });
    expect(await pm(["ls", "--__proto__"])).toMatchObject({ code: 2, out: "" });
    expect(await pm(["ls", "extra"])).toMatchObject({ code: 2, out: "" });
    expect(await pm(["logs", "--lines", "many", "x"])).toMatchObject({ code: 2, out: "" });
    expect(await pm(["ls", "--all=yes"])).toMatchObject({ code: 2, out: "" });
  });

  test("--debug shows the stack, nothing else does", async ({ pm }) => {
    const env = { PM_NO_AUTOSTART: "1" };
    expect((await pm(["ls"], { env })).err).not.toContain("    at ");
    expect((await pm(["ls", "--debug"], { env })).err).toContain("    at ");
    expect((await pm(["--debug", "ls"], { env })).err).toContain("    at ");
  });
});

describe.concurrent("completion", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    test.skipIf(!hasShell(shell))(`the ${shell} script parses`, async ({ pm }) => {
      const script = join(pm.runtimeDir, "completion");
      writeFileSync(script, await pm.ok(["completion", shell]));
      expect(spawnSync(shell, ["-n", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    });
  }

  test.skipIf(!hasShell("fish"))("fish offers commands, values, names and ids", async ({ pm }) => {
    const fish = async (line: string): Promise<string[]> =>
      (await pm.shell(`exec fish --no-config -c 'pm completion fish | source; complete -C "${line}"'`)).out
        .split("\n")
        .map((candidate) => candidate.split("\t")[0] ?? "");
    const id = await pm.ok(["start", "-n", "server", "sleep", "60"]);
    expect(await fish("pm sta")).toEqual(["start", "status", ""]);
    expect((await fish("pm stop ")).sort()).toEqual(["", id, "server"].sort());
    expect(await fish("pm ls -o j")).toEqual(["json", "jsonl", ""]);
    expect(await fish("pm start cat /et")).toEqual(["/etc/", ""]);
  });

  test("of commands, options, values and verbatim command lines", async ({ pm }) => {
    const complete = async (...words: string[]): Promise<string[]> =>
      (await pm.ok(["__complete", ...words])).split("\n").map((line) => line.split("\t")[0] ?? "");
    expect(await complete("")).toEqual(expect.arrayContaining(["start", "daemon"]));
    expect(await complete("")).not.toContain("__complete");
    expect(await complete("daemon", "")).toEqual(expect.arrayContaining(["start", "stop"]));
    expect(await complete("ls", "--")).toEqual(expect.arrayContaining(["--all", "--host"]));
    expect(await complete("ls", "-o", "")).toEqual(["table", "wide", "json", "jsonl", "name"]);
    expect(await complete("--color", "never", "ls", "-o", "")).toContain("wide");
    expect(await complete("start", "-C", "")).toEqual([":directories"]);
    expect(await complete("start", "")).toEqual([":commands"]);
    expect(await complete("start", "-n", "x", "cat", "")).toEqual([":files"]);
    expect(await complete("stop", "")).toEqual([""]);
  });

  test("bash offers names and ids from the daemon, evaluates nothing and starts no daemon", async ({ pm }) => {
    const bash = (line: string) =>
      pm.shell(
        `exec bash -c 'source <(pm completion bash); COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _pm_complete; printf "%s\\n" "\${COMPREPLY[@]}"'`,
      );
    expect((await bash('pm stop ""')).out.trim()).toBe("");
    expect(await pm(["daemon", "status"])).toMatchObject({ code: 4 });
    const id = await pm.ok(["start", "-n", "server", "sleep", "60"]);
    expect((await bash('pm stop ""')).out.trim().split("\n").sort()).toEqual([id, "server"].sort());
    expect((await bash("pm stop ser")).out.trim()).toBe("server");
    expect((await bash("pm sta")).out.trim().split("\n").sort()).toEqual(["start", "stats", "status"]);
  });
});

describe.concurrent("the launcher", () => {
  test("works through links, and finds the pinned runtime", async ({ pm }) => {
    const bin = join(pm.runtimeDir, "node_modules", ".bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(pmPath, join(bin, "first"));
    symlinkSync("first", join(bin, "pm"));
    expect((await pm.shell(`cd ${bin} && ./pm version --client && PATH=${bin}:$PATH pm version --client`)).out).toMatch(
      /^(pm \S+ \(Node\.js 26\.\S+\)\n){2}$/,
    );
  });

  test("says what is missing: a runtime, the build", async ({ pm }) => {
    const copy = join(pm.runtimeDir, "copy");
    const launcher = join(copy, "dist", "pm");
    mkdirSync(join(copy, "dist"), { recursive: true });
    cpSync(realpathSync(pmPath), launcher);
    const run = (env: Readonly<Record<string, string>>) =>
      spawnSync(launcher, ["version", "--client"], { env, encoding: "utf8" });
    expect(run({ PATH: "" })).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("npm run build"),
    });
    writeFileSync(join(copy, "dist", "pm.cjs"), "console.log(process.version)");
    expect(run({ PATH: "" })).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("no Node.js 26"),
    });
    expect(run({ PATH: "", PM_NODE: process.execPath })).toMatchObject({ status: 0, stdout: `${process.version}\n` });
  });
});

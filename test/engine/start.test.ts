import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { alive, complete, open, reasonOf, refused, runtimeDirectory, shell, spec, start, text } from "./harness.ts";

const id = "01234567-89ab-4cde-8f01-23456789abcd";

describe("start", () => {
  test("runs a program, keeps its output and its exit code", async () => {
    const engine = await open();
    const ended = await complete(engine, shell("echo out; echo err >&2; exit 7"));
    expect(ended).toMatchObject({ state: "exited", run: 1, pid: null, treeAlive: false, failure: null });
    expect(ended.exit).toMatchObject({ code: 7, signal: null, signalName: "", coreDumped: false });
    expect(ended.output).toMatchObject({
      firstOffset: 0,
      nextOffset: 8,
      stdoutBytes: 4,
      stderrBytes: 4,
      complete: true,
    });
    expect((await text(engine, ended.id)).split("\n").sort()).toEqual(["", "err", "out"]);
    expect(ended.exitTime).toBeGreaterThanOrEqual(ended.startTime ?? 0n);
  });

  test("says which signal ended a process", async () => {
    const engine = await open();
    const ended = await complete(engine, shell("kill -KILL $$"));
    expect(ended.exit).toMatchObject({ code: null, signal: 9, signalName: "SIGKILL" });
  });

  test("answers a running process with its pid", async () => {
    const engine = await open();
    const running = await start(engine, spec("sleep", ["60"], { name: "sleeper" }));
    expect(running.state).toBe("running");
    expect(alive(running.pid)).toBe(true);
    expect(engine.engine.get({ name: "sleeper" }).id).toBe(running.id);
  });

  test("passes arguments, environment and working directory verbatim", async () => {
    const engine = await open({ environment: { PATH: "/usr/bin:/bin", KEPT: "yes", LAID: "under" } });
    const script = 'printf "%s|" "$@" "$KEPT" "$LAID" "$(pwd)"';
    const more = { env: { LAID: "over" }, cwd: "/usr" };
    const extended = await complete(engine, spec("sh", ["-c", script, "sh", "a b", "", "ü"], more));
    expect(await text(engine, extended.id)).toBe("a b||ü|yes|over|/usr|");
    const replaced = await complete(engine, spec("/usr/bin/env", [], { env: { A: "1" }, envMode: "replace" }));
    expect(await text(engine, replaced.id)).toBe("A=1\n");
  });

  test.each([
    ["a missing program", spec("/no/such"), { step: "exec", errno_name: "ENOENT", path: "/no/such" }],
    [
      "a name that no directory of PATH has",
      spec("no-such-program"),
      { errno_name: "ENOENT", path: "no-such-program" },
    ],
    ["a directory", spec("/usr"), { step: "exec", errno_name: "EACCES", errno_text: "Permission denied" }],
    ["no execute bit", spec("/etc/passwd"), { step: "exec", errno_name: "EACCES" }],
    ["a missing working directory", shell("true", { cwd: "/no/dir" }), { step: "chdir", path: "/no/dir" }],
    ["3 MB of arguments", spec("true", ["x".repeat(3_000_000)]), { step: "exec", errno_name: "E2BIG" }],
  ])("answers what the system says of %s, and leaves nothing behind", async (_, wanted, metadata) => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const error = await refused(engine.start({ id, spec: wanted }));
    expect(error.reason).toBe("START_FAILED");
    expect(error.metadata).toMatchObject(metadata);
    expect(readdirSync(join(runtimeDir, "p"))).toEqual([]);
    expect(await reasonOf(() => engine.get(id))).toBe("PROCESS_NOT_FOUND");
  });

  test("answers a bad interpreter with the script's path", async () => {
    const runtimeDir = runtimeDirectory();
    const script = join(runtimeDir, "script");
    writeFileSync(script, "#!/no/interpreter\n", { mode: 0o755 });
    const engine = await open({ runtimeDir });
    expect((await refused(start(engine, spec(script)))).metadata).toMatchObject({ errno_name: "ENOENT", path: script });
  });

  test("looks a name up as execvp does: the empty element is the working directory", async () => {
    const runtimeDir = runtimeDirectory();
    const cwd = join(runtimeDir, "work");
    mkdirSync(cwd);
    writeFileSync(join(cwd, "tool"), "#!/bin/sh\necho here\n", { mode: 0o755 });
    const engine = await open({ runtimeDir });
    const ended = await complete(engine, spec("tool", [], { cwd, env: { PATH: "/nowhere::/usr/bin:/bin" } }));
    expect(await text(engine, ended.id)).toBe("here\n");
  });

  test("is idempotent by id, also while the first start is under way", async () => {
    const engine = await open();
    const wanted = spec("sleep", ["60"], { env: { A: "1", B: "2" } });
    const same = spec("sleep", ["60"], { env: { A: "1", B: "2" }, outputLimitBytes: 1024 * 1024 });
    const answers = await Promise.all([
      engine.start({ id, spec: wanted }),
      engine.start({ id: id.toUpperCase(), spec: same }),
      engine.start({ id, spec: wanted }),
    ]);
    expect(answers.map(({ existing }) => existing)).toEqual([false, true, true]);
    expect(new Set(answers.map(({ process }) => process.pid)).size).toBe(1);
    const other = await refused(engine.start({ id, spec: spec("sleep", ["61"]) }));
    expect(other).toMatchObject({ reason: "PROCESS_EXISTS", metadata: { id } });
  });

  test("two starts of one id that fail both say why", async () => {
    const engine = await open();
    const starts = [engine.start({ id, spec: spec("/no/such") }), engine.start({ id, spec: spec("/no/such") })];
    expect(await Promise.all(starts.map(reasonOf))).toEqual(["START_FAILED", "START_FAILED"]);
  });

  test("a name belongs to one process that has not ended", async () => {
    const engine = await open();
    const first = start(engine, spec("sleep", ["60"], { name: "web" }));
    const error = await refused(start(engine, spec("sleep", ["61"], { name: "web" })));
    const { id: holder } = await first;
    expect(error).toMatchObject({ reason: "NAME_IN_USE", metadata: { name: "web", id: holder } });
    await engine.stop(holder, { signal: "SIGKILL", graceMs: 5000, force: false });
    const second = await start(engine, spec("sleep", ["61"], { name: "web" }));
    expect(engine.engine.get({ name: "web" }).id).toBe(second.id);
    expect(await reasonOf(engine.restart(holder, { signal: "", graceMs: 0, force: true }))).toBe("NAME_IN_USE");
  });

  test("bounds are kept, and limits that cannot be enforced refused", async () => {
    const engine = await open({ maxProcesses: 1, maxOutputLimitBytes: 8192, defaultOutputLimitBytes: 8192 });
    await start(engine, spec("sleep", ["60"]));
    expect((await refused(start(engine, spec("true")))).metadata).toEqual({ limit: "max_processes" });
    const large = await refused(start(engine, spec("true", [], { outputLimitBytes: 8193 })));
    expect(large.metadata).toEqual({ limit: "max_output_limit_bytes" });
    const limits = { rlimits: [], memoryBytes: 1_000_000, cpuMillis: null, processes: null };
    const limited = await refused(start(engine, spec("true", [], { limits })));
    expect(limited).toMatchObject({ reason: "UNSUPPORTED_LIMIT", metadata: { field: "spec.limits.memory_bytes" } });
  });

  test("sets resource limits", async () => {
    const engine = await open();
    const rlimits = [{ resource: "nofile", soft: 123n, hard: 456n }];
    const limits = { rlimits, memoryBytes: null, cpuMillis: null, processes: null };
    const ended = await complete(engine, shell("ulimit -Sn; ulimit -Hn", { limits }));
    expect(await text(engine, ended.id)).toBe("123\n456\n");
    expect(ended.spec.limits.rlimits).toEqual(rlimits);
  });

  test("has all other limits as the contract says, whatever the daemon's are", async () => {
    const engine = await open();
    const limitsOf = (text: string) =>
      text
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.slice(26).trim().split(/\s+/).slice(0, 2));
    const own = limitsOf(readFileSync("/proc/self/limits", "utf8")).map(([, hard = ""]) => hard);
    const { id } = await complete(engine, spec("cat", ["/proc/self/limits"]));
    const lowest = (limit: string, hard: string) =>
      limit === "unlimited" || (hard !== "unlimited" && BigInt(hard) < BigInt(limit)) ? hard : limit;
    // In the order of the file: cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, as, locks, sigpending, …
    const any = ["unlimited", "unlimited"];
    const [memlock, msgqueue, none] = ["8388608", "819200", "0"].map((limit) => [limit, limit]);
    const wanted = [any, any, any, ["8388608", "unlimited"], ["0", "unlimited"], any, any, ["1024", "524288"]];
    wanted.push(memlock ?? [], any, any, any, msgqueue ?? [], none ?? [], none ?? [], any);
    expect(limitsOf(await text(engine, id))).toEqual(
      wanted.map((pair, resource) => pair.map((limit) => lowest(limit, own[resource] ?? ""))),
    );
  });
});

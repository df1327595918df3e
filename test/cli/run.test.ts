import { describe, expect } from "vitest";
import { isAlive, limitMs, test } from "./support/pm.ts";

describe.concurrent("pm run", () => {
  test("exits as the process does: with its code, or 128 and the signal", async ({ pm }) => {
    expect(await pm(["run", "sh", "-c", "exit 42"])).toMatchObject({ code: 42, out: "" });
    expect(await pm(["run", "sh", "-c", "kill -KILL $$"])).toMatchObject({ code: 137, out: "" });
    expect((await pm(["ls", "-aq"])).out.trim().split("\n")).toHaveLength(2);
  });

  test("--rm leaves nothing behind", async ({ pm }) => {
    expect(await pm.ok(["run", "--rm", "echo", "x"])).toBe("x");
    expect(await pm.ok(["ls", "-aq"])).toBe("");
  });

  test("both streams go to stdout, and --stdin passes input on to its end", async ({ pm }) => {
    const run = await pm(["run", "--stdin", "--", "sh", "-c", "cat; echo err >&2"], { input: "a\u0000b" });
    expect(run.code).toBe(0);
    expect(run.out).toContain("a\u0000b");
    expect(run.out).toContain("err\n");
    expect(run.err).not.toContain("err\n");
    expect(await pm.ok(["run", "--", "cat"], { input: "not read" })).toBe("");
  });

  test("the first SIGINT is passed on, the second kills the whole tree", async ({ pm }) => {
    const polite = pm.spawn([
      "run",
      "--",
      "sh",
      "-c",
      'trap "echo bye; exit 4" INT; echo ready; while :; do sleep 0.05; done',
    ]);
    await polite.saw("ready");
    polite.child.kill("SIGINT");
    const left = await polite.ended;
    expect(left).toMatchObject({ code: 4, out: "ready\nbye\n" });
    expect(left.err).toContain("once more kills it");

    const deaf = pm.spawn(["run", "--", "sh", "-c", 'trap "" INT TERM; sleep 60 & echo $!; wait; sleep 60']);
    await deaf.saw("\n");
    deaf.child.kill("SIGINT");
    await deaf.saw("once more", "err");
    deaf.child.kill("SIGINT");
    const killed = await deaf.ended;
    expect(killed.code).toBe(137);
    expect(isAlive(Number(killed.out))).toBe(false);
  });

  test("passes SIGTERM, SIGHUP and SIGUSR1 on", async ({ pm }) => {
    const script = 'trap "echo usr1" USR1; trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done';
    const run = pm.spawn(["run", "--", "sh", "-c", script]);
    await run.saw("ready");
    run.child.kill("SIGUSR1");
    await run.saw("usr1");
    run.child.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 5 });
    const hup = pm.spawn(["run", "--", "sh", "-c", "echo ready; sleep 60"]);
    await hup.saw("ready");
    hup.child.kill("SIGHUP");
    expect(await hup.ended).toMatchObject({ code: 129 });
  });

  test("ends with the main process although children hold its output, and says so", async ({ pm }) => {
    const run = await pm(["run", "-n", "parent", "--", "sh", "-c", "sleep 60 & echo started; exit 6"]);
    expect(run).toMatchObject({ code: 6, out: "started\n" });
    expect(run.err).toMatch(/children of it are still running/);
    expect(await pm.ok(["stop", "parent"])).toBe("parent 6");
  });

  test("a terminal, and what is typed into it", async ({ pm }) => {
    const id = await pm.ok([
      "start",
      "--tty",
      "--",
      "sh",
      "-c",
      "test -t 0 && test -t 1 && stty size; read line; echo got $line",
    ]);
    const logs = pm.spawn(["logs", "-f", id]);
    await logs.saw("24 80");
    expect(await pm(["send", id], { input: "hello\n" })).toMatchObject({ code: 0 });
    await logs.saw("got hello");
    expect(await logs.ended).toMatchObject({ code: 0 });
  });

  test("send writes to the standard input, closes it on demand, and refuses where there is none", async ({ pm }) => {
    const id = await pm.ok(["start", "--stdin", "--", "sh", "-c", "sha256sum"]);
    const input = Buffer.alloc(3_000_000, 7);
    expect(await pm(["send", "--close", id], { input })).toMatchObject({ code: 0 });
    expect(await pm(["wait", "--for", "output", id])).toMatchObject({ code: 0 });
    const { createHash } = await import("node:crypto");
    expect(await pm.ok(["logs", id])).toBe(`${createHash("sha256").update(input).digest("hex")}  -`);
    const none = await pm.ok(["start", "sleep", "60"]);
    expect(await pm(["send", none], { input: "x" })).toMatchObject({ code: 5, out: "" });
  });

  test("wait gives up in time and waits for several", async ({ pm }) => {
    const id = await pm.ok(["start", "sleep", "60"]);
    // C14: it says for whom it waited.
    const err = `pm: "${id}" did not end within 200 ms\n`;
    expect(await pm(["wait", "-t", "0.2", id])).toMatchObject({ code: 125, out: "", err });
    await pm.ok(["start", "-n", "a", "--", "sh", "-c", "exit 3"]);
    await pm.ok(["start", "-n", "b", "true"]);
    const wait = await pm(["wait", "a", "b"]);
    expect(wait.code).toBe(3);
    expect(wait.out.split("\n").sort()).toEqual(["", "a 3", "b 0"]);
    expect(await pm(["wait", "none"])).toMatchObject({ code: 127, out: "" });
  });
});

describe.concurrent("pm ls", () => {
  test("formats: nothing is cut or coloured in a pipe, and hostile text is harmless", async ({ pm }) => {
    const hostile = "\u001b[31mred\u0007\nnext";
    const id = await pm.ok(["start", "-n", "a", "-l", "k=v", "--", "sh", "-c", "sleep 60", hostile, "x".repeat(300)]);
    const ended = await pm.ok(["start", "-n", "b", "true"]);
    await pm(["wait", "b"]);
    const table = await pm.ok(["ls"]);
    expect(table.split("\n")).toHaveLength(2);
    expect(table).toMatch(
      /^NAME +ID +STATE +PID +UPTIME +EXIT +COMMAND\na +[0-9a-f-]{36} +running +\d+ +\d+s +- +sh -c /,
    );
    expect(table).toContain("\\x1b[31mred\\x07\\nnext");
    expect(table).toContain("x".repeat(300));
    expect(table).not.toContain("\u001b");
    expect(await pm.ok(["ls", "--color", "always"])).toContain("\u001b[32mrunning");
    expect(await pm.ok(["ls", "-o", "wide"])).toContain("k=v");
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    expect((await pm.ok(["ls", "-aq"])).split("\n")).toEqual([id, ended]);
    expect(await pm.ok(["ls", "-a", "-o", "name"])).toBe("a\nb");
    expect(await pm.ok(["ls", "-aq", "-l", "k=v"])).toBe(id);
    expect(await pm.ok(["ls", "-aq", "-l", "!k"])).toBe(ended);
    const { processes } = JSON.parse(await pm.ok(["ls", "-a", "-o", "json"])) as { processes: { id: string }[] };
    expect(processes.map((process) => process.id)).toEqual([id, ended]);
    const lines = (await pm.ok(["ls", "-a", "-o", "jsonl"]))
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string });
    expect(lines.map((line) => line.id)).toEqual([id, ended]);
    expect(await pm(["ls", "-l", "==="])).toMatchObject({ code: 2, out: "" });
  });

  test("--watch writes an event a line", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    const watch = pm.spawn(["ls", "--watch"]);
    const id = await pm.ok(["start", "-n", "w", "sleep", "60"]);
    await watch.saw(`"type":"ADDED","process":{"id":"${id}"`);
    await pm.ok(["stop", "w"]);
    await watch.saw(`"type":"REMOVED","process":{"id":"${id}"`);
    watch.child.kill("SIGINT");
    expect(await watch.ended).toMatchObject({ signal: "SIGINT", err: "" });
  });

  test("rm and prune forget what has ended", async ({ pm, expect }) => {
    const id = await pm.ok(["start", "-n", "run", "sleep", "60"]);
    expect(await pm(["rm", id])).toMatchObject({ code: 5, out: "" });
    const ended = await pm.ok(["start", "true"]);
    await pm(["wait", "--for", "tree", ended]);
    expect(await pm.ok(["prune", "--older-than", "1h"])).toBe("");
    expect(await pm.ok(["prune", "--dry-run"])).toBe(ended);
    expect(await pm.ok(["prune"])).toBe(ended);
    expect(await pm.ok(["ls", "-aq"])).toBe(id);
    expect(await pm.ok(["rm", "-f", "run"])).toBe("run");
    await expect.poll(() => pm.ok(["ls", "-aq"]), { timeout: limitMs }).toBe("");
  });
});

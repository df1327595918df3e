import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { isAlive, limitMs, test } from "./support/pm.ts";

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

describe.concurrent("pm logs", () => {
  test("50 MB of random bytes come back exact", async ({ pm }) => {
    const file = join(pm.runtimeDir, "random");
    const id = await pm.ok([
      "start",
      "--output-limit",
      "60MB",
      "--",
      "sh",
      "-c",
      `head -c 50000000 /dev/urandom | tee ${file}`,
    ]);
    expect(await pm(["wait", "--for", "output", id])).toMatchObject({ code: 0 });
    const logs = await pm(["logs", id]);
    expect(logs).toMatchObject({ code: 0, err: "" });
    expect(logs.stdout.length).toBe(50_000_000);
    expect(sha256(logs.stdout)).toBe(await sha256OfFile(file));
  });

  test("run and logs pass NULs, invalid UTF-8 and a missing last newline on", async ({ pm }) => {
    const script = "printf 'a\\000b\\377\\200\\r\\n\\033[1mx'";
    const expected = Buffer.from([0x61, 0, 0x62, 0xff, 0x80, 0x0d, 0x0a, 0x1b, 0x5b, 0x31, 0x6d, 0x78]);
    const run = await pm(["run", "-n", "bytes", "--", "sh", "-c", script]);
    expect(run.stdout.equals(expected)).toBe(true);
    expect((await pm(["logs", "bytes"])).stdout.equals(expected)).toBe(true);
    expect((await pm(["logs", "-f", "bytes"])).stdout.equals(expected)).toBe(true);
  });

  test("a child that opens /dev/stdout and /dev/stderr, and one that closes its stdout", async ({ pm }) => {
    const script = "echo a > /dev/stdout; echo b > /dev/stderr; echo c > /proc/self/fd/1";
    const opened = await pm(["run", "sh", "-c", script]);
    // Between the streams no order is promised.
    expect(opened.out.split("\n").sort()).toEqual(["", "a", "b", "c"]);
    const closed = await pm(["run", "--", "sh", "-c", "echo first; exec >&- 2>&-; sleep 0.2; exit 5"]);
    expect(closed).toMatchObject({ code: 5, out: "first\n" });
  });

  test("chooses lines, streams, times and runs", async ({ pm }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3"]);
    await pm(["wait", "--for", "output", id]);
    const logs = (...args: string[]) => pm.ok(["logs", ...args, id]);
    expect(await logs()).toBe("1\n2\n3");
    expect(await logs("-n", "2")).toBe("2\n3");
    expect(await logs("-n", "0")).toBe("");
    expect(await logs("--stream", "stdout")).toBe("1\n3");
    expect(await logs("--stream", "stderr")).toBe("2");
    expect(await logs("--since", "1h")).toBe("1\n2\n3");
    expect(await logs("--since", "2001-01-01T00:00:00Z")).toBe("1\n2\n3");
    expect(await logs("--since", new Date(Date.now() + 3_600_000).toISOString())).toBe("");
    expect(await logs("-t")).toMatch(/^(\d{4}-\d\d-\d\dT[\d:.]+Z [123](\n|$)){3}$/);
    await pm.ok(["restart", id]);
    await pm(["wait", "--for", "output", id]);
    expect(await logs("--run", "1")).toBe("1\n2\n3");
    expect(await pm(["logs", "--run", "9", id])).toMatchObject({ code: 3, out: "" });
    expect(await logs("-n", "1", "--since", "1h")).toBe("3");
  });

  test("of several processes: whole lines with the name in front", async ({ pm }) => {
    await pm.ok(["start", "-n", "a", "--", "sh", "-c", "echo one; echo two; printf three"]);
    await pm.ok(["start", "-n", "longer", "echo", "x"]);
    await pm(["wait", "--for", "output", "a", "longer"]);
    const { out, err, code } = await pm(["logs", "a", "longer", "none"]);
    expect(code).toBe(3);
    expect(err).toMatch(/^pm: .*none/);
    expect(out.split("\n").sort()).toEqual(["", "a      | one", "a      | three", "a      | two", "longer | x"]);
  });

  test("tells on stderr what the output limit let go", async ({ pm }) => {
    const id = await pm.ok([
      "start",
      "--output-limit",
      "4096",
      "--",
      "sh",
      "-c",
      "head -c 5000000 /dev/zero; echo end",
    ]);
    await pm(["wait", "--for", "output", id]);
    const { code, stdout, err } = await pm(["logs", id]);
    expect(code).toBe(0);
    const [, missing] = /^pm: (\d+) bytes of output are no longer kept \(offset 0 to \1\)\n$/.exec(err) ?? [];
    expect(Number(missing) + stdout.length).toBe(5_000_004);
    expect(stdout.subarray(-4).toString()).toBe("end\n");
  });

  test("Ctrl-C ends the showing, not the process", async ({ pm }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "echo here; sleep 60"]);
    const logs = pm.spawn(["logs", "-f", id]);
    await logs.saw("here");
    logs.child.kill("SIGINT");
    const { code, signal, err } = await logs.ended;
    expect([code, signal, err]).toEqual([null, "SIGINT", ""]);
    expect(await pm.ok(["ls", "-q"])).toBe(id);
    // As a shell sees it.
    const shell = await pm.shell(`pm logs -f ${id} & pid=$!; sleep 0.5; kill -INT $pid; wait $pid; echo $?`);
    expect(shell.out).toMatch(/(130|here)/);
  });

  test("is quiet when nobody reads on, and the process goes on", async ({ pm, expect }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "while :; do echo line; sleep 0.01; done"]);
    const script = "while :; do echo y; sleep 0.01; done";
    const { out, err } = await pm.shell(`pm logs -f ${id} | head -n 3; pm run -- sh -c '${script}' | head -n 2`);
    expect(out).toBe("line\nline\nline\ny\ny\n");
    expect(err).toBe("");
    // Nobody reads what `run` would print, so it does not go on behind one's back.
    await expect.poll(() => pm.ok(["ls", "-q"]), { timeout: limitMs }).toBe(id);
  });

  test("follows over restarts of the process and of the daemon", async ({ pm }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "echo begin $$; sleep 60"]);
    const logs = pm.spawn(["logs", "-f", id]);
    await logs.saw("begin");
    const pid = await pm.daemonPid();
    process.kill(pid, "SIGKILL");
    await logs.saw("connection to the daemon is lost", "err");
    await pm.ok(["daemon", "start"]);
    await logs.saw("the daemon is back", "err");
    const second = JSON.parse(await pm.ok(["restart", id]).then(() => pm.ok(["status", "-o", "json", id]))) as {
      pid: number;
    };
    await logs.saw(`begin ${second.pid}`);
    expect(isAlive(second.pid)).toBe(true);
  });

  test("a reader that stops reading slows nobody", async ({ pm }) => {
    const id = await pm.ok(["start", "-n", "flood", "--", "sh", "-c", "head -c 100000000 /dev/zero; echo done >&2"]);
    const stalled = pm.spawn(["logs", "-f", id]);
    stalled.child.stdout?.pause();
    expect(await pm(["wait", id])).toMatchObject({ code: 0 });
    expect(await pm.ok(["logs", "--stream", "stderr", "-n", "1", id])).toBe("done");
  });
});

describe.concurrent("a killed daemon", () => {
  test("50 writing processes lose nothing, their exit codes are right, followers go on", { timeout: 120_000 }, async ({
    pm,
  }) => {
    const count = 50;
    await pm.ok(["daemon", "start"]);
    const script = 'i=0; while [ $i -lt 200 ]; do echo "$0 $i"; i=$((i+1)); sleep 0.01; done; exit $0';
    const start = await pm.shell(
      `for n in $(seq ${count}); do pm start -n p$n -- sh -c '${script}' $n || exit 1; done`,
    );
    expect(start).toMatchObject({ code: 0 });
    const follower = pm.spawn(["logs", "-f", `p${count}`]);
    await follower.saw(`${count} 0`);
    process.kill(await pm.daemonPid(), "SIGKILL");
    await pm.ok(["daemon", "start"]);
    const names = Array.from({ length: count }, (_, index) => `p${index + 1}`);
    const wait = await pm(["wait", "--for", "output", ...names]);
    expect(wait.out.split("\n").sort()).toEqual(["", ...names.map((name) => `${name} ${name.slice(1)}`)].sort());
    expect(wait.code).toBe(count);
    const expected = (n: number): string => Array.from({ length: 200 }, (_, i) => `${n} ${i}\n`).join("");
    expect((await follower.ended).out).toBe(expected(count));
    const all = await pm.shell(`for n in $(seq ${count}); do pm logs p$n; done`);
    expect(all.out).toBe(names.map((_, index) => expected(index + 1)).join(""));
  });

  test("the zygote too: processes run on, new ones start", async ({ pm }) => {
    const id = await pm.ok(["start", "--", "sh", "-c", "echo one; sleep 1; echo two; exit 9"]);
    const zygote = zygoteOf(await pm.daemonPid(), pm.runtimeDir);
    expect(zygote).toBeGreaterThan(0);
    process.kill(zygote, "SIGKILL");
    expect(await pm.ok(["run", "echo", "new"])).toBe("new");
    expect(await pm(["wait", "--for", "output", id])).toMatchObject({ code: 9 });
    expect(await pm.ok(["logs", id])).toBe("one\ntwo");
  });
});

/** The process that holds the lock of the zygotes, from /proc/locks by the lock's inode. */
function zygoteOf(daemonPid: number, runtimeDir: string): number {
  const inode = statSync(join(runtimeDir, "zygote.lock")).ino;
  const line = readFileSync("/proc/locks", "utf8")
    .split("\n")
    .find((text) => text.includes(`:${inode} `));
  const pid = Number(line?.trim().split(/\s+/)[4]);
  expect(pid).not.toBe(daemonPid);
  return pid;
}

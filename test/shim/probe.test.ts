import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Step } from "../../src/server/engine/shim/layout.ts";
import { runtimePaths } from "../../src/server/engine/shim/paths.ts";
import { ProbeLostError, type ProbeOutcome } from "../../src/server/engine/shim/probes.ts";
import { alive, Bench, until, zygotePid } from "./run.ts";

const benches: Bench[] = [];
async function open(options: Parameters<typeof Bench.open>[0] = {}): Promise<Bench> {
  const bench = await Bench.open(options);
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) {
    expect(existsSync(runtimePaths(bench.dir).probes) ? readdirSync(runtimePaths(bench.dir).probes) : []).toEqual([]);
    await bench.close();
  }
});

const never = new AbortController().signal;
const LONG_MS = 60_000;

function probe(bench: Bench, script: string, timeoutMs = LONG_MS, signal = never): Promise<ProbeOutcome> {
  return bench.zygote.probe(bench.spec(["sh", "-c", script]), { timeoutMs, signal });
}

test("a probe's exit code and output", async () => {
  const bench = await open();
  const outcome = await probe(bench, "echo out; echo err >&2; exit 3");
  expect(outcome).toEqual({
    code: 3,
    signal: null,
    timedOut: false,
    failure: null,
    output: Buffer.from("out\nerr\n"),
    truncated: false,
  });
  expect(await probe(bench, "kill -USR1 $$")).toMatchObject({ code: null, signal: 10, timedOut: false });
});

test("a probe gets what its spec says, and no standard input", async () => {
  const bench = await open();
  const spec = bench.spec(["sh", "-c", 'umask; pwd; echo "$A"; cat; readlink /proc/self/fd/0'], {
    umask: 0o77,
    cwd: "/usr",
  });
  const { output } = await bench.zygote.probe(spec, { timeoutMs: LONG_MS, signal: never });
  expect(output.toString()).toBe("0077\n/usr\nb c\n/dev/null\n");
});

test("output beyond 4 KiB is cut, and does not block the command", async () => {
  const bench = await open();
  const outcome = await probe(bench, "seq 1 300000; exit 1");
  const first = Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join("");
  expect(outcome).toMatchObject({ code: 1, truncated: true });
  expect(outcome.output.toString()).toBe(first.slice(0, 4096));
});

test("a command that cannot be executed", async () => {
  const bench = await open();
  const spec = bench.spec(["/no/such"]);
  expect(await bench.zygote.probe(spec, { timeoutMs: LONG_MS, signal: never })).toMatchObject({
    code: null,
    signal: null,
    failure: { step: Step.exec, errno: constants.errno.ENOENT },
  });
});

test("at its time-out the whole tree of a probe is killed", async () => {
  const bench = await open();
  const pids = join(bench.dir, "pids");
  const tree = `trap '' TERM; echo $$ >>${pids}; (setsid sh -c "trap '' TERM; echo \\$\\$ >>${pids}; sleep 1000" &) ; sleep 1000`;
  const outcome = await probe(bench, tree, 300);
  expect(outcome).toMatchObject({ code: null, signal: 9, timedOut: true });
  for (const pid of readFileSync(pids, "utf8").trim().split("\n")) {
    expect(alive(Number(pid))).toBe(false);
  }
});

test("what a probe leaves behind ends with it", async () => {
  const bench = await open();
  const outcome = await probe(bench, "setsid sleep 1000 & echo $!; exit 0");
  expect(outcome).toMatchObject({ code: 0, timedOut: false });
  expect(alive(Number(outcome.output.toString()))).toBe(false);
});

test("a probe can be canceled, while it runs and before", async () => {
  const bench = await open();
  const pid = join(bench.dir, "pid");
  const controller = new AbortController();
  const running = probe(
    bench,
    `echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 1000`,
    LONG_MS,
    controller.signal,
  );
  await until("the command", () => existsSync(pid));
  controller.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  await until("its end", () => !alive(Number(readFileSync(pid, "utf8"))));
  await expect(probe(bench, "true", LONG_MS, controller.signal)).rejects.toThrow("enough");
  expect(await probe(bench, "exit 4")).toMatchObject({ code: 4 });
});

test("64 run at once, and the others in their turn", async () => {
  const bench = await open();
  const gate = join(bench.dir, "gate");
  const started = join(bench.dir, "started");
  const script = `echo x >>${started}; while [ ! -e ${gate} ]; do sleep 0.02; done`;
  const all = Array.from({ length: 70 }, (_, i) => probe(bench, `${script}; exit ${i}`));
  await until("64 of them", () => existsSync(started) && readFileSync(started, "utf8").length === 128);
  const inTime = await bench.start(["touch", gate]);
  await inTime.done();
  expect((await Promise.all(all)).map(({ code }) => code)).toEqual(all.map((_, i) => i));
});

test("starts and probes go on beside a probe that hangs", async () => {
  const bench = await open();
  const controller = new AbortController();
  const hanging = probe(bench, "exec sleep 1000", LONG_MS, controller.signal);
  hanging.catch(() => {});
  expect(await probe(bench, "exit 0")).toMatchObject({ code: 0 });
  const run = await bench.sh("exit 5");
  expect((await run.done()).waitStatus).toBe(5 << 8);
  await bench.gone(run);
  controller.abort(new Error("enough"));
  await expect(hanging).rejects.toThrow("enough");
  await until("the spec to be removed", () => readdirSync(runtimePaths(bench.dir).probes).length === 0);
});

test("a zygote's death ends its probes, and the next one runs others", async () => {
  const bench = await open();
  const pid = join(bench.dir, "pid");
  const hanging = probe(bench, `echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 1000`);
  hanging.catch(() => {});
  await until("the command", () => existsSync(pid));
  process.kill(zygotePid(bench.dir), "SIGKILL");
  await expect(hanging).rejects.toThrow(ProbeLostError);
  await until("the command's end", () => !alive(Number(readFileSync(pid, "utf8"))));
  expect(await probe(bench, "exit 6")).toMatchObject({ code: 6 });
});

test("closing refuses probes and ends those under way", async () => {
  const bench = await open();
  const pid = join(bench.dir, "pid");
  const hanging = probe(bench, `echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 1000`);
  hanging.catch(() => {});
  await until("the command", () => existsSync(pid));
  bench.zygote.close();
  await expect(hanging).rejects.toThrow("closed");
  await expect(probe(bench, "true")).rejects.toThrow("closed");
  await until("the command's end", () => !alive(Number(readFileSync(pid, "utf8"))));
});

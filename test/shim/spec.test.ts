import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rlimitNumber } from "../../src/server/engine/limits/rlimits.ts";
import { HOLD_MOST_MS, PROTOCOL_VERSION, Step, specLayout } from "../../src/server/engine/shim/layout.ts";
import { encodeSpec, type ShimSpec } from "../../src/server/engine/shim/spec.ts";
import { Bench } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const resources = [
  ...["as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue"],
  ...["nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"],
];

/** The limits of this process as /proc/self/limits shows them, by their numbers in the order of the file. */
const inFileOrder = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const order = "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime";

function limits(text: string): string[][] {
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.slice(26).trim().split(/\s+/).slice(0, 2));
}

test("all of Linux's resources have their numbers", () => {
  expect(resources.map(rlimitNumber).sort((a, b) => Number(a) - Number(b))).toEqual(inFileOrder);
  expect(order.split(" ").map(rlimitNumber)).toEqual(inFileOrder);
});

test("every resource limit reaches the process", async () => {
  const own = limits(readFileSync("/proc/self/limits", "utf8"));
  // Below what is allowed, and different for each.
  const wanted = inFileOrder.map((resource) => {
    const [, hard = "0"] = own[resource] ?? [];
    const most = hard === "unlimited" ? 1n << 40n : BigInt(hard);
    const soft = most === 0n ? 0n : most - 1n - (most > 100n ? BigInt(resource) : 0n);
    return { resource, soft, hard: most };
  });
  const run = await bench.start(["cat", "/proc/self/limits"], { rlimits: wanted });
  await run.done();
  expect(limits(run.text())).toEqual(wanted.map(({ soft, hard }) => [String(soft), String(hard)]));
});

test("the umask is the spec's", async () => {
  const run = await bench.sh("umask", { umask: 0o137 });
  await run.done();
  expect(run.text()).toBe("0137\n");
});

function refused(name: string, expected: object, options: Partial<ShimSpec>): void {
  test(name, async () => {
    const run = await bench.sh("exit 0", options);
    expect(await run.done()).toMatchObject({ failStep: Step.priority, ...expected });
  });
}

test("nice and oom_score_adj are the spec's, and the shim keeps its own", async () => {
  const own = readFileSync("/proc/self/oom_score_adj", "utf8");
  const run = await bench.sh("cat /proc/self/oom_score_adj; nice; exec sleep 1000", { nice: 17, oomScoreAdj: 345 });
  await run.says(/^345\n17\n$/);
  expect(readFileSync(`/proc/${run.shimPid}/oom_score_adj`, "utf8")).toBe(own);
  const unset = await bench.sh("cat /proc/self/oom_score_adj; nice");
  await unset.done();
  // Not what the shim has, where that may be made better.
  const best = spawnSync("sh", ["-c", "renice -n 0 -p $$ >&2; nice"], { encoding: "utf8" }).stdout;
  expect(unset.text()).toBe(`${own}${best}`);
});

test("a negative oom_score_adj", async () => {
  // It takes a capability that root of a user namespace does not have.
  const allowed = spawnSync("sh", ["-c", "echo -1000 >/proc/self/oom_score_adj"]).status === 0;
  const run = await bench.sh("cat /proc/self/oom_score_adj", { oomScoreAdj: -1000 });
  expect((await run.done()).failStep).toBe(allowed ? 0 : Step.priority);
  expect(run.text()).toBe(allowed ? "-1000\n" : "");
});

refused("an impossible oom_score_adj", { failErrno: constants.errno.EINVAL, failPath: 1 }, { oomScoreAdj: 2000 });

test("bytes that are no UTF-8 reach the process unchanged", async () => {
  const odd = Buffer.from([0x2f, 0x74, 0x6d, 0x70, 0xff, 0xc3]);
  const run = await bench.start(["sh", "-c", 'printf %s "$1$X"', "sh"], {
    env: [Buffer.concat([Buffer.from("X="), odd]), `PATH=${process.env["PATH"]}`],
    paths: ["/bin/sh"],
  });
  await run.done();
  expect(run.output()).toEqual(odd);
  const argument = await bench.startBytes([Buffer.from("/bin/echo"), odd]);
  await argument.done();
  expect(argument.output()).toEqual(Buffer.concat([odd, Buffer.from("\n")]));
  const missing = await bench.startBytes([Buffer.from("/bin/true")], { cwd: odd });
  expect(await missing.done()).toMatchObject({ failStep: Step.chdir, failErrno: constants.errno.ENOENT });
});

test("what cannot be written is refused", () => {
  const spec: ShimSpec = {
    outputLimit: 4096,
    holdMs: 0,
    stdin: "null",
    terminal: null,
    rlimits: [],
    umask: 0o22,
    nice: null,
    oomScoreAdj: null,
    notify: false,
    cwd: "/",
    cgroup: "",
    paths: ["/bin/true"],
    args: ["true"],
    env: [],
  };
  expect(() => encodeSpec({ ...spec, args: [Uint8Array.of(65, 0, 66)] })).toThrow("NUL");
  expect(() => encodeSpec({ ...spec, umask: 0o1777 })).toThrow("umask");
  expect(() => encodeSpec({ ...spec, paths: [] })).toThrow("at least one");
  expect(() => encodeSpec({ ...spec, holdMs: HOLD_MOST_MS + 1 })).toThrow("holder");
});

test.each([
  ["of another version", specLayout.version, PROTOCOL_VERSION + 1],
  ["that holds for longer than may be", specLayout.hold_ms, HOLD_MOST_MS + 1],
])("a spec %s is refused", async (_name, offset, value) => {
  const uuid = bench.prepare(["true"]);
  const path = join(bench.dir, "p", uuid, "1", "spec");
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(value, offset);
  writeFileSync(path, bytes);
  const pid = await bench.zygote.start(uuid, 1);
  expect(await bench.goneOf(uuid, 1)).toEqual({
    pid,
    failure: { step: Step.prepare, errno: constants.errno.EINVAL },
  });
});

test("the signal mask of the process is empty, and no signal is ignored", async () => {
  // Not through a shell, which sets its own.
  const run = await bench.start(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]);
  await run.done();
  const zero = "0000000000000000";
  expect(run.text()).toBe(`SigBlk:\t${zero}\nSigIgn:\t${zero}\n`);
});

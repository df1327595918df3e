import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunState, Step, Stream } from "../../src/server/engine/shim/layout.ts";
import { procStat } from "../../src/server/engine/shim/proc-stat.ts";
import type { ShimSpec } from "../../src/server/engine/shim/spec.ts";
import { Bench, shimPath } from "./run.ts";

const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;
const { ENOENT, EACCES, ENOEXEC, EINVAL, E2BIG } = constants.errno;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

test("a process's output, exit code and end", async () => {
  const run = await bench.sh("echo out; echo err >&2; exit 7");
  const header = await run.done();
  expect(header).toMatchObject({
    state: RunState.exited,
    waitStatus: 7 << 8,
    outputComplete: true,
    treeGone: true,
    written: 8,
    stdoutBytes: 4,
    stderrBytes: 4,
    shimPid: run.shimPid,
    run: 1,
    uuid: run.uuid,
  });
  expect(header.started).toBeGreaterThan(0n);
  expect(header.exited).toBeGreaterThanOrEqual(header.started);
  expect(header.finished).toBeGreaterThanOrEqual(header.exited);
  expect(run.text(Stream.stdout)).toBe("out\n");
  expect(run.text(Stream.stderr)).toBe("err\n");
  expect(await bench.gone(run)).toEqual({ pid: run.shimPid, failure: null });
});

test("a signal's death is not an exit code", async () => {
  const run = await bench.sh("kill -9 $$");
  expect((await run.done()).waitStatus & 0xff).toBe(9);
});

test("the core dump flag", async () => {
  const run = await bench.sh("kill -ABRT $$", { rlimits: [{ resource: RLIMIT_CORE, soft: 0n, hard: 0n }] });
  expect((await run.done()).waitStatus & 0xff).toBe(constants.signals.SIGABRT);
});

test("the process's surroundings are clean", async () => {
  const run = await bench.sh(
    'grep -E "^Sig(Blk|Ign)" /proc/self/status; ls /proc/self/fd | tr "\\n" " "; echo; umask; pwd; echo "$A"; readlink /proc/self/fd/0; [ "$(cut -d" " -f6 /proc/$$/stat)" = $$ ] && echo leader',
    { cwd: "/usr" },
  );
  await run.done();
  expect(run.text()).toBe(
    // 3 is ls's own directory.
    `SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0 1 2 3 \n0022\n/usr\nb c\n/dev/null\nleader\n`,
  );
});

test("the ring tells when shim and process began, as /proc does", async () => {
  // Many at once: some find another clock tick before the fork and after.
  const runs = await Promise.all(Array.from({ length: 256 }, () => bench.start(["sleep", "1000"])));
  for (const run of runs) {
    const { shimPid, shimStart, childPid, childStart } = await run.running();
    expect([shimStart, childStart]).toEqual([procStat(shimPid)?.start, procStat(childPid)?.start]);
  }
});

test("a process ignores no signal that the zygote's parent ignored", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pm-ignoring-"));
  const shim = join(dir, "pm-shim");
  writeFileSync(shim, `#!/bin/sh\ntrap "" HUP ALRM CHLD PROF 64\nexec ${shimPath} "$@"\n`, { mode: 0o700 });
  const ignoring = await Bench.open({ shim });
  const run = await ignoring.start(["grep", "^SigIgn", "/proc/self/status"]);
  await run.done();
  expect(run.text()).toBe("SigIgn:\t0000000000000000\n");
  await ignoring.close();
  rmSync(dir, { recursive: true });
});

test("/dev/stdout can be opened", async () => {
  const run = await bench.sh("echo one >/dev/stdout; echo two >/dev/stderr; echo three >/proc/self/fd/1");
  await run.done();
  expect(run.text(Stream.stdout)).toBe("one\nthree\n");
  expect(run.text(Stream.stderr)).toBe("two\n");
});

test("a closed stdout is not the end", async () => {
  const run = await bench.sh("exec >&- 2>&-; sleep 0.1; exit 3");
  const early = await run.header("output complete", (h) => h.outputComplete);
  expect(early.written).toBe(0);
  expect((await run.done()).waitStatus).toBe(3 << 8);
});

test("rlimits are set in the process", async () => {
  const run = await bench.sh("ulimit -Sn; ulimit -Hn", {
    rlimits: [{ resource: RLIMIT_NOFILE, soft: 50n, hard: 60n }],
  });
  await run.done();
  expect(run.text()).toBe("50\n60\n");
});

test("the paths are tried as execvp(3) does", async () => {
  const noExecute = join(bench.dir, "plain");
  writeFileSync(noExecute, "x");
  const run = await bench.start(["true"], { paths: ["/no/such", noExecute, "/bin/true", "/bin/false"] });
  expect((await run.done()).waitStatus).toBe(0);
  const refused = await bench.start(["true"], { paths: ["/no/such", noExecute, "/no/other"] });
  expect(await refused.done()).toMatchObject({ failStep: Step.exec, failErrno: EACCES, failPath: 1 });
});

const failures: [string, (dir: string) => [string[], Partial<ShimSpec>], object][] = [
  ["a missing file", () => [["/no/such"], {}], { failStep: Step.exec, failErrno: ENOENT }],
  ["a directory", () => [["/usr"], {}], { failStep: Step.exec, failErrno: EACCES }],
  [
    "no execute bit",
    (dir) => {
      writeFileSync(join(dir, "script"), "#!/bin/sh\n", { mode: 0o644 });
      return [[join(dir, "script")], {}];
    },
    { failStep: Step.exec, failErrno: EACCES },
  ],
  [
    "a missing interpreter",
    (dir) => {
      writeFileSync(join(dir, "bad"), "#!/no/interpreter\n");
      chmodSync(join(dir, "bad"), 0o755);
      return [[join(dir, "bad")], {}];
    },
    { failStep: Step.exec, failErrno: ENOENT },
  ],
  [
    "no program at all",
    (dir) => {
      writeFileSync(join(dir, "text"), "hello\n");
      chmodSync(join(dir, "text"), 0o755);
      return [[join(dir, "text")], {}];
    },
    { failStep: Step.exec, failErrno: ENOEXEC },
  ],
  ["3 MB of arguments", () => [["/bin/true", "x".repeat(3_000_000)], {}], { failStep: Step.exec, failErrno: E2BIG }],
  ["a missing cwd", () => [["/bin/true"], { cwd: "/no/cwd" }], { failStep: Step.chdir, failErrno: ENOENT }],
  [
    "a soft limit above the hard one",
    () => [
      ["/bin/true"],
      {
        rlimits: [
          { resource: RLIMIT_CORE, soft: 0n, hard: 0n },
          { resource: RLIMIT_NOFILE, soft: 20n, hard: 10n },
        ],
      },
    ],
    { failStep: Step.limits, failErrno: EINVAL, failPath: 1 },
  ],
  [
    "an unknown limit",
    () => [["/bin/true"], { rlimits: [{ resource: 0xffff_fff0, soft: 0n, hard: 0n }] }],
    { failStep: Step.limits, failErrno: EINVAL, failPath: 0 },
  ],
  [
    "a limit beyond the kernel's",
    () => [["/bin/true"], { rlimits: [{ resource: RLIMIT_NOFILE, soft: null, hard: null }] }],
    { failStep: Step.limits, failErrno: constants.errno.EPERM, failPath: 0 },
  ],
  ["a missing cgroup", () => [["/bin/true"], { cgroup: "/no/cgroup" }], { failStep: Step.cgroup, failErrno: ENOENT }],
];

test.each(failures)("a start that fails: %s", async (_, prepare, expected) => {
  const [args, options] = prepare(bench.dir);
  const run = await bench.start(args, options);
  const header = await run.done();
  expect(header).toMatchObject({
    state: RunState.failed,
    started: 0n,
    childPid: 0,
    written: 0,
    outputComplete: true,
    treeGone: true,
    ...expected,
  });
  expect((await bench.gone(run)).failure).toBeNull();
});

test("a cgroup is joined before the program runs", async () => {
  const cgroup = join(bench.dir, "cgroup");
  mkdirSync(cgroup);
  writeFileSync(join(cgroup, "cgroup.procs"), "");
  const run = await bench.start(["cat", join(cgroup, "cgroup.procs")], { cgroup });
  await run.done();
  expect(run.text()).toBe("0");
});

test("a run without a spec fails with the step and errno", async () => {
  const uuid = "11111111-2222-4333-8444-555555555555";
  const pid = await bench.zygote.start(uuid, 9);
  const gone = await bench.goneOf(uuid, 9);
  expect(gone).toEqual({ pid, failure: { step: Step.prepare, errno: ENOENT } });
});

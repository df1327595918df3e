import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendControl } from "../../src/server/engine/shim/control.ts";
import { survivors } from "../../src/server/engine/shim/descendants.ts";
import { Control, RunState, Target } from "../../src/server/engine/shim/layout.ts";
import { buildProgram } from "./compile.ts";
import { alive, Bench, type Run, until } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const SIGTERM = 15;
const SIGUSR1 = 10;

/** A child, a process group, a session and a daemon, all deaf to SIGTERM, then `main`. */
function stubbornTree(main: string): string {
  return `
    trap '' TERM
    sh -c 'echo child $$; exec sleep 1000' &
    bash -c 'set -m; sleep 1000 & echo group $!; wait' &
    setsid sh -c 'echo session $$; exec sleep 1000' &
    ( setsid sh -c 'echo daemon $$; exec sleep 1000' & )
    ${main}`;
}

async function pids(run: Awaited<ReturnType<Bench["sh"]>>): Promise<number[]> {
  const names = ["child", "group", "session", "daemon"];
  const found: number[] = [];
  for (const name of names) {
    found.push(Number((await run.says(new RegExp(`${name} (\\d+)`)))[1]));
  }
  return found;
}

test("a stubborn tree ends, to the last daemon", async () => {
  const run = await bench.sh(stubbornTree("wait"));
  const tree = await pids(run);
  const main = run.ring().header().childPid;
  expect(await run.control(Control.signal, SIGTERM, Target.tree)).toBe(0);
  expect(tree.map(alive)).toEqual([true, true, true, true]);
  const seen = survivors(run.shimPid).map((process) => process.pid);
  expect(seen).toEqual(expect.arrayContaining([main, ...tree]));
  expect(await run.control(Control.killTree)).toBe(0);
  const header = await run.done();
  expect(header).toMatchObject({ state: RunState.exited, treeGone: true, waitStatus: 9 });
  expect([main, ...tree].map(alive)).toEqual([false, false, false, false, false]);
  expect(survivors(run.shimPid)).toEqual([]);
});

test("a leader may exit while its children live", async () => {
  const run = await bench.sh(stubbornTree("exit 5"));
  const tree = await pids(run);
  const header = await run.header("the leader's exit", (h) => h.state === RunState.exited);
  expect(header).toMatchObject({ waitStatus: 5 << 8, treeGone: false, done: false });
  expect(tree.every(alive)).toBe(true);
  expect(await run.control(Control.signal, 0, Target.main)).toBe(3); // ESRCH
  expect(await run.control(Control.release)).toBe(16); // EBUSY
  await run.control(Control.killTree);
  expect(await run.done()).toMatchObject({ waitStatus: 5 << 8, treeGone: true });
  expect(tree.some(alive)).toBe(false);
});

test("a group signal after the leader's exit reaches what is left of its group", async () => {
  const run = await bench.sh("sh -c 'trap \"echo got; exit\" USR1; echo ready; while :; do sleep 0.01; done' & exit 0");
  await run.says(/ready/);
  await run.header("the leader's exit", (h) => h.state === RunState.exited);
  expect(await run.control(Control.signal, SIGUSR1, Target.group)).toBe(0);
  await run.says(/got/);
  await run.done();
});

test("a group signal does not reach another session", async () => {
  const run = await bench.sh("setsid sh -c 'echo session $$; exec sleep 1000' & wait");
  const session = Number((await run.says(/session (\d+)/))[1]);
  expect(await run.control(Control.signal, SIGTERM, Target.group)).toBe(0);
  await run.header("the leader's exit", (h) => h.state === RunState.exited);
  expect(alive(session)).toBe(true);
  expect(await run.control(Control.signal, SIGTERM, Target.group)).toBe(3);
  await run.control(Control.signal, SIGTERM, Target.tree);
  await run.done();
});

test("chains of fork and exit do not outrun the kill", async () => {
  const run = await bench.sh("echo 'sh $0 & exit' > $T; for i in 1 2 3 4 5; do sh $T & done; echo chains; wait", {
    env: [`T=${bench.dir}/chain`, `PATH=${process.env["PATH"]}`],
  });
  await run.says(/chains/);
  await run.control(Control.killTree);
  expect(await run.done()).toMatchObject({ treeGone: true });
});

/** How many times a process has called read(2) and the like. */
function readsOf(pid: number): number {
  return Number(/^syscr: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
}

test("F8: thousands of zombies below a subreaper do not stand in the way", async () => {
  const run = await bench.start([buildProgram("zombies"), "9000", "3"], { outputLimit: 4096 });
  await run.says(/zombies/);
  expect(await run.control(Control.signal, SIGTERM, Target.tree)).toBe(0);
  // Deaf to that; and the chains fork on.
  expect(run.ring().header()).toMatchObject({ state: RunState.running, treeGone: false });
  expect(await run.control(Control.killTree)).toBe(0);
  expect(await run.done()).toMatchObject({ waitStatus: 9, treeGone: true });
});

test("F8: zombies alone are nobody to signal, or to look into", async () => {
  // The middle process ends: its zombie's parent, deaf and not reaping, is all that lives.
  const zombies = 1000;
  const run = await bench.start([buildProgram("zombies"), String(zombies), "0"]);
  await run.says(/zombies/);
  expect(survivors(run.shimPid)).toHaveLength(2);
  const before = readsOf(run.shimPid);
  expect(await run.control(Control.signal, SIGTERM, Target.tree)).toBe(0);
  // A list of children names hundreds of them in one read(2); one for each would be thousands.
  expect(readsOf(run.shimPid) - before).toBeLessThan(zombies / 2);
  await run.control(Control.killTree);
  await run.done();
});

test("a kill does not wait for a signal's walk over a large tree", async () => {
  const run = await bench.start([buildProgram("zombies"), "5000", "3"]);
  await run.says(/zombies/);
  process.kill(run.shimPid, "SIGSTOP");
  sendControl(run.paths.control, { type: Control.signal, seq: 1, a: SIGTERM, b: Target.tree });
  sendControl(run.paths.control, { type: Control.killTree, seq: 2, a: 0, b: 0 });
  process.kill(run.shimPid, "SIGCONT");
  expect(await run.done()).toMatchObject({ waitStatus: 9, treeGone: true });
});

test.each([
  ["", []],
  // Longer than passes may take (tree.c).
  [", also when the walk is held up", ["500"]],
])("a signal to the tree reaches what the tree forks on it%s", async (_, stopMs) => {
  const program = buildProgram("forks-on-term");
  // The first process has the time that the walk takes over the others; where
  // that was too short for it to be scheduled, it is tried again.
  for (let round = 0; round < 20; round++) {
    const run = await bench.start([program, "400", ...stopMs]);
    await run.says(/ready/);
    expect(await run.control(Control.signal, SIGTERM, Target.tree)).toBe(0);
    // It forks, or has forked, a child for this signal, which ends by it or stays.
    const isReached = run.text().includes("reached") || (await forkedChildEnds(run));
    await run.control(Control.killTree);
    await run.done();
    if (isReached) {
      return;
    }
  }
  throw new Error("no signal ever reached a process that was forked during the walk");
});

/** Whether the child that the main process forked is gone again, once it was forked. */
async function forkedChildEnds(run: Run): Promise<boolean> {
  const { childPid } = run.ring().header();
  const children = () => readFileSync(`/proc/${childPid}/task/${childPid}/children`, "utf8").trim().split(" ").length;
  await until("the handler", () => children() > 400 || run.text().includes("reached"));
  return run.text().includes("reached");
}

test("F19: an exit and the end of its tree are published together", async () => {
  for (let round = 0; round < 200; round++) {
    const run = await bench.start(["true"], { outputLimit: 4096 });
    await run.header("a ring", (h) => h.published);
    // As closely as it can be looked at.
    let header = run.ring().header();
    while (header.state < RunState.exited) {
      header = run.ring().header();
    }
    expect(header).toMatchObject({ state: RunState.exited, treeGone: true, outputComplete: true, done: true });
    await bench.gone(run);
    run.destroy();
  }
});

test("a writer outside the tree holds the end back until RELEASE", async () => {
  const run = await bench.sh("echo mine; echo ready; sleep 1000");
  await run.says(/ready/);
  const { childPid } = run.ring().header();
  const foreign = openSync(`/proc/${childPid}/fd/1`, "w");
  try {
    await run.control(Control.killTree);
    const header = await run.header("the tree's end", (h) => h.treeGone);
    expect(header).toMatchObject({ outputComplete: false, done: false });
    writeSync(foreign, "foreign\n");
    await run.says(/foreign/);
    expect(await run.control(Control.release)).toBe(0);
    expect(await run.done()).toMatchObject({ outputComplete: true });
  } finally {
    closeSync(foreign);
  }
});

describe("control messages", () => {
  test("that make no sense are refused", async () => {
    const run = await bench.sh("exec sleep 1000");
    await run.running();
    expect(await run.control(99)).toBe(38); // ENOSYS
    expect(await run.control(Control.signal, 1000, Target.main)).toBe(22); // EINVAL
    expect(await run.control(Control.signal, 1, 77)).toBe(22);
    expect(await run.control(Control.resize, 1, 1)).toBe(25); // ENOTTY
    expect(await run.control(Control.closeStdin)).toBe(9); // EBADF
    await run.control(Control.signal, SIGTERM, Target.main);
    expect((await run.done()).waitStatus).toBe(SIGTERM);
  });

  test("find no shim after the end", async () => {
    const run = await bench.sh("exit 0");
    await run.done();
    await bench.gone(run);
    await until("the shim's end", () => !alive(run.shimPid));
    await expect(run.control(Control.killTree)).rejects.toThrow("gone");
  });
});

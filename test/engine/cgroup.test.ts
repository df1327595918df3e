import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Cgroups, findDelegatedSubtree } from "../../src/server/engine/limits/cgroup.ts";
import { open, refused, runtimeDirectory, somebody, spec, start } from "./harness.ts";

const id = "01234567-89ab-4cde-8f01-23456789abcd";
const noLimits = { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null };

/** A directory that looks like a delegated cgroup, of plain files. */
function fakeRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "pm-cgroup-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("limits are written as the kernel reads them", () => {
  const root = fakeRoot();
  const limits = { rlimits: [], memoryBytes: 50_000_000, cpuMillis: 1500, processes: 20 };
  const directory = new Cgroups(root).enter(id, 3, limits);
  expect(directory).toBe(join(root, `pm-${id}-3`));
  const written = Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
  expect(written).toEqual({ "memory.max": "50000000", "cpu.max": "150000 100000", "pids.max": "20" });
});

test("limits are set again for what lives, and nothing is made for what does not", () => {
  const root = fakeRoot();
  const cgroups = new Cgroups(root);
  const directory = cgroups.enter(id, 1, noLimits);
  const limits = { ...noLimits, memoryBytes: 1_000_000 };
  cgroups.renew(id, 1, limits);
  cgroups.renew(id, 2, limits);
  expect(readFileSync(join(directory, "memory.max"), "utf8")).toBe("1000000");
  expect(readdirSync(root)).toEqual([`pm-${id}-1`]);
});

test("the next daemon sets the limits that a run was started with, whatever the next run is to have", async () => {
  const root = fakeRoot();
  const runtimeDir = runtimeDirectory();
  const directory = join(root, `pm-${id}-1`);
  mkdirSync(directory);
  writeFileSync(join(directory, "cgroup.procs"), "");
  const first = await open({ runtimeDir, cgroupRoot: root });
  const limits = { ...noLimits, memoryBytes: 1_000_000, cpuMillis: 500 };
  await start(first, spec("/bin/sleep", ["1000"], { limits }), id);
  const other = { ...noLimits, memoryBytes: 2_000_000, processes: 10 };
  await first.engine.update({ id }, (process) => ({ spec: { ...process.spec, limits: other } }), somebody);
  await first.close();
  for (const file of ["memory.max", "cpu.max"]) rmSync(join(directory, file));
  await open({ runtimeDir, cgroupRoot: root });
  expect(readdirSync(directory).sort()).toEqual(["cgroup.procs", "cpu.max", "memory.max"]);
  expect(readFileSync(join(directory, "memory.max"), "utf8")).toBe("1000000");
});

test("a delegated subtree is the daemon's own cgroup, or the one above its leaf", () => {
  const root = fakeRoot();
  const unit = join(root, "pm.service");
  for (const directory of [unit, join(unit, "pm-daemon")]) {
    mkdirSync(directory);
    writeFileSync(join(directory, "cgroup.procs"), "");
    writeFileSync(join(directory, "cgroup.subtree_control"), "");
    writeFileSync(join(directory, "cgroup.controllers"), "cpu io memory pids\n");
  }
  const user = process.geteuid?.() === 0 ? 12_345 : (process.geteuid?.() ?? 0);
  if (process.geteuid?.() === 0) chownSync(unit, user, user);
  const mounts = `30 23 0:26 / ${root} rw,nosuid - cgroup2 cgroup2 rw\n`;
  const found = (own: string) => findDelegatedSubtree({ cgroup: `0::${own}\n`, mounts, user });
  // It holds others, or nobody: not the daemon alone.
  expect(found("/pm.service")).toBe(null);
  expect(found("/pm.service/pm-daemon")).toBe(unit);
  writeFileSync(join(unit, "cgroup.procs"), `${process.pid}\n`);
  expect(found("/pm.service")).toBe(unit);
  expect(found("/")).toBe(null);
  expect(findDelegatedSubtree({ cgroup: "0::/pm.service\n", mounts, user: user + 1 })).toBe(null);
  expect(findDelegatedSubtree({ cgroup: "0::/pm.service\n", mounts, user: 0 })).toBe(null);
});

test("a cgroup is killed as a whole, where the kernel can", () => {
  const root = fakeRoot();
  const cgroups = new Cgroups(root);
  const directory = cgroups.enter(id, 1, noLimits);
  cgroups.kill(id, 1);
  expect(readdirSync(directory)).toEqual([]);
  writeFileSync(join(directory, "cgroup.kill"), "");
  cgroups.kill(id, 1);
  expect(readFileSync(join(directory, "cgroup.kill"), "utf8")).toBe("1");
});

test("an out-of-memory kill is told from its events", () => {
  const root = fakeRoot();
  const cgroups = new Cgroups(root);
  const directory = cgroups.enter(id, 1, noLimits);
  expect(cgroups.leave(id, 1)).toBe(false);
  expect(existsSync(directory)).toBe(false);
  cgroups.enter(id, 1, noLimits);
  writeFileSync(join(directory, "memory.events"), "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n");
  expect(cgroups.leave(id, 1)).toBe(true);
});

test("empty cgroups of unknown runs are swept, and nothing else", () => {
  const root = fakeRoot();
  const cgroups = new Cgroups(root);
  const known = cgroups.enter(id, 1, noLimits);
  const unknown = cgroups.enter("11111111-89ab-4cde-8f01-23456789abcd", 1, noLimits);
  mkdirSync(join(root, "other"));
  cgroups.sweep((which) => which === id);
  expect([existsSync(known), existsSync(unknown), existsSync(join(root, "other"))]).toEqual([true, false, true]);
});

test("without a subtree nothing is made", () => {
  const cgroups = new Cgroups(null);
  expect([cgroups.available, cgroups.enter(id, 1, noLimits), cgroups.leave(id, 1)]).toEqual([false, "", false]);
});

test("a start that cannot join its cgroup fails and leaves no cgroup", async () => {
  const root = fakeRoot();
  const engine = await open({ cgroupRoot: root });
  expect(engine.info().cgroupLimits).toBe(true);
  const limits = { ...noLimits, processes: 10 };
  // The directory of plain files has no cgroup.procs to join by.
  const error = await refused(start(engine, spec("true", [], { limits })));
  expect(error).toMatchObject({ reason: "START_FAILED", metadata: { step: "cgroup", errno_name: "ENOENT" } });
});

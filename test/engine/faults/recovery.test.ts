import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { everything } from "../../../src/server/engine/api/list.ts";
import {
  prepareRuntimeDirectory,
  RuntimeDirectoryError,
} from "../../../src/server/engine/lifecycle/runtime-directory.ts";
import { RingFlag, ringLayout } from "../../../src/server/engine/shim/layout.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import {
  alive,
  type Bench,
  complete,
  emptyDirectory,
  limit,
  open,
  parentOf,
  reasonOf,
  runtimeDirectory,
  shell,
  shimPath,
  spec,
  start,
  stopDefaults,
  text,
  untilOutput,
} from "../harness.ts";

/** A running process with output and an ended one, of a daemon that is gone. */
async function twoProcesses(): Promise<{ runtimeDir: string; living: string; pid: number; ended: string }> {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id: living, pid } = await start(engine, shell("echo here; exec sleep 1000", { name: "web" }));
  await untilOutput(engine, living, "here\n");
  const { id: ended } = await complete(engine, shell("echo over; exit 3"));
  await engine.close();
  return { runtimeDir, living, pid, ended };
}

function garble(path: string, offset: number, bytes: Uint8Array): void {
  writeSync(openSync(path, "r+"), bytes, 0, bytes.length, offset);
}

async function ids(bench: Bench): Promise<string[]> {
  return (await bench.list(everything, { size: 100, token: "" })).processes.map(({ id }) => id);
}

describe("F1 one garbled ring", () => {
  test("of an ended process costs its output alone, and is named", async () => {
    const { runtimeDir, living, ended } = await twoProcesses();
    const ring = join(runtimeDir, "p", ended, "1/ring");
    garble(ring, ringLayout.index_size, Buffer.alloc(8));
    const engine = await open({ runtimeDir });
    expect(await ids(engine)).toEqual([living, ended]);
    // The journal knows how it ended.
    expect(engine.get(ended)).toMatchObject({ state: "exited", exit: { code: 3 }, treeAlive: false });
    expect(await reasonOf(text(engine, ended))).toBe("OUTPUT_UNREADABLE");
    expect(await text(engine, living)).toBe("here\n");
    expect(engine.info().setAside).toMatchObject([{ path: ring, processId: ended, newer: false }]);
    await engine.remove(ended, false);
    expect(await ids(engine)).toEqual([living]);
  });

  test("of a running process leaves it manageable", async () => {
    const { runtimeDir, living, pid } = await twoProcesses();
    garble(join(runtimeDir, "p", living, "1/ring"), ringLayout.index_size, Buffer.alloc(8));
    const engine = await open({ runtimeDir });
    expect(engine.get(living)).toMatchObject({ state: "running", name: "web", treeAlive: true });
    expect(await reasonOf(text(engine, living))).toBe("OUTPUT_UNREADABLE");
    expect(await engine.stop(living, stopDefaults)).toMatchObject({ stopped: true });
    expect(alive(pid)).toBe(false);
  });
});

describe("F2 recovery deletes nothing that lives", () => {
  test.each<[string, (directory: string) => void]>([
    ["its record", (directory) => rmSync(join(directory, "process.json"))],
    ["its ring", (directory) => rmSync(join(directory, "1/ring"))],
    ["its control FIFO", (directory) => rmSync(join(directory, "1/control"))],
    ["its whole directory", (directory) => rmSync(directory, { recursive: true })],
  ])("a running process that lost %s is adopted, with its output, and stopped when asked to", async (_, damage) => {
    const { runtimeDir, living, pid, ended } = await twoProcesses();
    damage(join(runtimeDir, "p", living));
    const engine = await open({ runtimeDir });
    expect(new Set(await ids(engine))).toEqual(new Set([living, ended]));
    const found = engine.get(living);
    expect(found).toMatchObject({ state: "running", name: "web", pid, treeAlive: true });
    expect([found.spec.executable, ...found.spec.args].join(" ")).toContain("sleep 1000");
    expect(await text(engine, living)).toBe("here\n");
    // The next daemon finds it just so.
    await engine.close();
    const next = await open({ runtimeDir });
    expect(next.get(living)).toMatchObject({ state: "running", pid });
    expect(await next.stop(living, stopDefaults)).toMatchObject({ stopped: true });
    expect(alive(pid)).toBe(false);
    expect(await text(next, ended)).toBe("over\n");
  });

  test.each<[string, number, Uint8Array]>([
    ["has lost its magic", ringLayout.magic, Buffer.from("garbage!")],
    ["says that it is over", ringLayout.flags, Uint8Array.of(RingFlag.done)],
    ["says that its tree is gone", ringLayout.flags, Uint8Array.of(RingFlag.treeGone)],
    ["names another shim", ringLayout.shim_pid, Uint8Array.of(1, 0, 0, 0)],
    ["says that its shim began at another time", ringLayout.shim_start, Uint8Array.of(1)],
  ])("a running process whose ring %s is listed and stopped, with its record and without", async (_, at, bytes) => {
    for (const withRecord of [true, false]) {
      const { runtimeDir, living, pid } = await twoProcesses();
      garble(join(runtimeDir, "p", living, "1/ring"), at, bytes);
      if (!withRecord) writeFileSync(join(runtimeDir, "p", living, "process.json"), "garbage");
      const engine = await open({ runtimeDir });
      // One that nobody has asked for is answered when the zygote has said what it knows.
      await complete(engine, spec("/bin/true"));
      expect(engine.get(living)).toMatchObject({ state: "running", name: "web", treeAlive: true });
      expect(await engine.stop(living, { ...stopDefaults, force: true })).toMatchObject({ stopped: true });
      expect(alive(pid)).toBe(false);
    }
  });

  test("a garbled ring that names another process's shim costs that one nothing", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    const one = await start(first, spec("/bin/sleep", ["1000"]));
    const other = await start(first, spec("/bin/sleep", ["1000"]));
    await first.close();
    const named = Buffer.alloc(4);
    named.writeUInt32LE(parentOf(other.pid));
    garble(join(runtimeDir, "p", one.id, "1/ring"), ringLayout.shim_pid, named);
    garble(join(runtimeDir, "p", other.id, "1/ring"), ringLayout.magic, Buffer.from("garbage!"));
    const engine = await open({ runtimeDir });
    for (const { id, pid } of [one, other]) {
      expect(engine.get(id)).toMatchObject({ state: "running" });
      expect(await engine.stop(id, { ...stopDefaults, force: true })).toMatchObject({ stopped: true });
      expect(alive(pid)).toBe(false);
    }
  });

  test("of a tree whose ring is garbled everything is killed, however many there are", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    const tree = "for i in $(seq 100); do sleep 1000 & done; echo $(cat /proc/$$/task/$$/children); wait";
    const { id } = await start(first, shell(tree));
    await untilOutput(first, id, "\n");
    const members = (await text(first, id)).trim().split(" ").map(Number);
    await first.close();
    garble(join(runtimeDir, "p", id, "1/ring"), ringLayout.magic, Buffer.from("garbage!"));
    const engine = await open({ runtimeDir });
    expect(await engine.stop(id, { ...stopDefaults, graceMs: 0, force: true })).toMatchObject({ stopped: true });
    expect(members.length).toBeGreaterThanOrEqual(100);
    expect(members.filter(alive)).toEqual([]);
  });

  test("what is left of a process with a garbled ring whose shim is killed is named, and stopped", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    const { id, pid } = await start(first, shell("sleep 1000 & echo $!; exec sleep 1000"));
    await untilOutput(first, id, "\n");
    const rest = Number(await text(first, id));
    await first.close();
    garble(join(runtimeDir, "p", id, "1/ring"), ringLayout.magic, Buffer.from("garbage!"));
    const engine = await open({ runtimeDir });
    process.kill(parentOf(pid), "SIGKILL");
    await vi.waitFor(() => expect(engine.get(id)).toMatchObject({ state: "lost", treeAlive: true }), {
      timeout: 90_000,
    });
    expect(alive(rest)).toBe(true);
    expect(await engine.stop(id, { ...stopDefaults, force: true })).toMatchObject({ stopped: true });
    expect([pid, rest].filter(alive)).toEqual([]);
  });

  test.each<[string, (directory: string) => void]>([
    ["no record", (directory) => rmSync(join(directory, "process.json"))],
    ["a garbled record", (directory) => writeFileSync(join(directory, "process.json"), '{"version":2,"id":7}')],
  ])("an ended process with %s keeps its output, set aside and named", async (_, damage) => {
    const { runtimeDir, living, ended } = await twoProcesses();
    const directory = join(runtimeDir, "p", ended);
    const ring = readFileSync(join(directory, "1/ring"));
    damage(directory);
    const engine = await open({ runtimeDir });
    expect(await ids(engine)).toEqual([living]);
    const kept = join(runtimeDir, "quarantine", ended);
    expect(engine.info().setAside).toMatchObject([{ path: kept, processId: ended }]);
    expect(readFileSync(join(kept, "1/ring")).equals(ring)).toBe(true);
  });

  test("an ended process with no record is not adopted while its shim is about to exit", async () => {
    const { runtimeDir, living, ended } = await twoProcesses();
    const directory = join(runtimeDir, "p", ended);
    rmSync(join(directory, "process.json"));
    // Its shim has said its last word, and has not exited yet.
    const shim = join(temporaryDirectory(), "pm-shim");
    copyFileSync("/bin/sleep", shim);
    const exiting = spawn(shim, ["1000"], { cwd: join(directory, "1"), stdio: "ignore" });
    onTestFinished(() => void exiting.kill("SIGKILL"));
    await once(exiting, "spawn");
    const comm = () => readFileSync(`/proc/${exiting.pid}/comm`, "utf8");
    await vi.waitFor(() => expect(comm()).toBe("pm-shim\n"));
    const engine = await open({ runtimeDir });
    expect(await ids(engine)).toEqual([living]);
    expect(engine.info().setAside).toMatchObject([{ path: join(runtimeDir, "quarantine", ended), processId: ended }]);
  });

  test("what becomes of processes whose runtime directory was removed is heard at once", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    // Something of it lives on, so that its shim does not exit with it.
    const { id, pid } = await start(first, shell("echo here; sleep 1000 & exec sleep 1000"));
    await untilOutput(first, id, "here\n");
    await first.close();
    rmSync(runtimeDir, { recursive: true });
    prepareRuntimeDirectory(runtimeDir);
    const engine = await open({ runtimeDir });
    expect(engine.get(id)).toMatchObject({ state: "running", pid });
    const { resourceVersion } = await engine.list(everything, { size: 10, token: "" });
    // Without its events the next look comes after a minute.
    const watch = engine.watch(
      { resourceVersion, filter: everything, bookmarkMs: 60_000 },
      AbortSignal.timeout(40_000),
    );
    process.kill(pid, "SIGTERM");
    for await (const event of watch) if (event.type === "modified" && event.process.state === "exited") break;
    expect(engine.get(id)).toMatchObject({ state: "exited", exit: { signal: 15 }, treeAlive: true });
    await engine.stop(id, { ...stopDefaults, force: true });
  });

  test("an ended process without its ring is listed with what the journal knows", async () => {
    const { runtimeDir, ended } = await twoProcesses();
    rmSync(join(runtimeDir, "p", ended, "1/ring"));
    const engine = await open({ runtimeDir });
    expect(engine.get(ended)).toMatchObject({ state: "exited", exit: { code: 3 } });
  });

  test("a foreign directory with a UUID for a name is moved, not deleted", async () => {
    const runtimeDir = runtimeDirectory();
    const foreign = randomUUID();
    mkdirSync(join(runtimeDir, "p", foreign));
    writeFileSync(join(runtimeDir, "p", foreign, "thesis"), "years of work");
    const engine = await open({ runtimeDir });
    expect(readFileSync(join(runtimeDir, "quarantine", foreign, "thesis"), "utf8")).toBe("years of work");
    expect(engine.info().setAsideCount).toBe(1);
  });
});

describe("F3 versions", () => {
  test("a newer record is left as it is; its living process is listed and killable", async () => {
    const { runtimeDir, living, pid, ended } = await twoProcesses();
    const path = join(runtimeDir, "p", living, "process.json");
    writeFileSync(path, '{"version":3,"whatever":true}');
    const engine = await open({ runtimeDir });
    expect(engine.get(living)).toMatchObject({ state: "running", pid });
    expect(engine.info().setAside).toMatchObject([{ path, processId: living, newer: true }]);
    expect(await engine.stop(living, stopDefaults)).toMatchObject({ stopped: true });
    expect(readFileSync(path, "utf8")).toBe('{"version":3,"whatever":true}');
    expect(engine.get(ended).state).toBe("exited");
  });

  test("an older record is set aside; its living process is listed and killable", async () => {
    const { runtimeDir, living, pid } = await twoProcesses();
    const path = join(runtimeDir, "p", living, "process.json");
    writeFileSync(path, '{"version":1}');
    const engine = await open({ runtimeDir });
    expect(engine.get(living)).toMatchObject({ state: "running", pid });
    expect(readFileSync(join(runtimeDir, "quarantine/process.json"), "utf8")).toBe('{"version":1}');
    expect(await engine.stop(living, stopDefaults)).toMatchObject({ stopped: true });
  });

  test("a ring of a newer version is left alone; its living process is listed and killable", async () => {
    const { runtimeDir, living, pid } = await twoProcesses();
    const ring = join(runtimeDir, "p", living, "1/ring");
    garble(ring, ringLayout.version, Uint8Array.of(99, 0, 0, 0));
    const engine = await open({ runtimeDir });
    expect(engine.get(living)).toMatchObject({ state: "running", name: "web" });
    expect(engine.info().setAside).toMatchObject([{ path: ring, processId: living, newer: true }]);
    expect(await engine.stop(living, { ...stopDefaults, force: true })).toMatchObject({ stopped: true });
    expect(alive(pid)).toBe(false);
    expect(existsSync(ring)).toBe(true);
  });
});

test("a daemon whose directory is removed while it starts says so, and does not wait for ever", async () => {
  const runtimeDir = runtimeDirectory();
  const shim = join(temporaryDirectory(), "pm-shim");
  const script = `#!/bin/sh\n[ "$1" = zygote ] || exec ${shimPath} "$@"\n/bin/rm -rf ${runtimeDir}\n`;
  writeFileSync(shim, script, { mode: 0o755 });
  await expect(open({ runtimeDir, shimPath: shim })).rejects.toThrow(RuntimeDirectoryError);
  prepareRuntimeDirectory(runtimeDir);
});

test("F6 what a killed shim leaves is named, is not run twice, and can be stopped", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("changing to another user needs privileges");
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const args = ["--reuid=12345", "--clear-groups", "sh", "-c", "echo ready; sleep 4343 & exec sleep 4344"];
  const { id, pid } = await start(engine, spec("setpriv", args));
  await untilOutput(engine, id, "ready\n");
  process.kill(parentOf(pid), "SIGKILL");
  const lost = await engine.wait(id, "exited", 0, limit());
  expect(lost).toMatchObject({ state: "lost", treeAlive: true, exit: null });
  // The second one may just be about to execute its program.
  const commands = () =>
    engine
      .get(id)
      .survivors.map(({ command }) => command)
      .sort();
  while (!commands().includes("sleep 4343")) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(commands()).toEqual(["sleep 4343", "sleep 4344"]);
  // The next daemon knows it too, and what does not end is not run twice.
  await engine.close();
  const next = await open({ runtimeDir });
  await next.wait(id, "exited", 0, limit());
  expect(next.get(id)).toMatchObject({ state: "lost", treeAlive: true });
  const stubborn = next.restart(id, { signal: "SIGWINCH", graceMs: 100, force: false });
  expect(await reasonOf(stubborn)).toBe("STILL_RUNNING");
  expect(next.get(id).run).toBe(1);
  expect(await next.stop(id, { ...stopDefaults, graceMs: 20_000 })).toMatchObject({ stopped: true });
  expect(next.get(id)).toMatchObject({ state: "lost", treeAlive: false, survivors: [] });
  expect(alive(pid)).toBe(false);
});

test("F12 with no inode free a daemon comes back, and can make room", async (context) => {
  const { fillInodes, smallFileSystem } = await import("../../support/small-file-system.ts");
  const base = smallFileSystem("size=8m,nr_inodes=120");
  if (base === null) return context.skip("mounting a tmpfs needs privileges");
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  const engine = await open({ runtimeDir });
  const { id } = await complete(engine, shell("echo over"));
  await engine.close();
  fillInodes(base);
  const next = await open({ runtimeDir });
  // What the daemon's own files need is free for them: the socket, the process id.
  for (const name of ["daemon.pid", "pm.sock"]) writeFileSync(join(runtimeDir, name), "");
  expect(await text(next, id)).toBe("over\n");
  expect((await next.prune(everything, 0, false)).ids).toEqual([id]);
  await next.close();
  for (const name of readdirSync(base)) if (name.startsWith("inode-")) rmSync(join(base, name));
  await emptyDirectory(runtimeDir);
});

test("F12 the room that a daemon needs to come back is kept from its first moment on", async () => {
  const runtimeDir = runtimeDirectory();
  await open({ runtimeDir });
  // Without waiting: the daemon may be killed, and the file system filled, at once.
  expect(readdirSync(join(runtimeDir, "reserve"))).toHaveLength(16);
});

/** Descriptors, process ids and connections run out, each for this daemon alone. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PartContext } from "../support/part.ts";
import { Scope } from "../support/scope.ts";
import { reasonOf, startTarget, Target, targetExit, targetSpec } from "../support/target.ts";

export async function exhausted(context: PartContext): Promise<void> {
  for (let round = context.rounds(5); round > 0; round--) {
    await descriptors(context);
    await processIds(context);
    await connections(context);
  }
}

async function descriptors({ report, programs }: PartContext): Promise<void> {
  const scope = await Scope.open();
  try {
    const program = programs.program("target");
    const targets: Target[] = [];
    for (let count = 0; count < 8; count++) targets.push(await startTarget(scope, program));
    const limit = readdirSync(`/proc/${scope.daemonPid}/fd`).length + 2;
    const usual = openFilesOf(scope.daemonPid);
    setOpenFiles(scope.daemonPid, `${limit}:${usual.hard}`);
    report.count("times without descriptors");
    report.round();
    const { log, spec } = targetSpec(scope, program);
    // Whatever comes of it: an error with a reason, or a response once the limit is raised.
    const calls = [
      reasonOf(scope.manager.processes.start(spec)),
      ...targets.map((target) => reasonOf(scope.manager.processes.output(target.process.id))),
    ];
    await sleep(300);
    const pid = scope.daemonPid;
    setOpenFiles(pid, `${usual.soft}:${usual.hard}`);
    const reasons = await Promise.all(calls);
    report.same("the daemon without descriptors", scope.daemonPid, pid);
    for (const target of targets) {
      report.same("state after descriptors ran out", (await target.process.get()).state, "running");
      const { receipt, exit } = await target.process.stop({ graceMs: 30_000 });
      report.same("a stop after descriptors ran out", [receipt.outcome, exit?.code], ["stopped", targetExit]);
    }
    const failed = reasons[0] ?? "";
    const found = await reasonOf(scope.manager.processes.get(spec.id));
    report.same(`a start without descriptors (${failed})`, found, failed === "" ? "" : "PROCESS_NOT_FOUND");
    const handle = await scope.manager.processes.start(spec);
    const target = new Target(handle, log);
    await target.began(scope);
    report.same("starts without descriptors", target.starts, 1);
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

function openFilesOf(pid: number): { soft: string; hard: string } {
  const line = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "latin1"));
  return { soft: line?.[1] ?? "1024", hard: line?.[2] ?? "1024" };
}

function setOpenFiles(pid: number, limits: string): void {
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limits}`]);
}

async function processIds({ report, programs }: PartContext): Promise<void> {
  const scope = await Scope.open();
  const group = makePidsGroup();
  if (group === null) report.skip("no process id left: no cgroup with the pids controller can be made here");
  try {
    const program = programs.program("target");
    const before = await startTarget(scope, program);
    if (group === null) return;
    const { daemonPid, zygotePid } = scope;
    for (const pid of [daemonPid, zygotePid]) writeFileSync(join(group, "cgroup.procs"), String(pid));
    for (const room of [1, 0]) {
      // Room for the shim, perhaps none for its process; then, below what is used, for neither.
      const used = Number(readFileSync(join(group, "pids.current"), "latin1"));
      writeFileSync(join(group, "pids.max"), String(room === 0 ? 1 : used + room));
      report.count("times without process ids");
      report.round();
      const { spec } = targetSpec(scope, program);
      const reason = await reasonOf(scope.manager.processes.start(spec));
      if (room === 0 || reason !== "") report.same("a start without process ids", reason, "START_FAILED");
      const found = await reasonOf(scope.manager.processes.get(spec.id));
      report.same("what a start without process ids left", found, reason === "" ? "" : "PROCESS_NOT_FOUND");
      report.same("another process", (await before.process.get()).state, "running");
    }
    writeFileSync(join(group, "pids.max"), "max");
    const after = await startTarget(scope, program);
    report.same("starts once there are process ids again", after.starts, 1);
    const { receipt } = await before.process.stop({ graceMs: 30_000 });
    report.same("a stop once there are process ids again", receipt.outcome, "stopped");
  } finally {
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
    if (group !== null) rmdirSync(group);
  }
}

/** A cgroup of its own, of version 2 or 1. Null: none can be made. */
function makePidsGroup(): string | null {
  const name = `pm-faults-${process.pid}`;
  for (const parent of ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]) {
    const path = join(parent, name);
    try {
      mkdirSync(path);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(path, "pids.max"), "max");
      return path;
    } catch {
      rmdirSync(path);
    }
  }
  return null;
}

async function connections({ report, programs }: PartContext): Promise<void> {
  const scope = await Scope.open();
  const sockets: Socket[] = [];
  try {
    const target = await startTarget(scope, programs.program("target"));
    const { limits } = await scope.manager.daemon.info();
    const path = join(scope.runtimeDir, "pm.sock");
    for (let count = 0; count < limits.maxConnections; count++) {
      const socket = connect(path);
      socket.on("error", () => {});
      sockets.push(socket);
      await new Promise((resolve) => {
        socket.once("connect", resolve);
        socket.once("close", resolve);
      });
    }
    report.count("times without connections");
    report.round();
    const { code, err } = await scope.pm(["stop", target.process.id]);
    report.same(`pm stop with ${sockets.length} connections taken (${err})`, code, 0);
    const { run } = await target.process.get();
    report.same("its exit code", run?.exit?.code, targetExit);
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

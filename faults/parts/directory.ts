/** The socket or the runtime directory goes away under a live daemon. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processesOf } from "../../test/support/leftovers.ts";
import type { PartContext } from "../support/part.ts";
import { hangMs, isAlive, kill, nameOf, parentOf, Scope } from "../support/scope.ts";
import { startTarget } from "../support/target.ts";

export async function directory(context: PartContext): Promise<void> {
  for (let round = context.rounds(5); round > 0; round--) {
    await withoutSocket(context);
    await withoutDirectory(context);
  }
}

async function withoutSocket({ report, programs }: PartContext): Promise<void> {
  const scope = await Scope.open();
  try {
    const { process } = await startTarget(scope, programs.program("target"));
    rmSync(join(scope.runtimeDir, "pm.sock"));
    report.count("sockets deleted");
    report.round();
    const listed = await scope.pm(["ls", "-q"]);
    report.same(
      `pm ls after the socket was deleted (${listed.err})`,
      [listed.code, listed.out],
      [0, `${process.id}\n`],
    );
    report.same("daemons", await daemonsLeft(scope), 1);
  } finally {
    await endAll(scope);
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

async function withoutDirectory({ report, programs }: PartContext): Promise<void> {
  const scope = await Scope.open();
  try {
    const { process } = await startTarget(scope, programs.program("target"));
    const { pid = 0 } = (await process.get()).run ?? {};
    rmSync(scope.runtimeDir, { recursive: true });
    report.count("runtime directories deleted");
    report.round();
    const listed = await scope.pm(["ls", "-q"]);
    report.same(`the process after its directory was deleted`, isAlive(pid), true);
    report.same(
      `pm ls after the directory was deleted (${listed.err})`,
      [listed.code, listed.out],
      [0, `${process.id}\n`],
    );
    report.same("daemons", await daemonsLeft(scope), 1);
  } finally {
    await endAll(scope);
    for (const left of await scope.close()) report.fail(`left over: ${left}`);
  }
}

/** One that the command started, and that found the lock taken, needs a moment to end. */
async function daemonsLeft(scope: Scope): Promise<number> {
  const deadline = Date.now() + hangMs;
  while (daemonsOf(scope).length > 1 && Date.now() < deadline) await sleep(20);
  return daemonsOf(scope).length;
}

function daemonsOf(scope: Scope): number[] {
  return processesOf(scope.directory)
    .filter(({ command }) => command.includes("daemon.mjs") || command.includes("daemon run"))
    .map(({ pid }) => pid);
}

/** A daemon whose directory is gone is no longer found by the scope's own means. */
async function endAll(scope: Scope): Promise<void> {
  if (daemonsOf(scope).length <= 1) return;
  for (const pid of daemonsOf(scope)) kill(pid, "SIGKILL");
  for (const name of readdirSync("/proc").filter((text) => /^\d+$/.test(text))) {
    const pid = Number(name);
    if (nameOf(parentOf(pid)) === "pm-shim" && processesOf(scope.directory).some((found) => found.pid === pid)) {
      kill(pid, "SIGKILL");
    }
  }
}

/** F13: a zygote that does not answer keeps nobody waiting for ever. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Reply, replyLayout } from "../../../src/server/engine/shim/layout.ts";
import { Zygote } from "../../../src/server/engine/shim/zygote.ts";
import {
  alive,
  complete,
  limit,
  open,
  parentOf,
  refused,
  runtimeDirectory,
  shell,
  shimPath,
  spec,
  start,
  stopDefaults,
  untilOutput,
  zygoteIn,
} from "../harness.ts";

/**
 * A shim program whose zygotes say that they serve and then nothing more: the
 * first ones of that number, or all. Each notes its process id.
 */
function silentShim(silent: number | "all"): string {
  const directory = mkdtempSync(join(tmpdir(), "pm-silent-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const ready = Buffer.alloc(replyLayout.size);
  ready.writeUInt32LE(Reply.ready, replyLayout.type);
  writeFileSync(join(directory, "ready"), ready);
  const path = join(directory, "pm-shim");
  const isReal = silent === "all" ? "false" : `[ "$(wc -l < ${directory}/begun)" -gt ${silent} ]`;
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
[ "$1" = zygote ] || exec ${shimPath} "$@"
echo $$ >> ${directory}/begun
if ${isReal}; then exec ${shimPath} "$@"; fi
mkfifo -m 600 events
cat ${directory}/ready
exec cat > /dev/null
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

describe("F13 a zygote that does not answer", () => {
  test("is continued if somebody stopped it, and starts once", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const zygote = zygoteIn(runtimeDir);
    process.kill(zygote, "SIGSTOP");
    const { id, pid } = await start(engine, shell("echo here; exec sleep 1000"));
    expect(alive(pid)).toBe(true);
    expect(zygoteIn(runtimeDir)).toBe(zygote);
    expect(engine.get(id)).toMatchObject({ state: "running", run: 1 });
    await engine.stop(id, stopDefaults);
  });

  test("does not keep the next daemon from coming up", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    const { id, pid } = await start(first, spec("sleep", ["1000"]));
    process.kill(zygoteIn(runtimeDir), "SIGSTOP");
    await first.close();
    const second = await open({ runtimeDir });
    expect(second.get(id)).toMatchObject({ state: "running", pid });
    expect((await complete(second, spec("true"))).exit?.code).toBe(0);
  });

  test("nor does a shim that was stopped before it had published its ring", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    // Waits for the lock, and is stopped when it has it.
    const script = `exec 9> ${runtimeDir}/zygote.lock; printf pm-shim > /proc/$$/comm
      flock 9; echo held; kill -STOP $$; exec 9>&-; exec sleep 1000`;
    const { id, pid } = await start(engine, shell(script));
    const waits = () => / -> FLOCK /.test(readFileSync("/proc/locks", "latin1"));
    await vi.waitFor(() => expect(waits()).toBe(true), { timeout: 30_000 });
    process.kill(zygoteIn(runtimeDir), "SIGKILL");
    await untilOutput(engine, id, "held\n");
    expect((await complete(engine, spec("true"))).exit?.code).toBe(0);
    expect(alive(pid)).toBe(true);
  });

  test("is replaced if it says nothing, and what was asked of it is asked of the next", async () => {
    const runtimeDir = runtimeDirectory();
    const warnings: string[] = [];
    const engine = await open({
      runtimeDir,
      shimPath: silentShim(1),
      logger: { debug() {}, info() {}, warn: (_fields, message) => warnings.push(message), error() {} },
    });
    const { id, pid } = await start(engine, spec("sleep", ["1000"]));
    expect(alive(parentOf(pid))).toBe(true);
    expect(engine.get(id)).toMatchObject({ state: "running", run: 1 });
    expect(warnings.join("\n")).toMatch(/does not respond; it is replaced/);
  });

  test("lets a start fail in time where none does, and leaves nothing of it", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir, shimPath: silentShim("all"), startLimitMs: 500 });
    const id = "0badcafe-0000-4000-8000-000000000003";
    const error = await refused(engine.start({ id, spec: spec("true") }));
    expect([error.reason, error.metadata["step"], error.metadata["errno_name"]]).toEqual([
      "START_FAILED",
      "shim",
      "ETIMEDOUT",
    ]);
    expect(existsSync(join(runtimeDir, "p", id))).toBe(false);
    await engine.close();
    const next = await open({ runtimeDir });
    expect((await next.start({ id, spec: spec("true") })).existing).toBe(false);
    await next.wait(id, "treeGone", 0, limit());
  });

  test("does not make probes wait for ever", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id } = await start(engine, spec("sleep", ["1000"]));
    process.kill(zygoteIn(runtimeDir), "SIGSTOP");
    const command = { executable: "true", args: [], env: [] };
    const options = { env: {}, timeoutMs: 200, maxOutputBytes: 100 };
    const result = await engine.engine.runCommand(id, { ...command }, options, limit());
    expect(result.problem ?? "").toBe("");
  });
});

test("a start that no zygote takes is told within its limit", async () => {
  const runtimeDir = runtimeDirectory();
  const zygote = new Zygote({
    shimPath: "/no/such/pm-shim",
    runtimeDir,
    startLimitMs: 200,
    onGone: () => {},
    onWarning: () => {},
  });
  onTestFinished(() => zygote.close());
  await expect(zygote.start("11111111-2222-4333-8444-555555555555", 1)).rejects.toThrow(/within 0.2 s/);
});

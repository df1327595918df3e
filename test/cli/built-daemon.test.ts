import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";
import { makeRuntimeDir } from "../support/daemon.ts";
import { removeRuntimeDir } from "../support/leftovers.ts";

const program = join(import.meta.dirname, "../../dist/daemon.mjs");
const limitMs = 90_000;

/** 15 ms of each start and 5 MB for good, for an HTTP client that the daemon has no use for. */
test("the built daemon never loads Node.js's own HTTP client", { timeout: limitMs }, async () => {
  const directory = makeRuntimeDir();
  onTestFinished(() => removeRuntimeDir(directory));
  const runtime = join(directory, "run");
  mkdirSync(runtime, { mode: 0o700 });
  const socket = join(directory, "pm.sock");
  const hook = join(directory, "hook.cjs");
  const answer = join(directory, "loaded");
  writeFileSync(
    hook,
    `process.on("SIGUSR2", () => {
      const { renameSync, writeFileSync } = require("node:fs");
      writeFileSync(${JSON.stringify(`${answer}.new`)}, process.moduleLoadList.join("\\n"));
      renameSync(${JSON.stringify(`${answer}.new`)}, ${JSON.stringify(answer)});
    });`,
  );
  const daemon = spawn(process.execPath, ["--require", hook, program, "--socket", socket, "--log-level", "error"], {
    env: { ...process.env, PM_RUNTIME_DIR: runtime, PM_STATE_DIR: join(directory, "state"), PM_READY_FD: "3" },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const exited = once(daemon, "exit");
  expect(String(await once(daemon.stdio[3] as Readable, "data"))).toMatch(/^ready/);
  const manager = await ProcessManager.connect({ socket });
  try {
    // A refusal and a stream make headers.
    await expect(manager.processes.get("nobody")).rejects.toThrow(/nobody/);
    const wrong = { check: { kind: "output", pattern: "(?=x)" } } as const;
    await expect(manager.processes.start({ executable: "echo", readiness: wrong })).rejects.toThrow(/RE2/);
    const started = await manager.processes.start({ executable: "echo", args: ["hello"] });
    for await (const frame of started.stream({ follow: true })) if (frame.type === "end") break;
    for await (const { error } of manager.processes.stopAll({ all: true })) expect(error).toBeUndefined();
    daemon.kill("SIGUSR2");
    await vi.waitFor(() => expect(existsSync(answer)).toBe(true), limitMs);
    const loaded = readFileSync(answer, "utf8");
    expect(loaded).toContain("NativeModule http2\n");
    expect(loaded.split("\n").filter((name) => name.includes("undici"))).toEqual([]);
  } finally {
    await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 });
    manager.close();
    await exited;
  }
});

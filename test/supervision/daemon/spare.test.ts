import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { everything } from "../../../src/server/engine/api/list.ts";
import { prepareRuntimeDirectory } from "../../../src/server/engine/lifecycle/runtime-directory.ts";
import { somebody } from "../../engine/harness.ts";
import { smallFileSystem } from "../../support/small-file-system.ts";
import { every, RealMachine, stopOptions } from "./machine.ts";

const hour = 3_600_000;

/** One of each kind that must stay, and "job", which need not. */
async function oneOfEach(machine: RealMachine): Promise<void> {
  await machine.sh("waiting", "exit 1", { restart: every(hour) });
  await machine.sh("given", "exit 1", { restart: every(0, { maxAttempts: 1 }) });
  await machine.sh("dependent", "exec sleep 1000", { dependsOn: [{ process: "none", condition: "started" }] });
  await machine.until("waiting", ({ state }) => state === "waiting");
  await machine.until("given", ({ state }) => state === "givenUp");
  const { process } = await machine.engine.start(
    { id: "", name: "scheduled", labels: {}, spec: { ...machine.get("given").spec, policy: undefined } },
    somebody,
  );
  await machine.supervision.schedules.set(
    {
      name: "nightly",
      processId: process.id,
      timing: { kind: "every", ms: hour },
      overlap: "skip",
      catchUp: "skip",
      paused: false,
    },
    { kind: "request", principal: "local", requestId: "", detail: "" },
  );
  // Stopped, it waits for nothing, and belongs to its schedule still.
  await machine.engine.stop({ name: "scheduled" }, stopOptions, somebody);
  await machine.sh("job", "exit 0");
  await machine.until("job", ({ run }) => run.state === "exited" && !run.treeAlive);
}

const kept = ["waiting", "given", "dependent", "scheduled"];

describe("what waits, has given up or has a schedule", () => {
  test("is not removed by retention", async () => {
    const machine = await RealMachine.start({ retention: { count: 0 } });
    await oneOfEach(machine);
    await expect.poll(() => machine.names(), { timeout: 60_000 }).toEqual(kept);
    expect(machine.get("given").state).toBe("givenUp");
  });

  test("is not removed by prune, and can be removed by name", async () => {
    const machine = await RealMachine.start();
    await oneOfEach(machine);
    const { id } = machine.get("job");
    expect(await machine.engine.prune(everything, 0, true, somebody)).toMatchObject({ ids: [id] });
    expect(await machine.engine.prune(everything, 0, false, somebody)).toMatchObject({ ids: [id] });
    expect(machine.names()).toEqual(kept);
    for (const name of kept) {
      await machine.engine.remove({ name }, false, somebody);
    }
    expect(machine.names()).toEqual([]);
  });

  test("does not make room for others", async (context) => {
    const base = smallFileSystem("size=2m");
    if (base === null) return context.skip("mounting a tmpfs needs privileges");
    const runtimeDir = join(base, "run");
    prepareRuntimeDirectory(runtimeDir);
    const machine = await RealMachine.start({ runtimeDir, defaultOutputLimitBytes: 64 * 1024 });
    await oneOfEach(machine);
    // Each leaves output, until there is no room: then the oldest that may go does.
    const full = "head -c 50000 /dev/zero";
    let made = 0;
    while (machine.names().includes("job")) {
      const name = `filler-${made++}`;
      await machine.sh(name, full);
      await machine.until(name, ({ run }) => run.state === "exited" && !run.treeAlive);
      expect(made).toBeLessThan(200);
    }
    expect(machine.names().slice(0, kept.length)).toEqual(kept);
    for (const name of machine.names()) {
      await machine.engine.remove({ name }, true, somebody);
    }
  });
});

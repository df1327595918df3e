/** Commands whose daemon dies, ends, or can no longer be found. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { isAlive, limitMs, type Pm, test } from "./support/pm.ts";

const notHosted = { env: { PM_NO_HOST: "1" } };

async function kill(pm: Pm): Promise<void> {
  const pid = await pm.daemonPid();
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: limitMs });
}

describe.concurrent("F9 a daemon that is killed", () => {
  test("F9 commands in flight start the next one, say so, and go on", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "-i", "--", "sh", "-c", "echo ready; read -r x; exit 9"]);
    await pm.ok([
      "start",
      "-n",
      "loud",
      "--",
      "sh",
      "-c",
      "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.1; done",
    ]);
    const waiting = pm.spawn(["wait", "one"], notHosted);
    const running = pm.spawn(["run", "-n", "fore", "--", "sh", "-c", "echo begun; sleep 3; echo done; exit 4"]);
    const attached = pm.spawn(["attach", "--no-stdin", "-n", "0", "loud"]);
    const following = pm.spawn(["logs", "-f", "-n", "0", "loud"]);
    const watching = pm.spawn(["ls", "-w", "-o", "jsonl"]);
    const events = pm.spawn(["events", "-f", "-o", "jsonl", "--type", "stateChanged"]);
    await Promise.all([
      running.saw("begun"),
      attached.saw("tick"),
      following.saw("tick"),
      watching.saw('"fore"'),
      events.saw('"fore"'),
    ]);
    await kill(pm);
    const all = [waiting, running, attached, following, watching, events];
    const { promise: started, resolve } = Promise.withResolvers<void>();
    for (const one of all) {
      void one.saw("started the daemon", "err").then(resolve, () => {});
    }
    await started;
    await pm.ok(["send", "one"], { input: "x\n" });
    expect(await waiting.ended).toMatchObject({ code: 9 });
    expect(await running.ended).toMatchObject({ code: 4, out: "begun\ndone\n" });
    await watching.saw('"PROCESS_STATE_EXITED"').catch(() => watching.saw('"REMOVED"'));
    await events.saw('"code":4');
    for (const one of [attached, following, watching, events]) {
      one.child.kill("SIGTERM");
      await one.ended;
    }
    const ticks = (await following.ended).out.match(/\d+/g)?.map(Number) ?? [];
    expect(ticks).toEqual(Array.from(ticks, (_, index) => (ticks[0] ?? 0) + index));
  });

  test("F9 a stop and a restart in flight are carried on by the next one", async ({ pm }) => {
    const script = 'trap "sleep 2; exit 3" TERM; echo ready; while :; do sleep 0.1; done';
    for (const name of ["one", "two"]) {
      await pm.ok(["start", "-n", name, "--", "sh", "-c", script]);
      await vi.waitFor(async () => expect(await pm.ok(["logs", name])).toBe("ready"), { timeout: limitMs });
    }
    const stopping = pm.spawn(["stop", "one"], notHosted);
    const restarting = pm.spawn(["restart", "two"], notHosted);
    await vi
      .waitFor(
        async () =>
          expect(await pm.ok(["events", "--type", "stopRequested", "-o", "jsonl"])).toMatch(
            /one[\s\S]*two|two[\s\S]*one/,
          ),
        { timeout: limitMs },
      )
      .catch(() => {});
    await kill(pm);
    expect(await stopping.ended).toMatchObject({ code: 0, out: "one 3\n" });
    expect(await restarting.ended).toMatchObject({ code: 0, out: "two 3\n" });
    expect(await pm.ok(["ls", "-o", "name"])).toBe("two");
  });
});

describe.concurrent("F10 a daemon that is stopping", () => {
  test("F10 commands that meet it start the next one", async ({ pm }) => {
    const script = 'trap "sleep 2; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    await pm.ok(["start", "-n", "slow", "--", "sh", "-c", script]);
    await vi.waitFor(async () => expect(await pm.ok(["logs", "slow"])).toBe("ready"), { timeout: limitMs });
    const stopping = pm.spawn(["daemon", "stop", "--stop-processes"]);
    await vi.waitFor(async () => expect((await pm(["status", "-o", "json", "slow"])).out).toMatch(/STOPPING|EXITED/), {
      timeout: limitMs,
    });
    const results = await Promise.all(
      Array.from({ length: 4 }, (_, index) => pm(["start", "-n", `next-${index}`, "--", "sleep", "3600"])),
    );
    expect(results.map(({ code, err }) => (code === 0 ? "" : err))).toEqual(["", "", "", ""]);
    expect((await stopping.ended).code).toBe(0);
    const names = (await pm.ok(["ls", "-a", "-o", "name"])).split("\n");
    expect(names).toEqual(expect.arrayContaining(["next-0", "next-1", "next-2", "next-3"]));
  });
});

describe.concurrent("F11 what leads to a daemon is removed", () => {
  test("F11 the socket: it is there again, and so is everything", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "--", "sleep", "3600"]);
    rmSync(join(pm.runtimeDir, "pm.sock"));
    expect(await pm(["ls", "-o", "name"])).toMatchObject({ code: 0, out: "one\n" });
    expect(existsSync(join(pm.runtimeDir, "pm.sock"))).toBe(true);
  });

  test("F11 the whole directory: living processes are found by their shims", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "--", "sleep", "3600"]);
    const pid = await pm.daemonPid();
    // Its daemon may be making a file just then.
    rmSync(pm.runtimeDir, { recursive: true, force: true, maxRetries: 20 });
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: limitMs });
    const { code, out } = await pm(["ls", "-q"]);
    expect(code).toBe(0);
    expect(out.split("\n")).toHaveLength(2);
    expect((await pm(["stop", "--all", "--force", "-t", "1"])).code).toBe(0);
    expect(existsSync(pm.runtimeDir)).toBe(true);
  });
});

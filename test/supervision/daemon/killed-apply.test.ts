import { expect, test } from "vitest";
import type { ProjectProcessOptions } from "../../../src/sdk/index.ts";
import { atOnce, useDaemon } from "./support.ts";

/** More by hand. */
const rounds = Number(process.env["PM_KILL_ROUNDS"] ?? 3);

/** Forty processes in eight levels, each of which depends on one of the level before. */
function forty(generation: number): ProjectProcessOptions[] {
  return Array.from({ length: 40 }, (_, index) => ({
    name: `p${index}`,
    spec: {
      executable: "sleep",
      args: [String(1000 + (index % 3 === 0 ? generation : 0))],
      restart: { mode: "always" as const, backoff: atOnce },
      ...(index >= 5 && { dependsOn: [{ process: `p${index - 5}` }] }),
    },
  }));
}

test(
  "a daemon killed while it applies forty processes leaves what was asked for",
  async () => {
    const { pm, daemon, until } = await useDaemon();
    for (let round = 1; round <= rounds; round++) {
      const processes = forty(round);
      const applied = (async () => {
        let steps = 0;
        let killed = false;
        for await (const frame of pm.projects.apply("forty", { processes })) {
          steps += frame.type === "progress" ? 1 : 0;
          // Each round somewhere else.
          if (!killed && steps === (round * 7) % 14) {
            killed = true;
            await daemon.kill9();
            await daemon.restart();
          }
        }
      })();
      await applied;
      for (const { name, spec } of processes) {
        const info = await until(name, ({ state }) => state === "running");
        expect(info.spec.args).toEqual(spec.args);
        expect(info.run?.treeAlive).toBe(true);
      }
      const plan = await Array.fromAsync(pm.projects.apply("forty", { processes, dryRun: true }));
      const steps = plan.flatMap((frame) => (frame.type === "plan" ? frame.steps : []));
      expect(steps.filter(({ action }) => action !== "none")).toEqual([]);
      const all = await pm.processes.listAll();
      expect(all).toHaveLength(40);
    }
    await Array.fromAsync(pm.projects.remove("forty"));
    expect(await pm.processes.listAll()).toEqual([]);
  },
  Math.max(300_000, rounds * 60_000),
);

test("the same request to remove a project is answered by the next daemon as by the one that removed it", async () => {
  const { pm, daemon } = await useDaemon();
  await Array.fromAsync(pm.projects.apply("gone", { processes: forty(1).slice(0, 1) }));
  await Array.fromAsync(pm.projects.remove("gone", { requestId: "once" }));
  await daemon.kill9();
  await daemon.restart();
  const again = await Array.fromAsync(pm.projects.remove("gone", { requestId: "once" }));
  expect(again.at(-1)).toMatchObject({ type: "end", failed: 0 });
  const other = Array.fromAsync(pm.projects.remove("gone", { requestId: "twice" }));
  await expect(other).rejects.toMatchObject({ reason: "PROJECT_NOT_FOUND" });
});

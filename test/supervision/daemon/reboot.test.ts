import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { RestartMode } from "../../../src/server/engine/api/policy.ts";
import { openSupervision } from "../../../src/server/supervision/open.ts";
import { everything, open, runtimeDirectory, somebody } from "../../engine/harness.ts";
import { recordingLog } from "../../listen/serve.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { policyOf, specOf } from "../processes.ts";

const stopOptions = { signal: "", graceMs: null, force: true, wait: true } as const;

test("after a reboot runs what is meant to run, and what was stopped does not", async () => {
  const stateDirectory = temporaryDirectory();
  const { log } = recordingLog();
  const boot = async (bootId: string) => {
    const bench = await open({ runtimeDir: runtimeDirectory() });
    const supervision = await openSupervision({ engine: bench.engine, stateDirectory, bootId, log });
    const states = async () => {
      const page = await supervision.engine.list(everything, { size: 0, token: "", order: "created" });
      return Object.fromEntries(page.processes.map(({ name, state }) => [name, state]));
    };
    return { bench, supervision, states };
  };
  const first = await boot("one");
  for (const mode of ["no", "onFailure", "unlessStopped", "always"] as const satisfies readonly RestartMode[]) {
    for (const fate of ["runs", "stopped"] as const) {
      const restart = {
        mode,
        maxAttempts: null,
        windowMs: null,
        backoff: { initialMs: null, maxMs: null, multiplier: null, jitter: null },
        stableMs: null,
        memoryBytes: null,
      };
      const spec = specOf("sleep 1000", { policy: policyOf({ restart }) });
      const request = { id: randomUUID(), name: `${mode}-${fate}`, labels: {}, spec };
      const { process } = await first.supervision.engine.start(request, somebody);
      if (fate === "stopped") {
        await first.supervision.engine.stop({ id: process.id }, stopOptions, somebody);
      }
    }
  }
  await first.supervision.schedules.create(
    { id: randomUUID(), name: "scheduled", labels: {}, spec: specOf("true") },
    somebody,
  );
  await first.supervision.close();
  await first.bench.close();

  const second = await boot("two");
  await expect
    .poll(second.states, { timeout: 25_000 })
    .toMatchObject({ "unlessStopped-runs": "running", "always-runs": "running", "always-stopped": "running" });
  const states = await second.states();
  expect(states["unlessStopped-stopped"]).toBe("exited");
  expect(Object.keys(states).filter((name) => /^(no|onFailure)-/.test(name))).toEqual([]);
  await second.supervision.close();
  await second.bench.close();
});

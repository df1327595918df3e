import { expect, test } from "vitest";
import { late, useDaemon } from "./support.ts";

test("what waits can be stopped, restarted at once, and removed", async () => {
  const { pm, sh, until } = await useDaemon();
  const restart = { mode: "always", backoff: late } as const;
  for (const name of ["a", "b", "c"]) {
    await sh(name, 'echo run; test "$(cat /proc/self/comm)" = never', { restart });
    const waiting = await until(name, ({ state }) => state === "waiting");
    expect(waiting.supervision).toMatchObject({ waiting: { reason: "restart" }, attempt: 1 });
  }
  await pm.processes.stop("a");
  expect(await pm.processes.get("a")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  await pm.processes.restart("b");
  await until("b", ({ state, run }) => state === "waiting" && run?.number === 2);
  await pm.processes.remove("c");
  await expect(pm.processes.get("c")).rejects.toMatchObject({ reason: "PROCESS_NOT_FOUND" });
});

/** Supervision begins while what an earlier daemon was to remove is being removed. */
import { onTestFinished, test } from "vitest";
import type { ProcessInfo, ProcessRef } from "../../src/server/engine/api/process.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { openSupervision } from "../../src/server/supervision/open.ts";
import { limit, open, runtimeDirectory, spec, start } from "../engine/harness.ts";
import { recordingLog } from "../listen/serve.ts";

test("a process whose run a removal has just ended does not keep the daemon from starting", async () => {
  const bench = await open({ runtimeDir: runtimeDirectory() });
  const { id } = await start(bench, spec("true"));
  await bench.wait(id, "treeGone", 0, limit());
  // As the engine has it between the end of the run and that of the removal, which the daemon may take up at any time.
  const engine = new Proxy(bench.engine, {
    get(target, key) {
      if (key === "get") {
        return (ref: ProcessRef): ProcessInfo => ({ ...target.get(ref), desiredState: "running" });
      }
      if (key === "setSupervision") {
        return () => {
          throw new EngineError("PROCESS_NOT_FOUND", `process ${id} was removed`, { id });
        };
      }
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const supervision = await openSupervision({
    engine,
    stateDirectory: runtimeDirectory(),
    bootId: "one",
    log: recordingLog().log,
  });
  onTestFinished(() => supervision.close());
});

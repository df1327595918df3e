import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import { fillSpace, smallFileSystem } from "../support/small-file-system.ts";
import { complete, open, refused, shell, spec, start, stopDefaults, untilOutput } from "./harness.ts";

test("with the runtime directory full, starts are refused in the system's words and running processes go on", async (context) => {
  const base = smallFileSystem("size=1m");
  if (base === null) return context.skip("mounting a tmpfs needs privileges");
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  const engine = await open({ runtimeDir });
  const { id } = await start(engine, shell("echo before; read line; echo after; exit 6", { stdin: "pipe" }));
  await untilOutput(engine, id, "before");
  fillSpace(join(base, "ballast"));
  const error = await refused(start(engine, spec("true")));
  expect(error).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOSPC" } });
  expect(readdirSync(join(runtimeDir, "p"))).toEqual([id]);
  await engine.writeInput(id, Buffer.from("\n"), false, AbortSignal.timeout(20_000));
  expect(await engine.wait(id, "treeGone", 0, AbortSignal.timeout(20_000))).toMatchObject({ exit: { code: 6 } });
  const restart = await refused(engine.restart(id, stopDefaults));
  expect(restart).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOSPC" } });
  // What the new run needs is made first: the old one is as it was.
  expect(engine.get(id)).toMatchObject({ state: "exited", run: 1, exit: { code: 6 } });
  rmSync(join(base, "ballast"));
  expect((await complete(engine, shell("exit 0"))).exit?.code).toBe(0);
  for (const reference of (await engine.list(everything, { size: 10, token: "" })).processes) {
    await engine.remove(reference.id, true);
  }
});

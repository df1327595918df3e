import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import { fillSpace, smallFileSystem } from "../support/small-file-system.ts";
import {
  complete,
  emptyDirectory,
  limit,
  open,
  refused,
  shell,
  spec,
  start,
  stopDefaults,
  untilOutput,
} from "./harness.ts";

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

test("with the runtime directory full, output of what runs can be held", async (context) => {
  const base = smallFileSystem("size=2m");
  if (base === null) return context.skip("mounting a tmpfs needs privileges");
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  const engine = await open({ runtimeDir });
  const output = { limitBytes: 65_536, whenFull: "allowHold" } as const;
  const { id } = await start(engine, { ...shell("read line; echo held", { stdin: "pipe" }), output });
  fillSpace(join(base, "ballast"));
  const run = { run: null, streams: [], until: null, follow: true, heartbeatMs: 15_000 };
  const begin = { position: { kind: "offset", offset: 0 }, since: null } as const;
  const frames = engine.engine.streamOutput({ id }, { ...run, start: begin, hold: { token: "" } }, limit());
  let token = "";
  for await (const frame of frames) {
    if (frame.kind === "opened") {
      token = frame.holdToken;
      await engine.writeInput(id, Buffer.from("\n"), false, limit());
    }
  }
  // What the next daemon would know it by.
  expect(readFileSync(join(runtimeDir, "p", id, "1/hold"), "utf8")).toContain(`"${token}"`);
  rmSync(join(base, "ballast"));
  await engine.close();
  await emptyDirectory(runtimeDir);
});

/** What changes while an operation waits: room is made, a run starts, a run is stopped. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Cause } from "../../src/server/engine/api/cause.ts";
import { nothingKept, type Supervision, type SupervisionHook } from "../../src/server/engine/api/supervision.ts";
import { open, refused, runtimeDirectory, shell, somebody, spec, start, stopDefaults, untilOutput } from "./harness.ts";

type MakeRoom = typeof import("../../src/server/engine/run/make-room.ts");

/** Holds up whoever has made room: the next one only, and until it is let go. */
const gate = vi.hoisted(() => ({ next: null as null | { reached: () => void; open: Promise<void> } }));

vi.mock("../../src/server/engine/run/make-room.ts", async (original) => {
  const { makeRoom } = await original<MakeRoom>();
  return {
    async makeRoom(...given: Parameters<MakeRoom["makeRoom"]>) {
      const made = await makeRoom(...given);
      const held = gate.next;
      gate.next = null;
      held?.reached();
      await held?.open;
      return made;
    },
  } satisfies MakeRoom;
});

function holdUp(): { readonly reached: Promise<void>; letGo(): void } {
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  gate.next = { reached: reached.resolve, open: letGo.promise };
  return { reached: reached.promise, letGo: letGo.resolve };
}

const cause: Cause = { kind: "restartPolicy", principal: "", requestId: "", detail: "" };
const kept: Supervision = {
  ...nothingKept,
  waiting: { reason: "restart", until: 5_000, for: [], why: "", cause, since: 1 },
};
const nobody: SupervisionHook = { runEnded: () => null, mayRemove: () => true, notified: () => {} };

test.each([false, true])(
  "what changed while room was made for a run is kept (with an update: %s)",
  async (isUpdated) => {
    const { engine } = await open();
    engine.supervise(nobody);
    const { name, labels, ...wanted } = spec("/bin/sleep", ["1000"]);
    const change = { supervision: kept, state: "waiting", event: null, cause } as const;
    const { id } = (await engine.create({ id: randomUUID(), name, labels, spec: wanted }, change, somebody)).process;
    const { reached, letGo } = holdUp();
    const begun = engine.startRun(id, ({ supervision = kept }) => ({ ...supervision, run: 1 }), cause);
    await reached;
    engine.setSupervision(id, 0, {
      supervision: { ...kept, project: "shop", schedule: "nightly" },
      event: null,
      cause,
    });
    const args = [isUpdated ? "2000" : "1000"];
    if (isUpdated) await engine.update({ id }, (process) => ({ spec: { ...process.spec, args } }), somebody);
    letGo();
    const { run, supervision, spec: current } = await begun;
    expect(supervision).toEqual({ ...kept, waiting: null, run: 1, project: "shop", schedule: "nightly" });
    expect(run).toMatchObject({ number: 1, state: "running" });
    expect(current.args).toEqual(args);
    // execve(2) lets its parent go on before the arguments can be seen.
    await vi.waitFor(() => expect(readFileSync(`/proc/${run.pid}/cmdline`, "utf8")).toBe(`/bin/sleep\0${args}\0`), {
      timeout: 90_000,
    });
  },
);

test("a run that nobody wants any more when room was made for it leaves no files", async () => {
  const runtimeDir = runtimeDirectory();
  const { engine } = await open({ runtimeDir });
  engine.supervise(nobody);
  const { name, labels, ...wanted } = spec("/bin/sleep", ["1000"]);
  const change = { supervision: kept, state: "waiting", event: null, cause } as const;
  const { id } = (await engine.create({ id: randomUUID(), name, labels, spec: wanted }, change, somebody)).process;
  const { reached, letGo } = holdUp();
  const begun = refused(engine.startRun(id, () => kept, cause));
  await reached;
  engine.setSupervision(id, 0, { supervision: kept, desiredState: "stopped", event: null, cause });
  letGo();
  expect(await begun).toMatchObject({ reason: "CONDITION_FAILED" });
  expect(existsSync(join(runtimeDir, "p", id, "1"))).toBe(false);
});

test("a restart begins with what was updated while the last run was stopped", async () => {
  const bench = await open();
  const { engine } = bench;
  const script = "trap '' TERM; echo ready; while :; do read line; done";
  const { id } = await start(bench, shell(script, { stdin: "pipe" }));
  await untilOutput(bench, id, "ready\n");
  const restarted = bench.restart(id, { ...stopDefaults, graceMs: 60_000 });
  await vi.waitFor(() => expect(bench.get(id).state).toBe("stopping"), { timeout: 90_000 });
  const replaced = await engine.update(
    { id },
    ({ spec: is }) => ({ spec: { ...is, args: ["-c", "exec sleep 1000"] } }),
    somebody,
  );
  expect(replaced.run.number).toBe(1);
  await bench.signal(id, "SIGKILL", "tree");
  expect(await restarted).toMatchObject({ run: 2, state: "running", spec: { args: ["-c", "exec sleep 1000"] } });
});

test("an update waits for a restart that has a spec of its own, and is not lost", async () => {
  const bench = await open();
  const { engine } = bench;
  const { id } = await start(bench, spec("/bin/sleep", ["1000"]));
  const { reached, letGo } = holdUp();
  const before = engine.get({ id }).spec;
  const restarted = engine.restart({ id }, stopDefaults, { ...before, args: ["2000"] }, somebody);
  await reached;
  const updated = engine.update({ id }, (process) => ({ spec: { ...process.spec, nice: 5 } }), somebody);
  letGo();
  expect((await restarted).spec).toMatchObject({ args: ["2000"], nice: null });
  expect((await updated).spec).toMatchObject({ args: ["2000"], nice: 5 });
});

test("a restart with a spec of its own comes after one with another, and not after one with the same", async () => {
  const bench = await open();
  const { engine } = bench;
  const { id } = await start(bench, spec("/bin/sleep", ["1000"]));
  const before = engine.get({ id }).spec;
  const { reached, letGo } = holdUp();
  const restart = (seconds: string) => engine.restart({ id }, stopDefaults, { ...before, args: [seconds] }, somebody);
  const first = restart("2000");
  await reached;
  const [same, other] = [restart("2000"), restart("3000")];
  const plain = engine.restart({ id }, stopDefaults, null, somebody);
  letGo();
  for (const one of [first, same, plain])
    expect(await one).toMatchObject({ run: { number: 2 }, spec: { args: ["2000"] } });
  expect(await other).toMatchObject({ run: { number: 3, state: "running" }, spec: { args: ["3000"] } });
});

test("a precondition is looked at when the request is carried out, not before it waits for a start", async () => {
  const { engine } = await open();
  const id = randomUUID();
  const { name, labels, ...wanted } = spec("/bin/sleep", ["1000"]);
  const { reached, letGo } = holdUp();
  const started = engine.start({ id, name, labels, spec: wanted }, somebody);
  await reached;
  const context = { ...somebody, precondition: { run: 1, resourceVersion: engine.get({ id }).resourceVersion } };
  const stopped = refused(engine.stop({ id }, { ...stopDefaults, wait: true }, context));
  const restarted = refused(engine.restart({ id }, stopDefaults, null, context));
  letGo();
  await started;
  expect(await stopped).toMatchObject({ reason: "CONDITION_FAILED" });
  expect(await restarted).toMatchObject({ reason: "CONDITION_FAILED" });
  expect(engine.get({ id }).run).toMatchObject({ number: 1, state: "running" });
});

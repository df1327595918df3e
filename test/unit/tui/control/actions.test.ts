import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { PmError } from "../../../../src/sdk/errors.ts";
import type { ProcessManager } from "../../../../src/sdk/manager.ts";
import type { StopReceipt, WatchEvent } from "../../../../src/sdk/types.ts";
import { act } from "../../../../src/tui/control/actions.ts";
import { processInfo } from "../../../support/process-info.ts";

const targets = ["a", "b", "c"].map((id) => processInfo(id));
const notFound = new PmError("PROCESS_NOT_FOUND", "no such process", { code: "not_found" });
const unreachable = new PmError("UNREACHABLE", "no daemon", { code: "unavailable" });

function receipt(outcome: StopReceipt["outcome"], pids: readonly number[] = []): StopReceipt {
  const survivors = pids.map((pid) => ({ pid, command: "x", state: "sleeping" }));
  return { signal: "SIGTERM", graceMs: 1, force: false, outcome, survivors };
}

function managerWith(processes: object): ProcessManager {
  return { processes } as ProcessManager;
}

/** What went wrong, by process. */
async function failuresOf(
  manager: ProcessManager,
  action: Parameters<typeof act>[1],
  of = targets,
): Promise<readonly (readonly [id: string, reason: string, connection: boolean])[]> {
  const result = await act(manager, action, of, () => {});
  if (result.type !== "action-result") {
    throw new Error("no result");
  }
  return result.failures.map(({ process, reason, connection }) => [process.id, reason, connection]);
}

/** What a watch says of processes: as they are, then that the list is whole, then more. */
function watching(first: readonly WatchEvent[], then: readonly WatchEvent[] = []) {
  return vi.fn(async function* (): AsyncGenerator<WatchEvent> {
    yield { type: "reset" };
    yield* first;
    yield { type: "bookmark", resourceVersion: "9" };
    yield* then;
    throw new Error("nothing more was to be waited for");
  });
}

function stopped(id: string, outcome: StopReceipt["outcome"], pids: readonly number[] = [], run = 1): WatchEvent {
  return { type: "modified", process: processInfo(id, { run, runInfo: { stop: receipt(outcome, pids) } }) };
}

test("several are stopped side by side, and each has a result of its own", async () => {
  const ids = ["a", "b", "c", "d", "e", "f"];
  const stop = vi.fn(async (id: string) => {
    if (id === "c") {
      throw notFound;
    }
    return { process: processInfo(id), receipt: receipt(id === "a" ? "stopped" : "pending") };
  });
  // d was removed before the watch began, f got another run.
  const watch = watching(
    [stopped("b", "pending"), stopped("e", "survived", [7, 8])],
    [stopped("b", "stopped"), stopped("f", "pending", [], 2)],
  );
  expect(
    await failuresOf(
      managerWith({ stop, watch }),
      "stop",
      ids.map((id) => processInfo(id)),
    ),
  ).toEqual([
    ["c", "it was removed meanwhile", false],
    ["e", "it did not stop; X kills it (pids 7, 8)", false],
  ]);
  expect(watch.mock.calls).toEqual([[{ filter: { ids: ["b", "d", "e", "f"] }, reconnectMs: expect.any(Number) }]]);
});

test("what is stopped, killed or restarted is the process, whatever run it is in by now", async () => {
  const calls: unknown[] = [];
  const stop = async (id: string, how: object) => {
    calls.push(["stop", id, how]);
    return { process: processInfo(id, { run: 7 }), receipt: receipt("stopped") };
  };
  const restart = async (id: string, how: object) => {
    calls.push(["restart", id, how]);
  };
  for (const action of ["stop", "kill", "restart"] as const) {
    expect(await failuresOf(managerWith({ stop, restart }), action, [processInfo("a", { run: 2 })])).toEqual([]);
  }
  expect(calls).toEqual([
    ["stop", "a", {}],
    ["stop", "a", { force: true, graceMs: 0 }],
    ["restart", "a", {}],
  ]);
});

test("output is removed only of the run that was asked about", async () => {
  const condition = (field: string, actual: string): PmError =>
    new PmError("CONDITION_FAILED", "no", { code: "failed_precondition", metadata: { field, actual } });
  const remove = vi.fn((id: string) =>
    Promise.reject(condition(id === "a" ? "precondition.run" : "precondition.resource_version", "3")),
  );
  const notBegun = processInfo("b", { state: "starting", runInfo: null });
  expect(await failuresOf(managerWith({ remove }), "remove", [processInfo("a", { run: 2 }), notBegun])).toEqual([
    ["a", "it is in run 3 by now, and nothing was done", false],
    ["b", "it has changed meanwhile, and nothing was done", false],
  ]);
  expect(remove.mock.calls).toEqual([
    ["a", { precondition: { run: 2 } }],
    ["b", { precondition: { resourceVersion: "1" } }],
  ]);
});

test("the stop that is waited for is that of the run that it found", async () => {
  const crashing = ["a", "b"].map((id) => {
    const process = processInfo(id, { run: 2 });
    return { ...process, spec: { ...process.spec, restart: { mode: "always" as const } } };
  });
  const stop = async (id: string) => ({ process: processInfo(id, { run: 7 }), receipt: receipt("pending") });
  const watch = watching(
    [stopped("a", "pending", [], 7), stopped("b", "pending", [], 7)],
    [stopped("a", "survived", [5], 7), stopped("b", "stopped", [], 7)],
  );
  expect(await failuresOf(managerWith({ stop, watch }), "stop", crashing)).toEqual([
    ["a", "it did not stop; X kills it (pids 5)", false],
  ]);
});

test("a connection that is lost for good leaves the results that have come", async () => {
  const restart = (id: string) => (id === "a" ? Promise.resolve(processInfo(id)) : Promise.reject(unreachable));
  expect(await failuresOf(managerWith({ restart }), "restart")).toEqual([
    ["b", "no daemon", true],
    ["c", "no daemon", true],
  ]);
  const stop = async (id: string) => ({
    process: processInfo(id),
    receipt: receipt(id === "a" ? "stopped" : "pending"),
  });
  const watch = async function* () {
    yield stopped("b", "stopped");
    throw unreachable;
  };
  expect(await failuresOf(managerWith({ stop, watch }), "stop")).toEqual([["c", "no daemon", true]]);
});

test("what is gone already counts as removed", async () => {
  const remove = () => Promise.reject(notFound);
  expect(await failuresOf(managerWith({ remove }), "remove")).toEqual([]);
  expect(await failuresOf(managerWith({ remove }), "remove", targets.slice(0, 1))).toEqual([]);
});

test("no more requests are under way than the daemon has connections for, and a watch names no more than it takes", async () => {
  const many = Array.from({ length: 1001 }, (_, i) => processInfo(`p${i}`));
  let underWay = 0;
  let most = 0;
  const stop = async (id: string, how: object) => {
    expect(how).toMatchObject({ force: true, graceMs: 0, wait: false });
    most = Math.max(most, ++underWay);
    await setImmediate();
    underWay--;
    return { process: processInfo(id), receipt: receipt("pending") };
  };
  const sizes: number[] = [];
  const watch = async function* ({ filter: { ids } }: { filter: { ids: readonly string[] } }) {
    sizes.push(ids.length);
    yield* ids.map((id) => stopped(id, "stopped"));
  };
  expect(await failuresOf(managerWith({ stop, watch }), "kill", many)).toEqual([]);
  expect(sizes).toEqual([1000, 1]);
  expect(most).toBe(64);
});

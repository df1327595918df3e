import { expect, test, vi } from "vitest";
import { PmError } from "../../../../src/sdk/errors.ts";
import type { ProcessManager } from "../../../../src/sdk/manager.ts";
import type { StopReceipt } from "../../../../src/sdk/types.ts";
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

test("several are stopped by one call, and each has a result of its own", async () => {
  const stopAll = vi.fn(async function* () {
    yield { process: processInfo("b"), receipt: receipt("survived", [7, 8]) };
    yield { process: processInfo("a"), receipt: receipt("stopped") };
  });
  expect(await failuresOf(managerWith({ stopAll }), "stop")).toEqual([
    ["b", "it did not end, X kills it (pids 7, 8)", false],
    ["c", "it was removed meanwhile", false],
  ]);
  expect(stopAll).toHaveBeenCalledExactlyOnceWith({ ids: ["a", "b", "c"] }, { reconnectMs: expect.any(Number) });
});

test("a connection that is lost for good leaves the results that have come", async () => {
  const restartAll = async function* () {
    yield { process: processInfo("a") };
    throw unreachable;
  };
  expect(await failuresOf(managerWith({ restartAll }), "restart")).toEqual([
    ["b", "no daemon", true],
    ["c", "no daemon", true],
  ]);
});

test("what is gone already counts as removed", async () => {
  const removeAll = async function* () {
    yield { id: "a" };
    yield { id: "b", error: notFound };
  };
  expect(await failuresOf(managerWith({ removeAll }), "remove")).toEqual([]);
  const remove = () => Promise.reject(notFound);
  expect(await failuresOf(managerWith({ remove }), "remove", targets.slice(0, 1))).toEqual([]);
});

test("a call names no more processes than the daemon takes", async () => {
  const many = Array.from({ length: 1001 }, (_, i) => processInfo(`p${i}`));
  const sizes: number[] = [];
  const stopAll = async function* ({ ids }: { ids: readonly string[] }, how: object) {
    sizes.push(ids.length);
    expect(how).toMatchObject({ force: true, graceMs: 0 });
    yield* ids.map((id) => ({ process: processInfo(id), receipt: receipt("stopped") }));
  };
  expect(await failuresOf(managerWith({ stopAll }), "kill", many)).toEqual([]);
  expect(sizes).toEqual([1000, 1]);
});

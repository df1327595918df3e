import { expect, test } from "vitest";
import type { ProcessSpec } from "../../../../src/server/engine/api/spec.ts";
import { EngineError } from "../../../../src/server/engine/errors.ts";
import { ManagedProcess } from "../../../../src/server/engine/process/process.ts";
import { Table } from "../../../../src/server/engine/process/table.ts";

const spec: ProcessSpec = {
  executable: "true",
  args: [],
  env: {},
  envMode: "extend",
  cwd: "",
  name: "job",
  labels: {},
  outputLimitBytes: 4096,
  stdin: "null",
  terminal: null,
  limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
  stop: { signal: "", graceMs: null },
};

function make(number: number): ManagedProcess {
  const id = `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
  return new ManagedProcess(id, spec, BigInt(number), 1);
}

function reason(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof EngineError ? error.reason : String(error);
  }
}

test("a watch can resume over 10,000 removals, and is told when it cannot", () => {
  const table = new Table();
  const first = table.version(table.sequence);
  const removals: string[] = [];
  for (let number = 1; number <= 13_000; number++) {
    const process = make(number);
    table.add(process);
    table.remove(process);
    removals.push(table.version(table.sequence));
  }
  expect(reason(() => table.parseVersion(first))).toBe("RESOURCE_VERSION_EXPIRED");
  const resumed = table.removedAfter(table.parseVersion(removals[2_999] ?? ""));
  expect(resumed.length).toBe(10_000);
  expect(resumed[0]?.id).toBe(make(3001).id);
  expect(table.size).toBe(0);
});

test("keeps the order of creation, whatever the order of arrival", () => {
  const table = new Table();
  for (const number of [5, 1, 3, 2, 4]) table.add(make(number));
  expect(table.ordered.map(({ createTime }) => Number(createTime))).toEqual([1, 2, 3, 4, 5]);
  const third = make(3);
  expect(table.firstAfter(third.createTime, third.id)).toBe(3);
});

test("a name means the process that has not ended, else the one started last", () => {
  const table = new Table();
  const processes = [make(1), make(2), make(3)];
  for (const process of processes) table.add(process);
  const fail = (process: ManagedProcess | undefined) => {
    if (process !== undefined) process.failure = { step: 1, errno: 0, errnoName: "", message: "", path: "" };
  };
  fail(processes[0]);
  fail(processes[2]);
  expect(table.byName("job")).toBe(processes[1]);
  expect(table.holderOf("job")).toBe(processes[1]);
  fail(processes[1]);
  expect(table.byName("job")).toBe(processes[2]);
  expect(table.holderOf("job")).toBeUndefined();
});

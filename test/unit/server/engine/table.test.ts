import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../../src/server/engine/clock.ts";
import { EngineError } from "../../../../src/server/engine/errors.ts";
import { Journal } from "../../../../src/server/engine/history/journal.ts";
import { resolveOptions } from "../../../../src/server/engine/options.ts";
import { ManagedProcess } from "../../../../src/server/engine/process/process.ts";
import { effectiveSpec, normalizeSpec } from "../../../../src/server/engine/process/spec.ts";
import { Table } from "../../../../src/server/engine/process/table.ts";
import { Quarantine } from "../../../../src/server/engine/quarantine.ts";
import { Run } from "../../../../src/server/engine/run/run.ts";
import { spec } from "../../../engine/harness.ts";

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const cause = { kind: "request", principal: "local", requestId: "", detail: "" } as const;

function openJournal(): Journal {
  const directory = mkdtempSync(join(tmpdir(), "pm-table-"));
  const limits = { bytes: 128 * 1024, entries: 1000 };
  const journal = new Journal({
    directory,
    limits,
    clock: systemClock,
    logger,
    quarantine: new Quarantine(directory, logger),
  });
  onTestFinished(() => {
    journal.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return journal;
}

function make(sequence: number): ManagedProcess {
  const id = `00000000-0000-4000-8000-${sequence.toString(16).padStart(12, "0")}`;
  const options = resolveOptions({ runtimeDir: "/nowhere", shimPath: "/nowhere" }, null);
  const normalized = normalizeSpec(spec("true"), options);
  const effective = effectiveSpec(normalized, options);
  const run = new Run({ number: 1, cause, createTime: 1n, sequence, effective, limits: null });
  const change = { sequence, time: 1n, run: 1, from: null, to: "starting", cause } as const;
  return new ManagedProcess({ id, name: "job", labels: {}, spec: normalized, createTime: 1n, sequence }, run, change);
}

function reason(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof EngineError ? error.reason : String(error);
  }
}

test("a version is good as far as the journal reaches, and no other journal's is", () => {
  const journal = openJournal();
  const table = new Table(journal);
  const first = table.version(journal.sequence);
  const entry = {
    type: "changed",
    processId: "",
    processName: "",
    run: 0,
    from: "",
    to: "",
    cause,
    exit: null,
  } as const;
  for (let number = 0; number < 3_000; number++) journal.append(entry);
  journal.flush();
  expect(reason(() => table.parseVersion(first))).toBe("RESOURCE_VERSION_EXPIRED");
  expect(table.parseVersion(table.version(journal.sequence))).toBe(3_000);
  expect(table.parseVersion(table.version(journal.completeAfter))).toBe(journal.completeAfter);
  expect(reason(() => table.parseVersion(table.version(3_001)))).toBe("RESOURCE_VERSION_EXPIRED");
  expect(reason(() => new Table(openJournal()).parseVersion(table.version(0)))).toBe("RESOURCE_VERSION_EXPIRED");
  expect(reason(() => table.parseVersion("3000"))).toBe("INVALID_ARGUMENT");
});

test("keeps the order of creation, whatever the order of arrival", () => {
  const table = new Table(openJournal());
  for (const number of [5, 1, 3, 2, 4]) table.add(make(number));
  expect(table.ordered.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  const third = make(3);
  expect(table.firstAfter(third.sequence, third.id)).toBe(3);
  const process = table.byId(third.id);
  if (process !== undefined) table.remove(process);
  expect(table.ordered.map(({ sequence }) => sequence)).toEqual([1, 2, 4, 5]);
});

test("a name means the process that has not ended, else the one started last", () => {
  const table = new Table(openJournal());
  const processes = [make(1), make(2), make(3)];
  for (const process of processes) table.add(process);
  processes[0]?.current.apply("startFailed");
  processes[2]?.current.apply("startFailed");
  expect(table.byName("job")).toBe(processes[1]);
  expect(table.holderOf("job")).toBe(processes[1]);
  processes[1]?.current.apply("startFailed");
  expect(table.byName("job")).toBe(processes[2]);
  expect(table.holderOf("job")).toBeUndefined();
});

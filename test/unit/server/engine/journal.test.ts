import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../../src/server/engine/clock.ts";
import type { JournalEntry, NewEntry } from "../../../../src/server/engine/history/entry.ts";
import { Journal, type JournalLimits } from "../../../../src/server/engine/history/journal.ts";
import { Quarantine } from "../../../../src/server/engine/quarantine.ts";
import { fillSpace, smallFileSystem } from "../../../support/small-file-system.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function directory(): string {
  const base = mkdtempSync(join(tmpdir(), "pm-journal-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return base;
}

function openIn(base: string, limits: Partial<JournalLimits> = {}): { journal: Journal; quarantine: Quarantine } {
  const quarantine = new Quarantine(base, silent);
  const journal = new Journal({
    directory: join(base, "journal"),
    limits: { bytes: 4 * 1024 * 1024, entries: 50_000, ...limits },
    clock: systemClock,
    logger: silent,
    quarantine,
  });
  onTestFinished(() => journal.close());
  return { journal, quarantine };
}

function entry(number: number, detail = ""): NewEntry {
  return {
    type: "stateChanged",
    processId: `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`,
    processName: "job",
    run: 1,
    from: "starting",
    to: "running",
    cause: { kind: "request", principal: "local", requestId: "", detail },
    exit: null,
  };
}

function sequences(entries: readonly JournalEntry[]): number[] {
  return entries.map(({ sequence }) => sequence);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function segments(base: string): string[] {
  return readdirSync(join(base, "journal"))
    .sort()
    .map((name) => join(base, "journal", name));
}

test("what was appended is there for the next daemon, and numbers go on", () => {
  const base = directory();
  const { journal } = openIn(base);
  const first = journal.append(entry(1, "één"));
  journal.append(entry(2));
  journal.close();
  const { journal: next, quarantine } = openIn(base);
  expect(next.identity).toBe(journal.identity);
  expect(next.read(0)).toEqual({ gap: null, entries: [first, expect.objectContaining({ sequence: 2 })] });
  expect(next.append(entry(3)).sequence).toBe(3);
  expect(sequences(next.read(1).entries)).toEqual([2, 3]);
  expect(quarantine.files).toEqual([]);
});

test("an entry is on disk soon after it was appended, or at once", async () => {
  const base = directory();
  const { journal } = openIn(base);
  const heard = new Promise<void>((resolve) => journal.listen(resolve));
  journal.append(entry(1));
  journal.append(entry(2));
  await heard;
  expect(sequences(openIn(base).journal.read(0).entries)).toEqual([1, 2]);
  journal.append(entry(3));
  journal.flush();
  expect(sequences(openIn(base).journal.read(0).entries)).toEqual([1, 2, 3]);
});

test.each<[string, Partial<JournalLimits>, number]>([
  ["bytes", { bytes: 128 * 1024 }, 128 * 1024],
  ["entries", { entries: 400 }, 4 * 1024 * 1024],
])("it is bounded by %s: the oldest are dropped, and a reader is told which", (_, limits, bytes) => {
  const base = directory();
  const { journal } = openIn(base, limits);
  for (let number = 1; number <= 5_000; number++) {
    journal.append(entry(number));
    if (number % 7 === 0) journal.flush();
  }
  journal.flush();
  const { gap, entries } = journal.read(0);
  const first = entries[0]?.sequence ?? 0;
  expect(first).toBeGreaterThan(1);
  expect(sequences(entries)).toEqual(range(first, 5_000));
  expect(gap).toEqual({ from: 1, to: first - 1 });
  expect(journal.read(first - 1).gap).toBeNull();
  expect(entries.length).toBeLessThanOrEqual(limits.entries ?? 5_000);
  expect(segments(base).reduce((sum, path) => sum + statSync(path).size, 0)).toBeLessThanOrEqual(bytes);
  journal.close();
  const again = openIn(base, limits).journal.read(0);
  expect(again.gap).toEqual(gap);
  expect(sequences(again.entries)).toEqual(sequences(entries));
});

test("after a killed daemon no number is used again that it may have told, and what is on record can be resumed from", () => {
  const base = directory();
  const { journal } = openIn(base);
  for (const number of [1, 2]) journal.append(entry(number));
  journal.flush();
  // Told to somebody, and never written.
  const { sequence } = journal.append(entry(3));
  const { journal: next } = openIn(base);
  const fresh = next.append(entry(4)).sequence;
  expect(fresh).toBeGreaterThan(sequence);
  expect([next.knows(2), next.knows(sequence), next.knows(fresh)]).toEqual([true, false, true]);
  expect(sequences(next.read(2).entries)).toEqual([fresh]);
  next.close();
  const { journal: third } = openIn(base);
  expect(third.read(0)).toMatchObject({ gap: null });
  expect([third.knows(2), third.append(entry(5)).sequence]).toEqual([true, fresh + 1]);
});

/** Where record `number` begins, counted from 0. */
function recordAt(bytes: Buffer, number: number): number {
  let at = 64;
  for (let i = 0; i < number; i++) at += 8 + bytes.readUInt32LE(at);
  return at;
}

function threeEntries(): string {
  const base = directory();
  const { journal } = openIn(base);
  for (const number of [1, 2, 3]) journal.append(entry(number));
  journal.close();
  return base;
}

test("a record that was being written is no damage, and its number is not used again", () => {
  const base = threeEntries();
  const [path = ""] = segments(base);
  const bytes = readFileSync(path);
  const last = recordAt(bytes, 2);
  // The second half was never written.
  bytes.fill(0, last + 60);
  writeFileSync(path, bytes);
  const { journal, quarantine } = openIn(base);
  expect(sequences(journal.read(0).entries)).toEqual([1, 2]);
  expect(journal.knows(2)).toBe(false);
  expect(journal.append(entry(4)).sequence).toBeGreaterThan(1_000);
  expect(journal.read(3).gap).not.toBeNull();
  expect(quarantine.files).toEqual([]);
  journal.close();
  expect(openIn(base).journal.read(0).entries.length).toBe(3);
});

test("a damaged record costs no other one: the segment is set aside and named, the rest is kept", () => {
  const base = threeEntries();
  const [path = ""] = segments(base);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(recordAt(bytes, 1) + 20) ^ 1, recordAt(bytes, 1) + 20);
  writeFileSync(path, bytes);
  const { journal, quarantine } = openIn(base);
  expect(sequences(journal.read(0).entries)).toEqual([1, 3]);
  expect(journal.read(0).gap).not.toBeNull();
  expect(quarantine.files.map(({ path }) => path.includes("/quarantine/"))).toEqual([true]);
  expect(readFileSync(quarantine.files[0]?.path ?? "")).toEqual(bytes);
  journal.close();
  expect(sequences(openIn(base).journal.read(0).entries)).toEqual([1, 3]);
});

test.each<[string, (bytes: Buffer) => Buffer, boolean]>([
  ["of a newer version", (bytes) => bytes.fill(2, 8, 9), false],
  ["of an older version", (bytes) => bytes.fill(0, 8, 9), true],
  ["with a garbled header", (bytes) => bytes.fill(0x55, 16, 30), true],
  ["that is no journal", () => Buffer.from("hello"), true],
  ["that is empty", () => Buffer.alloc(0), true],
])("a segment %s is kept and named, and another journal begins", (_, change, moved) => {
  const base = threeEntries();
  const [path = ""] = segments(base);
  const bytes = change(readFileSync(path));
  writeFileSync(path, bytes);
  const { journal, quarantine } = openIn(base);
  expect(journal.read(0)).toEqual({ gap: null, entries: [] });
  expect(quarantine.files.map((file) => file.path.includes("/quarantine/"))).toEqual([moved]);
  expect(readFileSync(quarantine.files[0]?.path ?? "")).toEqual(bytes);
  journal.append(entry(1));
  journal.close();
  expect(sequences(openIn(base).journal.read(0).entries)).toEqual([1]);
});

test("a segment that is missing in the middle is a hole that readers are told of", () => {
  const base = directory();
  const limits = { entries: 40 };
  const { journal } = openIn(base, limits);
  for (let number = 1; number <= 40; number++) journal.append(entry(number));
  journal.close();
  rmSync(segments(base)[1] ?? "");
  const { journal: next } = openIn(base, limits);
  expect(sequences(next.read(0).entries)).toEqual([...range(1, 10), ...range(21, 40)]);
  expect(next.completeAfter).toBe(20);
  expect(next.read(20).gap).toBeNull();
  expect(next.append(entry(41)).sequence).toBe(41);
});

test("on a full file system it goes on, first in its reserve, then in memory, and is written when there is room", (context) => {
  const base = smallFileSystem("size=1m");
  if (base === null) return context.skip("mounting a tmpfs needs privileges");
  const { journal } = openIn(base);
  journal.append(entry(1));
  journal.flush();
  fillSpace(join(base, "ballast"));
  for (let number = 2; number <= 2_000; number++) {
    journal.append(entry(number));
    journal.flush();
  }
  expect(sequences(journal.read(0).entries)).toEqual(range(1, 2_000));
  // A daemon that comes now uses no number again that somebody may have been told.
  const other = openIn(base).journal;
  const seen = other.read(0).entries.length;
  expect(seen).toBeGreaterThan(300);
  expect(seen).toBeLessThan(2_000);
  expect(other.sequence).toBeGreaterThan(2_000);
  other.close();
  rmSync(join(base, "ballast"));
  journal.append(entry(2_001));
  journal.close();
  const { journal: next } = openIn(base);
  expect(sequences(next.read(0).entries)).toEqual(range(1, 2_001));
  expect(next.append(entry(2_002)).sequence).toBe(2_002);
});

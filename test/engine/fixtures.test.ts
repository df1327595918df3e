/**
 * Runtime directories as released and unreleased versions of pm have written
 * them. They are never changed: a new version of a format gets a directory of
 * its own, and what wrote the old ones must still be read.
 *
 * runtime-directory-1: record 2, ring and spec 2, journal 1.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ringLayout } from "../../src/server/engine/shim/layout.ts";
import { type Bench, open, runtimeDirectory, text } from "./harness.ts";

const fixtures = join(import.meta.dirname, "fixtures");
const id = "01234567-89ab-4cde-8f01-23456789abcd";

function copyOf(name: string): string {
  const runtimeDir = runtimeDirectory();
  cpSync(join(fixtures, name), runtimeDir, { recursive: true });
  return runtimeDir;
}

/** Ended processes are old by the time a test reads them. */
async function openKeeping(runtimeDir: string): Promise<Bench> {
  return await open({ runtimeDir, retention: { ageMs: Number.MAX_SAFE_INTEGER } });
}

test.each(readdirSync(fixtures))("%s is read: process, runs, output and history", async (name) => {
  const engine = await openKeeping(copyOf(name));
  const process = engine.engine.get({ name: "fixture" });
  expect(process).toMatchObject({
    id,
    labels: { app: "web" },
    state: "exited",
    sequence: 2,
    spec: { executable: "sh", umask: 0o027, stop: { signal: "SIGINT", graceMs: 5000 } },
  });
  expect(process.spec.env).toEqual([
    { name: "A", value: "1" },
    { name: Uint8Array.of(0x63, 0xe9), value: "x" },
  ]);
  const { runs } = engine.engine.runs({ id });
  expect(runs.map(({ number, state, exit, cause }) => [number, state, exit?.code, cause.requestId])).toEqual([
    [2, "exited", 3, "fixture-2"],
    [1, "exited", 3, "fixture-1"],
  ]);
  for (const run of [1, 2]) {
    expect((await text(engine, id, run)).split("\n").sort()).toEqual(["", "err", "out"]);
    expect(runs.find(({ number }) => number === run)?.output).toMatchObject({ nextOffset: 8, complete: true });
  }
  const options = { afterSequence: 0, filter: null, types: ["created"] as const, follow: false, heartbeatMs: 60_000 };
  const created: string[] = [];
  for await (const frame of engine.engine.events(options, AbortSignal.timeout(20_000))) {
    if (frame.kind === "event") created.push(frame.event.processId);
  }
  expect(created).toEqual([id]);
  expect(engine.info()).toMatchObject({ setAsideCount: 0, setAside: [] });
  expect((await engine.restart(id, { signal: "", graceMs: null, force: false })).run).toBe(3);
});

test.each<[string, (directory: string) => string, (bytes: Buffer) => void]>([
  [
    "record",
    () => join("p", id, "process.json"),
    (bytes) => bytes.write('{"version":9', bytes.indexOf('{"version":2'), "latin1"),
  ],
  ["ring", () => join("p", id, "2/ring"), (bytes) => bytes.writeUInt32LE(99, ringLayout.version)],
  [
    "journal",
    (directory) => join("journal", readdirSync(join(directory, "journal"))[0] ?? ""),
    (bytes) => bytes.writeUInt32LE(99, 8),
  ],
])("a newer %s is left alone and named", async (_, path, change) => {
  const runtimeDir = copyOf("runtime-directory-1");
  const file = join(runtimeDir, path(runtimeDir));
  const bytes = readFileSync(file);
  change(bytes);
  writeFileSync(file, bytes);
  const engine = await openKeeping(runtimeDir);
  const { setAside } = engine.info();
  expect(setAside).toMatchObject([{ newer: true }]);
  expect(file.startsWith(setAside[0]?.path ?? "nowhere")).toBe(true);
  await engine.close();
  expect(readFileSync(file).equals(bytes)).toBe(true);
});

/** An intent as record 2 has it: the daemon died after the stop, before the new run. */
const intent = `{"kind":"restart","run":2,"cause":{"kind":"request","principal":"local","requestId":"fixture-3","detail":""},
  "signal":"SIGINT","graceMs":5000,"force":false,"requestBootMs":1,"signaled":true,"spec":null,"keepsDesired":false}`;

test("an intent on record is carried on", async () => {
  const runtimeDir = copyOf("runtime-directory-1");
  const file = join(runtimeDir, "p", id, "process.json");
  const record = readFileSync(file, "utf8");
  expect(record).toContain('"intents":[]');
  writeFileSync(file, record.replace('"intents":[]', `"intents":[${intent}]`));
  const engine = await openKeeping(runtimeDir);
  const context = { principal: "local", requestId: "fixture-3", precondition: null };
  const options = { signal: "SIGINT", graceMs: 5000, force: false };
  const process = await engine.engine.restart({ id }, options, null, context);
  expect(process.run?.number).toBe(3);
  expect(engine.engine.runs({ id }).runs[0]?.cause).toMatchObject({ kind: "request", requestId: "fixture-3" });
});

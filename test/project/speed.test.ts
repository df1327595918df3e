/**
 * A small part of the bench. What it measures depends on what else the machine
 * does, so that a ratio out of its bound is a warning; that everything is
 * measured at all is the test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BenchDaemon, openDaemon } from "../../bench/measure/daemon.ts";
import { compileLimit } from "../../bench/measure/limits.ts";
import { type Measure, runRounds } from "../../bench/measure/rounds.ts";
import { captureMeasure } from "../../bench/parts/capture.ts";
import { livesMeasure } from "../../bench/parts/lives.ts";

let directory: string;
let daemon: BenchDaemon;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "pm-speed-"));
  daemon = await openDaemon({ commandHost: false });
});

afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** A fourth or less of what a quiet machine shows. */
async function warnBelow(measure: Measure, bounds: Readonly<Record<string, number>>): Promise<void> {
  const { rows } = await runRounds(measure, 3);
  expect(rows.map(({ name }) => name)).toEqual([measure.reference, ...Object.keys(bounds)]);
  for (const { name, median, ratio } of rows) {
    expect(median).toBeGreaterThan(0);
    const bound = bounds[name];
    if (bound !== undefined && ratio < bound)
      console.warn(
        `slow? ${measure.title}: ${name} reached ${ratio.toFixed(2)} of ${measure.reference}, usually more than ${bound}; \`npm run bench\` measures it well`,
      );
  }
}

test("lives beside posix_spawn", async () => {
  const [spawner, empty] = ["spawner", "empty"].map((name) => compileLimit(name, directory)) as [string, string];
  const costs = { daemon: [], client: [], shims: [] };
  await warnBelow(livesMeasure({ daemon, spawner, empty, count: 100, costs }), { "pm SDK": 0.06 });
  expect(costs.daemon).toHaveLength(4);
});

test("taking output beside a C reader", async () => {
  const [reader, writer] = ["reader", "writer"].map((name) => compileLimit(name, directory)) as [string, string];
  const measure = captureMeasure({ daemon, reader, writer, bytes: 64 * 1024 * 1024, pieceBytes: 65_536 });
  await warnBelow(measure, { "pm, 1 MiB kept": 0.2, "pm, 64 MiB kept": 0.1 });
});

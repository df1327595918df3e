/** A short part of the campaign of faults, with a fixed seed: `npm run faults` is the whole. */
import { afterAll, expect, test } from "vitest";
import { parts } from "../../faults/parts/index.ts";
import { Programs } from "../../faults/support/programs.ts";
import { Random } from "../../faults/support/random.ts";
import { Report } from "../../faults/support/report.ts";

const seed = 20_261_126;
const programs = new Programs();
afterAll(() => programs.remove());

/** How much of a full campaign: a few seconds each. */
const short: Partial<Record<keyof typeof parts, number>> = {
  kills: 0.03,
  aimed: 0.02,
  apply: 0.04,
  trees: 0.03,
  garbled: 0.02,
  full: 0.1,
  stopped: 0.1,
  clock: 0.1,
  exhausted: 0.2,
};

test.concurrent.each(Object.entries(short))("%s", { timeout: 240_000 }, async (name, scale) => {
  const part = parts[name as keyof typeof parts];
  const report = new Report(name, () => {});
  const rounds = (usual: number) => Math.max(1, Math.round(usual * scale));
  await part({ seed, scale, rounds, report, programs, random: Random.of(seed, name) });
  expect(report.failures, report.figures).toEqual([]);
});

/**
 * Measuring on a machine whose speed drifts: all contenders run once in each
 * round, one after the other, so that what slows the machine slows all of them.
 * Medians are of the rounds; ratios are medians of each round's ratio.
 */

/** Something that is measured. */
export interface Contender {
  /** As it stands in tables: "pm", "C reader", "pueue". */
  readonly name: string;
  /** One measurement, in the unit of its measure. */
  readonly run: () => Promise<number>;
}

export interface Measure {
  /** What is measured, as a heading. */
  readonly title: string;
  /** Such as "MB/s" or "ms". */
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** The contender that ratios are given to; it comes first in tables. */
  readonly reference: string;
  readonly contenders: readonly Contender[];
  /** What pm is to reach, as ratios to the reference. */
  readonly targets?: readonly Target[];
}

export interface Target {
  readonly contender: string;
  readonly ratio: number;
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Row extends Summary {
  readonly name: string;
  /** To the reference, median of the rounds. */
  readonly ratio: number;
  /** In order of the rounds. */
  readonly samples: readonly number[];
}

export interface MeasureResult {
  readonly title: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly reference: string;
  readonly rows: readonly Row[];
  readonly targets: readonly (Target & { readonly reached: boolean })[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function summarize(samples: readonly number[]): Summary {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples) };
}

/** Runs a measure: one round that does not count, then `rounds`. */
export async function runRounds(measure: Measure, rounds: number): Promise<MeasureResult> {
  const samples = new Map(measure.contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, run } of measure.contenders) {
      const value = await run();
      if (round >= 0) samples.get(name)?.push(value);
    }
  }
  const base = samples.get(measure.reference) ?? [];
  const rows = measure.contenders.map(({ name }): Row => {
    const mine = samples.get(name) ?? [];
    const ratio = median(mine.map((value, round) => value / (base[round] ?? Number.NaN)));
    return { name, ...summarize(mine), ratio, samples: mine };
  });
  const { title, unit, better, reference } = measure;
  const targets = (measure.targets ?? []).map((target) => {
    const ratio = rows.find(({ name }) => name === target.contender)?.ratio ?? Number.NaN;
    return { ...target, reached: better === "higher" ? ratio >= target.ratio : ratio <= target.ratio };
  });
  return { title, unit, better, reference, rows, targets };
}

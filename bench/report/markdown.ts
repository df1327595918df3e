/** docs/benchmarks.md: generated, so that no figure in it is older than its neighbors. */
import type { Machine } from "../measure/machine.ts";
import type { MeasureResult } from "../measure/rounds.ts";
import type { Series } from "./plot.ts";

export interface Growth {
  /** File name of the plot, without its ending. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

/** One value that has no contender. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** Such as "MB"; "" for a share. */
  readonly unit: string;
  /** What pm is to stay below. */
  readonly atMost?: number;
}

export interface PartResult {
  readonly title: string;
  /** What was done, and what bounds it. */
  readonly text: string;
  readonly measures: readonly MeasureResult[];
  readonly growths: readonly Growth[];
  readonly figures: readonly Figure[];
  /** What was not measured, and why. */
  readonly absent: readonly string[];
}

/** A part with when and where it was measured: parts may be of different runs. */
export interface MeasuredPart extends PartResult {
  readonly name: string;
  readonly date: string;
  readonly rounds: number;
  readonly machine: Machine;
}

/** `absent`: the parts that were never measured. */
export function markdown(parts: readonly MeasuredPart[], absent: readonly string[]): string {
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench -- --write`. Do not edit.",
    "",
    "All contenders run once in each round, one after the other, after a round that does not count. A figure is the median of the rounds; a ratio is the median of each round's ratio to the reference. Compare ratios and processor times, not figures: the machine is shared and noisy, and the load stands with each part.",
  ];
  const [first] = parts;
  if (first !== undefined) {
    const { processor, cores, memoryGiB, kernel, node } = first.machine;
    lines.push("", `${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}.`);
  }
  for (const part of parts) lines.push("", ...partLines(part));
  if (absent.length > 0) lines.push("", `Parts that were not measured: ${absent.join(", ")}.`);
  return `${lines.join("\n")}\n`;
}

export function partLines(part: MeasuredPart): string[] {
  const lines = [
    `## ${part.title}`,
    "",
    part.text,
    "",
    `${part.date.slice(0, 10)}, ${part.rounds} rounds; load average at the beginning ${part.machine.load.join(", ")}.`,
  ];
  for (const measure of part.measures) lines.push("", ...table(measure));
  if (part.figures.length > 0) lines.push("", ...figureTable(part.figures));
  for (const { id, title } of part.growths) lines.push("", `![${title}](benchmarks/${id}.svg)`);
  for (const text of part.absent) lines.push("", `Not measured: ${text}`);
  return lines;
}

function table(measure: MeasureResult): string[] {
  const { unit, rows, targets } = measure;
  const better = measure.better === "higher" ? "more is better" : "less is better";
  const lines = [
    `**${measure.title}** (${unit}, ${better})`,
    "",
    "| | median | lowest to highest | ratio |",
    "| --- | ---: | ---: | ---: |",
    ...rows.map(
      (row) => `| ${row.name} | ${show(row.median)} | ${show(row.min)} to ${show(row.max)} | ${show(row.ratio)} |`,
    ),
  ];
  for (const target of targets) {
    const sign = measure.better === "higher" ? "at least" : "at most";
    lines.push(
      "",
      `Target for ${target.contender}: ${sign} ${target.ratio} of ${measure.reference}. ${target.reached ? "Reached." : "**Not reached.**"}`,
    );
  }
  return lines;
}

function figureTable(figures: readonly Figure[]): string[] {
  return [
    "| | value | target |",
    "| --- | ---: | --- |",
    ...figures.map(({ name, value, unit, atMost }) => {
      const reached = atMost === undefined || value <= atMost ? "" : ": **not reached**";
      const target = atMost === undefined ? "" : `at most ${atMost} ${unit}${reached}`;
      return `| ${name} | ${show(value)} ${unit} | ${target} |`;
    }),
  ];
}

export function show(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

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

export interface PartResult {
  readonly title: string;
  /** What was done, and what bounds it. */
  readonly text: string;
  readonly measures: readonly MeasureResult[];
  readonly growths: readonly Growth[];
  /** What was not measured, and why. */
  readonly absent: readonly string[];
}

export interface BenchResult {
  readonly date: string;
  readonly version: string;
  readonly rounds: number;
  readonly machine: Machine;
  readonly parts: readonly PartResult[];
}

export function markdown(result: BenchResult): string {
  const { machine } = result;
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench -- --write`. Do not edit.",
    "",
    `pm ${result.version}, ${result.date}; ${result.rounds} rounds. All contenders run once in each round, one after the other; a figure is the median of the rounds, with the lowest and highest in brackets; a ratio is the median of each round's ratio to the reference. Compare ratios, not figures: this machine is shared and noisy.`,
    "",
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node.js ${machine.node}; load average at the beginning ${machine.load.join(", ")}.`,
  ];
  for (const part of result.parts) {
    lines.push("", `## ${part.title}`, "", part.text);
    for (const measure of part.measures) lines.push("", ...table(measure));
    for (const { id, title } of part.growths) lines.push("", `![${title}](benchmarks/${id}.svg)`);
    for (const text of part.absent) lines.push("", `Not measured: ${text}`);
  }
  return `${lines.join("\n")}\n`;
}

function table(measure: MeasureResult): string[] {
  const { unit, rows, target } = measure;
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
  if (target !== undefined) {
    const sign = measure.better === "higher" ? "at least" : "at most";
    lines.push(
      "",
      `Target for ${target.contender}: ${sign} ${target.ratio} of ${measure.reference}. ${target.reached ? "Reached." : "**Not reached.**"}`,
    );
  }
  return lines;
}

export function show(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** docs/benchmarks.md: generated, so that no figure in it is older than its neighbors. */
import type { Machine } from "../measure/machine.ts";
import type { MeasureResult } from "../measure/rounds.ts";
import { bounds } from "./bounds.ts";
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
  /** What pm is not to exceed, or to fall below. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface PartResult {
  readonly title: string;
  /** What was done. */
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
  /** When it began, in ISO 8601. */
  readonly date: string;
  /** How long it took. */
  readonly seconds: number;
  /** The commit that was built, with "+" if there was more; "": unknown. */
  readonly commit: string;
  readonly rounds: number;
  readonly machine: Machine;
  /** As the machine's, when it ended. */
  readonly loadAfter: readonly number[];
}

/** `absent`: the parts that were never measured. */
export function markdown(parts: readonly MeasuredPart[], absent: readonly string[]): string {
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench -- --write`. Do not edit: what bounds a target stands in bench/report/bounds.ts.",
    "",
    "All contenders run once in each round, one after the other, after a round that does not count. A figure is the median of the rounds; a ratio is the median of each round's ratio to the reference. Compare ratios and processor times, not figures: the machine is shared and noisy. Parts may have been measured at different times: when, and beside what load, stands with each.",
  ];
  for (const machine of new Set(parts.map((part) => describe(part.machine)))) lines.push("", machine);
  lines.push("", ...targetTable(parts));
  for (const part of parts) lines.push("", ...partLines(part));
  if (absent.length > 0) lines.push("", `Parts that were not measured: ${absent.join(", ")}.`);
  return `${lines.join("\n")}\n`;
}

function describe({ processor, cores, memoryGiB, kernel, node }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}.`;
}

/** Something that pm is to reach, and whether it did. */
interface Goal {
  /** What it is for, as the tables name it. */
  readonly name: string;
  readonly wanted: string;
  readonly measured: string;
  readonly reached: boolean;
}

function goalsOf({ measures, figures }: PartResult): Goal[] {
  const ofMeasures = measures.flatMap(({ title, better, reference, rows, targets }) =>
    targets.map(({ contender, ratio, reached }) => ({
      name: contender,
      wanted: `${title}: ${better === "higher" ? "at least" : "at most"} ${ratio} of ${reference}`,
      measured: show(rows.find(({ name }) => name === contender)?.ratio ?? Number.NaN),
      reached,
    })),
  );
  const ofFigures = figures.flatMap(({ name, value, unit, atMost, atLeast }) => {
    const measured = `${show(value)} ${unit}`;
    return [
      ...(atMost === undefined
        ? []
        : [{ name, wanted: `at most ${atMost} ${unit}`, measured, reached: value <= atMost }]),
      ...(atLeast === undefined
        ? []
        : [{ name, wanted: `at least ${atLeast} ${unit}`, measured, reached: value >= atLeast }]),
    ];
  });
  return [...ofMeasures, ...ofFigures];
}

function targetTable(parts: readonly MeasuredPart[]): string[] {
  const rows = parts.flatMap((part) =>
    goalsOf(part).map(
      ({ name, wanted, measured, reached }) =>
        `| ${part.title} | ${name} | ${wanted} | ${measured} | ${reached ? "reached" : "**missed**"} |`,
    ),
  );
  if (rows.length === 0) return [];
  return ["| | | target | measured | |", "| --- | --- | --- | ---: | --- |", ...rows];
}

export function partLines(part: MeasuredPart): string[] {
  const { machine, loadAfter, commit } = part;
  const when = part.date.slice(0, 16).replace("T", " ");
  const lines = [
    `## ${part.title}`,
    "",
    part.text,
    "",
    `${when} UTC${commit === "" ? "" : `, commit ${commit}`}, ${part.rounds} rounds, ${show(part.seconds)} s; load average ${machine.load.join(", ")} before, ${loadAfter.join(", ")} after.`,
  ];
  for (const measure of part.measures) lines.push("", ...table(measure));
  if (part.figures.length > 0) lines.push("", ...figureTable(part.figures));
  for (const { name, wanted, reached } of goalsOf(part)) {
    if (reached) continue;
    const why = bounds[part.name]?.[name] ?? "nobody has found out yet.";
    lines.push("", `**Missed: ${name}** (${wanted}). What bounds it: ${why}`);
  }
  for (const { id, title } of part.growths) lines.push("", `![${title}](benchmarks/${id}.svg)`);
  for (const text of part.absent) lines.push("", `Not measured: ${text}`);
  return lines;
}

function table(measure: MeasureResult): string[] {
  const { unit, rows } = measure;
  const better = measure.better === "higher" ? "more is better" : "less is better";
  return [
    `**${measure.title}** (${unit}, ${better})`,
    "",
    "| | median | lowest to highest | ratio |",
    "| --- | ---: | ---: | ---: |",
    ...rows.map(
      (row) => `| ${row.name} | ${show(row.median)} | ${show(row.min)} to ${show(row.max)} | ${show(row.ratio)} |`,
    ),
  ];
}

function figureTable(figures: readonly Figure[]): string[] {
  return [
    "| | value |",
    "| --- | ---: |",
    ...figures.map(({ name, value, unit }) => `| ${name} | ${show(value)} ${unit} |`),
  ];
}

export function show(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

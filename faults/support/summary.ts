/** What a campaign comes to: one line for each part. */
import type { Report } from "./report.ts";

/** One part, or all of them. */
export interface PartSummary {
  readonly part: string;
  /** How often the part went through what it does. */
  readonly rounds: number;
  /** Daemons, zygotes and shims that were killed. */
  readonly kills: number;
  /** Bytes of output that were compared with what was written. */
  readonly bytesCompared: number;
  readonly faults: number;
  readonly seconds: number;
  /** In words: "12 restarts interrupted; …". */
  readonly figures: string;
  /** What could not be tried on this machine. */
  readonly skipped: readonly string[];
}

export interface Summary {
  /** When it ended, as ISO 8601. */
  readonly time: string;
  /** The first one; each repetition adds 1. */
  readonly seed: number;
  readonly scale: number;
  readonly version: string;
  readonly parts: readonly PartSummary[];
}

/** Repetitions of a part count together. */
export function summarize(reports: readonly Report[]): PartSummary[] {
  const names = [...new Set(reports.map(({ part }) => part))];
  return names.map((part) => {
    const same = reports.filter((report) => report.part === part);
    const sum = (value: (report: Report) => number) => same.reduce((total, report) => total + value(report), 0);
    return {
      part,
      rounds: sum(({ rounds }) => rounds),
      kills: sum(({ kills }) => kills),
      bytesCompared: sum(({ bytesCompared }) => bytesCompared),
      faults: sum(({ failures }) => failures.length),
      seconds: Math.round(sum(({ seconds }) => seconds)),
      figures: same.map(({ figures }) => figures).join(" | "),
      skipped: [...new Set(same.flatMap(({ skipped }) => skipped))],
    };
  });
}

const columns = ["part", "rounds", "kills", "MB compared", "faults", "seconds"] as const;

function rows(parts: readonly PartSummary[]): string[][] {
  const total = (value: (part: PartSummary) => number) => parts.reduce((sum, part) => sum + value(part), 0);
  const row = (name: string, values: readonly number[]) => [name, ...values.map((value) => String(value))];
  const valuesOf = ({ rounds, kills, bytesCompared, faults, seconds }: PartSummary) => [
    rounds,
    kills,
    Math.round(bytesCompared / 1e6),
    faults,
    seconds,
  ];
  return [
    ...parts.map((part) => row(part.part, valuesOf(part))),
    row("all", [
      total(({ rounds }) => rounds),
      total(({ kills }) => kills),
      Math.round(total(({ bytesCompared }) => bytesCompared) / 1e6),
      total(({ faults }) => faults),
      total(({ seconds }) => seconds),
    ]),
  ];
}

/** For a terminal. */
export function table(parts: readonly PartSummary[]): string {
  const lines = [[...columns], ...rows(parts)];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join("  ")).join("\n");
}

/** For docs/reliability.md. */
export function markdown({ time, seed, scale, version, parts }: Summary): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    `${time.slice(0, 10)}, pm ${version}, \`npm run faults -- --seed ${seed} --scale ${scale}\`:`,
    "",
    line(columns),
    line(columns.map((_, column) => (column === 0 ? "---" : "---:"))),
    ...rows(parts).map(line),
    "",
    ...parts.map(({ part, figures }) => `- \`${part}\`: ${figures}`),
    ...parts.flatMap(({ part, skipped }) => skipped.map((text) => `- \`${part}\` skipped: ${text}`)),
    "",
  ].join("\n");
}

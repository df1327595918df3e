/**
 * The campaign of faults. `npm run faults -- --help` says how.
 *
 * Each part makes its fault in a scope of its own (a directory, a daemon, a
 * mount, a cgroup) and never on the machine. Exit code 1: a fault was found.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fullSeconds, type PartName, parts } from "./parts/index.ts";
import { Programs } from "./support/programs.ts";
import { Random } from "./support/random.ts";
import { Report } from "./support/report.ts";
import { markdown, type Summary, summarize, table } from "./support/summary.ts";

/** How much of a full campaign is done unless somebody asks for more. */
const usualScale = 0.25;

const usage = `Usage: npm run faults -- [--seed N] [--part NAME]... [--full | --scale X] [--hours N]
                         [--json FILE] [--markdown FILE]

Needs a build (npm run build). Without options: a quarter of each part, in about
${estimate(allNames(), usualScale)} minutes on a quiet machine with two processors.

  --seed N         what happens at random is decided by it (default: drawn, and printed)
  --part NAME      only this part; may be repeated: ${allNames().join(", ")}
  --full           all of each part, in about ${estimate(allNames(), 1)} minutes: 200 kills of the daemon and 20 of
                   the zygote under 100 writers, 12 streams and 8 pm logs -f, a stop or
                   restart interrupted by each; 300 requests cut short; 1,000 garblings
  --scale X        so much of each part; 1 is --full (default: ${usualScale})
  --hours N        again and again with further seeds until then (default: once)
  --json FILE      writes the summary as JSON
  --markdown FILE  writes the summary as docs/reliability.md quotes it
`;

function allNames(): PartName[] {
  return Object.keys(parts) as PartName[];
}

/** Minutes. */
function estimate(names: readonly PartName[], scale: number): number {
  return Math.ceil(names.reduce((sum, name) => sum + fullSeconds[name] * scale, 0) / 60);
}

function number(text: string | undefined, usual: number, name: string): number {
  const value = text === undefined ? usual : Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a positive number, not ${text}`);
  return value;
}

function say(line: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

async function runPart(name: PartName, seed: number, scale: number, programs: Programs): Promise<Report> {
  const report = new Report(name, say);
  say(`${name}: begins; again with --seed ${seed} --part ${name} --scale ${scale}`);
  const rounds = (usual: number) => Math.max(1, Math.round(usual * scale));
  try {
    await parts[name]({ seed, scale, rounds, report, programs, random: Random.of(seed, name) });
  } catch (error) {
    report.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  report.end();
  say(`${name}: ${report.failures.length} faults in ${Math.round(report.seconds)} s; ${report.figures}`);
  return report;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      part: { type: "string", multiple: true },
      scale: { type: "string" },
      full: { type: "boolean" },
      json: { type: "string" },
      markdown: { type: "string" },
      hours: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const names = allNames();
  const wanted = (values.part ?? names).map((name) => {
    const found = names.find((known) => known === name);
    if (found === undefined) throw new Error(`there is no part ${name}; there are ${names.join(", ")}`);
    return found;
  });
  if (values.full === true && values.scale !== undefined) throw new Error("give --full or --scale, not both");
  const scale = number(values.scale, values.full === true ? 1 : usualScale, "scale");
  const until = Date.now() + number(values.hours, 1e-9, "hours") * 3_600_000;
  let seed = number(values.seed, 1 + Math.floor(Math.random() * 1e9), "seed");
  const firstSeed = seed;
  say(`seed ${seed}, scale ${scale}: about ${estimate(wanted, scale)} minutes on a quiet machine`);
  const programs = new Programs();
  const reports: Report[] = [];
  try {
    do {
      for (const name of wanted) reports.push(await runPart(name, seed, scale, programs));
      seed++;
    } while (Date.now() < until);
  } finally {
    programs.remove();
  }
  const failures = reports.flatMap(({ part, failures }) => failures.map((text) => `${part}: ${text}`));
  const skipped = new Set(reports.flatMap(({ part, skipped }) => skipped.map((text) => `${part}: ${text}`)));
  const summary: Summary = {
    time: new Date().toISOString(),
    seed: firstSeed,
    scale,
    version: JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")).version,
    parts: summarize(reports),
  };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(summary, null, 2)}\n`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, markdown(summary));
  process.stdout.write(`\n${table(summary.parts)}\n\n${failures.length} faults, ${skipped.size} things skipped\n`);
  for (const line of failures) process.stdout.write(`FAULT ${line}\n`);
  for (const line of skipped) process.stdout.write(`skipped ${line}\n`);
  return failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();

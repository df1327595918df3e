/**
 * The campaign of faults. `npm run faults -- --help` says how.
 *
 * Each part makes its fault in a scope of its own (a directory, a daemon, a
 * mount, a cgroup) and never on the machine. Exit code 1: a fault was found.
 */
import { parseArgs } from "node:util";
import { parts } from "./parts/index.ts";
import { Programs } from "./support/programs.ts";
import { Random } from "./support/random.ts";
import { Report } from "./support/report.ts";

const usage = `Usage: npm run faults -- [--seed N] [--part NAME]... [--scale X] [--hours N]

Needs a build (npm run build).

  --seed N     what happens at random is decided by it (default: drawn, and printed)
  --part NAME  only this part; may be repeated: ${Object.keys(parts).join(", ")}
  --scale X    how much of each part is done (default: 1)
  --hours N    again and again with further seeds until then (default: once)
`;

function number(text: string | undefined, usual: number, name: string): number {
  const value = text === undefined ? usual : Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a positive number, not ${text}`);
  return value;
}

function say(line: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

async function runPart(name: keyof typeof parts, seed: number, scale: number, programs: Programs): Promise<Report> {
  const report = new Report(name, say);
  const begun = performance.now();
  say(`${name}: begins; again with --seed ${seed} --part ${name} --scale ${scale}`);
  const rounds = (usual: number) => Math.max(1, Math.round(usual * scale));
  try {
    await parts[name]({ seed, scale, rounds, report, programs, random: Random.of(seed, name) });
  } catch (error) {
    report.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  say(`${name}: ${report.failures.length} faults in ${seconds} s; ${report.figures}`);
  return report;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      part: { type: "string", multiple: true },
      scale: { type: "string" },
      hours: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const names = Object.keys(parts) as (keyof typeof parts)[];
  const wanted = (values.part ?? names).map((name) => {
    const found = names.find((known) => known === name);
    if (found === undefined) throw new Error(`there is no part ${name}; there are ${names.join(", ")}`);
    return found;
  });
  const scale = number(values.scale, 1, "scale");
  const until = Date.now() + number(values.hours, 1e-9, "hours") * 3_600_000;
  let seed = number(values.seed, 1 + Math.floor(Math.random() * 1e9), "seed");
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
  process.stdout.write(`\n${failures.length} faults, ${skipped.size} things skipped\n`);
  for (const line of failures) process.stdout.write(`FAULT ${line}\n`);
  for (const line of skipped) process.stdout.write(`skipped ${line}\n`);
  return failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();

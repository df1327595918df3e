/**
 * Measures pm beside what the machine allows:
 *
 *   npm run bench -- [part …] [--rounds N] [--count N] [--write]
 *
 * The newest result of each part is kept in bench/results as JSON, with when and
 * beside what load it was measured; so parts can be measured one by one.
 * `--write` makes docs/benchmarks.md and its plots of them. `--count` has `lives`
 * make do with fewer lives than 1,000, `many` and `supervision` with fewer
 * processes than 10,000. Needs a build. All of it takes a quarter of an hour on
 * two cores that have nothing else to do.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { builtCommit, describeMachine } from "./measure/machine.ts";
import type { Part } from "./measure/part.ts";
import { capture } from "./parts/capture.ts";
import { commands } from "./parts/commands.ts";
import { followers } from "./parts/followers.ts";
import { latency } from "./parts/latency.ts";
import { lives } from "./parts/lives.ts";
import { many } from "./parts/many.ts";
import { firstByte, live, logs, stream } from "./parts/stream.ts";
import { supervision } from "./parts/supervision.ts";
import { type MeasuredPart, markdown, partLines } from "./report/markdown.ts";
import { plot } from "./report/plot.ts";

const parts: readonly Part[] = [
  capture,
  stream,
  logs,
  live,
  firstByte,
  lives,
  latency,
  many,
  supervision,
  followers,
  commands,
];
const root = join(import.meta.dirname, "..");
const results = join(import.meta.dirname, "results");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    count: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const count = values.count === undefined ? undefined : Number(values.count);
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0 || !(rounds >= 1) || (count !== undefined && !(count >= 10))) {
  console.error(
    `usage: npm run bench -- [part …] [--rounds N] [--count N] [--write]\nparts: ${parts.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}

mkdirSync(results, { recursive: true });
for (const part of parts) {
  if (positionals.length > 0 && !positionals.includes(part.name)) continue;
  const directory = mkdtempSync(join(tmpdir(), "pm-bench-"));
  try {
    const machine = describeMachine();
    const begun = new Date();
    const result = await part.run({
      rounds,
      ...(count !== undefined && { count }),
      directory,
      say: (text) => console.error(`${part.name}: ${text}`),
    });
    const seconds = (Date.now() - begun.getTime()) / 1000;
    const measured: MeasuredPart = {
      ...result,
      name: part.name,
      date: begun.toISOString(),
      seconds,
      commit: builtCommit(),
      rounds,
      machine,
      loadAfter: describeMachine().load,
    };
    writeFileSync(join(results, `${part.name}.json`), `${JSON.stringify(measured, null, 2)}\n`);
    console.log(partLines(measured).join("\n"));
  } catch (error) {
    // The others are worth having.
    console.error(`${part.name}: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (values.write) {
  const stored = readdirSync(results);
  const measured = parts
    .filter(({ name }) => stored.includes(`${name}.json`))
    .map(({ name }) => JSON.parse(readFileSync(join(results, `${name}.json`), "utf8")) as MeasuredPart);
  const absent = parts.map(({ name }) => name).filter((name) => !stored.includes(`${name}.json`));
  const plots = join(root, "docs/benchmarks");
  mkdirSync(plots, { recursive: true });
  for (const { growths } of measured) {
    for (const { id, title, unit, series } of growths)
      writeFileSync(join(plots, `${id}.svg`), plot(title, unit, series));
  }
  writeFileSync(join(root, "docs/benchmarks.md"), markdown(measured, absent));
}

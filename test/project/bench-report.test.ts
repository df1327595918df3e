/** docs/benchmarks.md and its plots, from results that were measured at different times. */
import { expect, test } from "vitest";
import { type MeasuredPart, markdown } from "../../bench/report/markdown.ts";
import { plot } from "../../bench/report/plot.ts";

const machine = { processor: "a processor", cores: 2, memoryGiB: 8, kernel: "7.0", node: "v26", load: [0.1, 0.2, 0.3] };

function part(name: string, change: Partial<MeasuredPart> = {}): MeasuredPart {
  return {
    name,
    title: `Part ${name}`,
    text: "What was done.",
    date: "2026-11-26T12:34:56.000Z",
    seconds: 12,
    commit: "abc1234",
    rounds: 5,
    machine,
    loadAfter: [1, 2, 3],
    measures: [],
    figures: [],
    growths: [],
    absent: [],
    ...change,
  };
}

const rate = {
  title: "Rate",
  unit: "a second",
  better: "higher",
  reference: "C",
  rows: [
    { name: "C", median: 2000, min: 1900, max: 2100, ratio: 1, samples: [] },
    { name: "pm SDK", median: 500, min: 400, max: 600, ratio: 0.25, samples: [] },
  ],
  targets: [{ contender: "pm SDK", ratio: 0.4, reached: false }],
} as const;

test("a part says when, on which commit and beside what load it was measured", () => {
  const text = markdown([part("a"), part("b", { date: "2026-11-27T01:02:03.000Z" })], []);
  expect(text).toContain("2026-11-26 12:34 UTC, commit abc1234, 5 rounds, 12.0 s; load average 0.1, 0.2, 0.3 before");
  expect(text).toContain("2026-11-27 01:02 UTC");
});

test("each target is shown as reached or missed, and a missed one with what bounds it", () => {
  const figures = [
    { name: "memory", value: 80, unit: "MB", atMost: 70 },
    { name: "processor use", value: 0.1, unit: "%", atMost: 0.5 },
    { name: "commands", value: 100, unit: "a second", atLeast: 190 },
  ];
  const lines = markdown([part("lives", { measures: [rate], figures })], []).split("\n");
  expect(lines).toContain("| Part lives | pm SDK | Rate: at least 0.4 of C | 0.25 | **missed** |");
  expect(lines).toContain("| Part lives | memory | at most 70 MB | 80.0 MB | **missed** |");
  expect(lines).toContain("| Part lives | processor use | at most 0.5 % | 0.10 % | reached |");
  expect(lines).toContain("| Part lives | commands | at least 190 a second | 100 a second | **missed** |");
  const missed = lines.filter((line) => line.startsWith("**Missed: "));
  expect(missed.map((line) => line.slice(0, 30))).toHaveLength(3);
  // What is known of the lives stands in bench/report/bounds.ts.
  expect(missed[0]).toMatch(/^\*\*Missed: pm SDK\*\* .*What bounds it: Processor time/);
  expect(missed[1]).toContain("nobody has found out yet");
});

test("what was not measured is named", () => {
  const text = markdown([part("a", { absent: ["pm2 is not installed"] })], ["many", "stream"]);
  expect(text).toContain("Not measured: pm2 is not installed");
  expect(text).toContain("Parts that were not measured: many, stream.");
});

test("a plot has a point for each value, and its text is escaped", () => {
  const points = [
    [100, 1],
    [1000, 10],
    [10_000, 100],
  ] as const;
  const svg = plot("Memory <all>", "MB", [{ name: "daemon & host", points }]);
  expect(svg.match(/<circle /g)).toHaveLength(3);
  expect(svg).toContain("Memory &lt;all&gt;, MB");
  expect(svg).toContain("daemon &amp; host");
  // Logarithmic: as far from the first to the second as from the second to the third.
  const xs = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  expect((xs[1] ?? 0) - (xs[0] ?? 0)).toBeCloseTo((xs[2] ?? 0) - (xs[1] ?? 0), 0);
});

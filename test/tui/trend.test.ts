/** What processes use and have used, and when something happened. */
import { beforeAll, expect, test } from "vitest";
import { byId } from "../support/process-ref.ts";
import type { TestTerminal } from "../support/terminal.ts";
import { openUi, rowOf, selectedRow, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();

beforeAll(async () => {
  await start(daemon(), "alpha", "exec sleep 1000");
  await start(daemon(), "beta", "exec sleep 1000");
});

/** Bars of the trend in the table's title. */
function bars(terminal: TestTerminal): number {
  const title = terminal.row(rowOf(terminal, "─ Processes"));
  return /cpu +([▁▂▃▄▅▆▇█ ]+?) +\d/.exec(title)?.[1]?.replaceAll(" ", "").length ?? 0;
}

test.each([
  [80, 24],
  [160, 45],
  [200, 50],
  [210, 50],
  [222, 50],
  [300, 60],
])("D5 there is a trend at %i columns, and where there is room every column", async (columns, rows) => {
  const terminal = openUi(daemon(), { columns, rows });
  await terminal.until("a trend", () => bars(terminal) >= 2);
  if (columns >= 160) {
    const titles = terminal.row(rowOf(terminal, " NAME"));
    expect(titles).toMatch(/NAME.* STATE .* ID .* PID .* CPU .*TREND .* MEM .* SINCE {2}EXIT .* RUN {2}COMMAND/);
    // Where the machine is busy a second may have no sample: then there is a gap.
    const bars = /▁▁ .* sh -c exec sleep 1000/;
    await terminal.until("its trend", () => bars.test(terminal.row(rowOf(terminal, "  alpha "))));
  }
});

test("D6 the trend of a process does not begin anew when it is selected", async () => {
  const terminal = openUi(daemon(), { columns: 160, rows: 45 });
  await terminal.until("some samples", () => bars(terminal) >= 4);
  for (const [key, name] of [
    ["j", "beta"],
    ["k", "alpha"],
  ] as const) {
    terminal.type(key);
    await terminal.until(`${name} is selected`, () => selectedRow(terminal).includes(name));
    expect(bars(terminal)).toBeGreaterThanOrEqual(4);
  }
});

test("D7 recent changes are in order, by one clock", async () => {
  const terminal = openUi(daemon(), { columns: 160, rows: 60 });
  await terminal.shows("beta");
  const script = "trap 'sleep 0.05; exit 0' TERM; echo up; while :; do sleep 0.01; done";
  const id = await start(daemon(), "zz", script);
  terminal.type("/zz\r");
  await terminal.until("it is selected", () => /^..zz /.test(selectedRow(terminal)));
  for (let run = 2; run < 4; run++) {
    await daemon().processes.restartProcess({ process: byId(id) });
  }
  await daemon().processes.stopProcess({ process: byId(id) });
  await terminal.until("it has ended", () => selectedRow(terminal).includes("exited"));
  terminal.type("i");
  await terminal.shows("Recent changes");
  const times = [...terminal.text().matchAll(/(\d\d:\d\d:\d\d\.\d{3}) +[◌●◐○✗?] /g)].map(([, time]) => time ?? "");
  expect(times.length).toBeGreaterThanOrEqual(6);
  expect(times).toEqual(times.toSorted().reverse());
});

import { describe, expect, test } from "vitest";
import { paintLog } from "../../../../src/tui/paint/log-body.ts";
import { scrollThumb } from "../../../../src/tui/paint/scrollbar.ts";
import { paintTable } from "../../../../src/tui/paint/table-body.ts";
import { Grid } from "../../../../src/tui/terminal/grid.ts";
import { BOLD, DIM, INVERSE, UNDERLINE } from "../../../../src/tui/terminal/style.ts";
import { formatMinutes, sparkline } from "../../../../src/tui/text/format.ts";
import { themeOf } from "../../../../src/tui/themes/themes.ts";
import { DashboardDriver } from "../../../support/dashboard-driver.ts";
import { processInfo, supervisionStatus } from "../../../support/process-info.ts";

const theme = themeOf("ocean");

interface Painted {
  readonly grid: Grid;
  /** Rows as text, without blanks at the end. */
  readonly rows: readonly string[];
}

function paint(driver: DashboardDriver, width = 120, height = 12): Painted {
  const grid = new Grid(width, height);
  paintTable(grid, { x: 0, y: 0, width, height }, driver.state, theme);
  const rows = Array.from({ length: height }, (_, y) =>
    grid.text
      .slice(y * width, (y + 1) * width)
      .join("")
      .trimEnd(),
  );
  return { grid, rows };
}

/** The color of a text's first cell. */
function colorOf({ grid, rows }: Painted, text: string): number | undefined {
  const y = rows.findIndex((row) => row.includes(text));
  return grid.fg[y * grid.width + (rows[y]?.indexOf(text) ?? 0)];
}

function many(count: number): DashboardDriver {
  return new DashboardDriver().list(
    ...Array.from({ length: count }, (_, i) => processInfo(`id-${i}`, { name: `p${String(i).padStart(4, "0")}` })),
  );
}

test("a log that is empty says what its process waits for", () => {
  const waiting = { reason: "dependency", for: ["db"], detail: "it is not ready yet" } as const;
  const process = processInfo("id-web", {
    name: "web",
    state: "waiting",
    runInfo: null,
    supervision: supervisionStatus({ waiting }),
  });
  const { state } = new DashboardDriver().list(process);
  const grid = new Grid(60, 4);
  paintLog(grid, { x: 0, y: 0, width: 60, height: 4 }, state, theme);
  expect(grid.text.slice(60, 120).join("").trim()).toBe("Waiting for db · it is not ready yet");
});

test("the title of the log does without words at its end rather than cut the process's name", () => {
  const waiting = { reason: "restart", until: new Date(60_000), for: [], detail: "" } as const;
  const supervision = supervisionStatus({ waiting, attempt: 1, maxAttempts: 5 });
  const process = processInfo("id-payments", { name: "payments", state: "waiting", code: 1, supervision });
  const { state } = new DashboardDriver().list(process);
  const title = (width: number): string => {
    const grid = new Grid(width, 4);
    const log = { ...state.log, complete: true, opened: true };
    paintLog(grid, { x: 0, y: 0, width, height: 4 }, { ...state, log, now: 0 }, theme);
    return grid.text.slice(0, width).join("");
  };
  expect(title(80)).toContain("Log · payments ");
  expect(title(80)).toContain("end of output · waiting for attempt 1 of 5 · in 1m00s");
  expect(title(64)).toMatch(/ Log · payments ─+ end of output · waiting in 1m00s \(1\/5\) ─$/);
  expect(title(40)).toMatch(/ Log · payments ─+ end of output ─$/);
});

test("what lies under an overlay is not inverse, which would be the brightest on the screen", () => {
  const grid = new Grid(3, 1);
  grid.write(0, 0, "a", { fg: 0, bg: 0, flags: INVERSE | BOLD });
  grid.write(1, 0, "b", { fg: 0, bg: 0, flags: UNDERLINE });
  grid.recede({ x: 0, y: 0, width: 3, height: 1 });
  expect([...grid.flags]).toEqual([UNDERLINE | BOLD | DIM, UNDERLINE | DIM, DIM]);
});

describe("the table", () => {
  test("how a process ended is in its status where no column has room for it", () => {
    const ended = (name: string, overrides: object) =>
      processInfo(`id-${name}`, { name, state: "exited", ...overrides });
    const driver = new DashboardDriver().list(
      ended("a", { code: 28 }),
      ended("b", { signal: "SIGKILL" }),
      processInfo("id-c", { name: "c", supervision: supervisionStatus({ readiness: "ready" }) }),
    );
    const narrow = paint(driver, 79).rows;
    expect(narrow[1]).not.toContain("EXIT");
    expect(narrow[2]).toMatch(/a +✗ exited +code 28/);
    expect(narrow[3]).toMatch(/b +✗ exited +SIGKILL/);
    expect(narrow[4]).toMatch(/c +● running +ready/);
    const wide = paint(driver, 140).rows;
    expect(wide[2]).toMatch(/a +✗ exited +id-a .* 28 /);
    expect(wide.join()).not.toContain("code 28");
  });

  test("the arrow points down when the largest is on top, in the title and over the column", () => {
    const driver = new DashboardDriver();
    expect(paint(driver).rows.slice(0, 2).join()).toMatch(/by name ↑.*NAME↑/);
    driver.keys("o", "o");
    expect(paint(driver).rows.slice(0, 2).join()).toMatch(/by cpu ↓.*CPU↓/);
    driver.keys("O");
    expect(paint(driver).rows.slice(0, 2).join()).toMatch(/by cpu ↑.*CPU↑/);
    driver.keys("o", "o");
    expect(paint(driver).rows.slice(0, 2).join()).toMatch(/by since ↑.*SINCE↑/);
  });

  test("one that ended with an error has another sign and color than one that ended well", () => {
    const painted = paint(
      new DashboardDriver().list(
        processInfo("well", { name: "a-first" }),
        processInfo("b", { name: "well", state: "exited", code: 0 }),
        processInfo("c", { name: "coded", state: "exited", code: 28 }),
        processInfo("d", { name: "killed", state: "exited", signal: "SIGKILL" }),
        processInfo("e", { name: "stopped", state: "exited", signal: "SIGTERM" }),
      ),
    );
    for (const row of [/well +○ exited/, /coded +✗ exited/, /killed +✗ exited/, /stopped +○ exited/]) {
      expect(painted.rows.join("\n")).toMatch(row);
    }
    expect(colorOf(painted, "✗ exited")).toBe(theme.bad.fg);
    expect(colorOf(painted, "○ exited")).toBe(theme.states.exited.fg);
  });

  test("the title says where the selection is", () => {
    const driver = many(13).keys("j", "j");
    expect(paint(driver).rows[0]).toContain("Processes · 3/13 ·");
    expect(paint(driver, 40).rows[0]).toContain("Processes · 3/13 ·");
    driver.keys("/").type("~^p000[0-4]").keys("enter");
    expect(paint(driver).rows[0]).toContain("Processes · 3/5 of 13 ·");
    driver.keys("escape");
    expect(paint(driver).rows[0]).toContain("Processes · 3/13 ·");
    driver.keys("/").type("nothing fits");
    expect(paint(driver).rows[0]).toContain("Processes · 0 of 13 ·");
  });

  test("a filter that is no regular expression says so", () => {
    const driver = new DashboardDriver().keys("/").type("!~[");
    expect(paint(driver).rows.join()).toContain("The filter is not a regular expression: [");
  });

  test("rows that are hidden are seen at the right edge, where there is room", () => {
    const thumb = ({ rows }: Painted): string =>
      rows
        .slice(2)
        .map((row) => (row.endsWith("▐") ? "#" : "."))
        .join("");
    expect(thumb(paint(many(10)))).toBe("..........");
    expect(thumb(paint(many(40)))).toBe("###.......");
    expect(thumb(paint(many(40), 79))).toBe("..........");
    const driver = many(40).keys("G");
    driver.state = { ...driver.state, table: { ...driver.state.table, top: 30 } };
    expect(thumb(paint(driver))).toBe(".......###");
  });

  test("how long ago it ended does not change every second", () => {
    const driver = new DashboardDriver().list(
      processInfo("a", { state: "exited", code: 0, exitTime: new Date(0), name: "ended" }),
      processInfo("b", { name: "lives", startTime: new Date(0) }),
    );
    driver.act({ type: "tick", now: 3_605_000 });
    const rows = paint(driver).rows.join("\n");
    expect(rows).toMatch(/ended .* 1h00m/);
    driver.act({ type: "tick", now: 125_000 });
    expect(paint(driver).rows.join("\n")).toMatch(/ended .* 2m {2}0/);
    expect(paint(driver).rows.join("\n")).toMatch(/lives .* 2m05s/);
  });
});

test.each([
  [10, 10, 0, null],
  [10, 1000, 0, [0, 1]],
  [10, 1000, 1, [1, 2]],
  [10, 1000, 989, [8, 9]],
  [10, 1000, 990, [9, 10]],
  [4, 5, 0, [0, 3]],
  [4, 5, 1, [1, 4]],
  [1, 5, 2, [0, 1]],
  [0, 5, 0, null],
])("%i of %i rows from %i on", (rows, count, top, expected) => {
  const thumb = scrollThumb(rows, count, top);
  expect(thumb && [thumb.from, thumb.to]).toEqual(expected);
});

test.each([
  [0, "<1m"],
  [59_999, "<1m"],
  [60_000, "1m"],
  [3_599_999, "59m"],
  [3_600_000, "1h00m"],
  [90_000_000, "1d01h"],
])("%i ms in whole minutes", (milliseconds, text) => {
  expect(formatMinutes(milliseconds)).toBe(text);
});

test("a sparkline is as high as the largest value, or as is said", () => {
  expect(sparkline([0, 1, 2], 0, 10)).toBe("▁▁▂");
  expect(sparkline([0, 6, 12], 0, 10)).toBe("▁▄█");
  expect(sparkline([100, 100, 100], 100, 110)).toBe("▁▁▁");
  expect(sparkline([100, 105, 110], 100, 110)).toBe("▁▄█");
});

import { describe, expect, test } from "vitest";
import type { TestTerminal } from "../support/terminal.ts";
import { openDashboard, selectedRow } from "./dashboard.ts";

/** A button of an SGR mouse report (xterm, "Extended coordinates"), pressed and released at a cell. */
function click(terminal: TestTerminal, button: number, x: number, y: number): void {
  terminal.type(`\x1b[<${button};${x + 1};${y + 1}M\x1b[<${button};${x + 1};${y + 1}m`);
}

const [left, wheelUp, wheelDown] = [0, 64, 65];

function rowOf(terminal: TestTerminal, text: string): number {
  return terminal
    .text()
    .split("\n")
    .findIndex((row) => row.includes(text));
}

describe("the mouse", () => {
  test("selects, focuses and scrolls, and is let go at the end", async () => {
    const { terminal } = await openDashboard({ args: ["--mouse"] });
    expect(terminal.modes.get("?1000")).toBe(true);
    expect(terminal.modes.get("?1006")).toBe(true);
    await terminal.shows(/^ *500$/m);
    click(terminal, left, 5, rowOf(terminal, "worker"));
    await terminal.until("worker selected", () => selectedRow(terminal).includes("worker"));
    click(terminal, wheelUp, 5, rowOf(terminal, "worker"));
    await terminal.until("api selected", () => selectedRow(terminal).includes("api"));
    await terminal.shows(/^ *500$/m);

    const log = rowOf(terminal, "─ Log");
    click(terminal, wheelUp, 10, log + 3);
    await terminal.shows(/ paused/);
    await terminal.until("three lines up", () => !/^ *498$/m.test(terminal.text()) && /^ *497$/m.test(terminal.text()));
    expect(selectedRow(terminal)).toContain("api");
    click(terminal, wheelDown, 10, log + 3);
    await terminal.shows(/^ *500$/m);

    // A click into the log gives it the keys.
    click(terminal, left, 10, log + 3);
    terminal.type("g");
    await terminal.until("the oldest line", () => /^\W*1$/m.test(terminal.text()));
    terminal.type("q");
    expect((await terminal.exited).code).toBe(0);
    expect(terminal.modes.get("?1000")).toBe(false);
    expect(terminal.modes.get("?1006")).toBe(false);
  });

  test("is not taken unless asked for", async () => {
    const { terminal } = await openDashboard();
    expect(terminal.modes.has("?1000")).toBe(false);
  });
});

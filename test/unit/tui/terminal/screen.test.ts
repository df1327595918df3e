import headless from "@xterm/headless";
import { describe, expect, test } from "vitest";
import { Grid } from "../../../../src/tui/terminal/grid.ts";
import { screenModes } from "../../../../src/tui/terminal/modes.ts";
import { Screen } from "../../../../src/tui/terminal/screen.ts";
import { BOLD, INVERSE, palette } from "../../../../src/tui/terminal/style.ts";

const GLYPHS = [" ", "a", "b", "─", "日", "é", "語", "x"];

function emulator(width: number, height: number): { write(text: string): Promise<void>; text(): string[] } {
  const terminal = new headless.Terminal({ cols: width, rows: height, allowProposedApi: true });
  return {
    write: (text) => new Promise((resolve) => terminal.write(text, resolve)),
    text: () =>
      Array.from({ length: height }, (_, y) => {
        const line = terminal.buffer.active.getLine(y);
        return Array.from({ length: width }, (_, x) => {
          const cell = line?.getCell(x);
          return cell?.getWidth() === 0
            ? ""
            : `${cell?.getChars() || " "}${cell?.isFgDefault() ? "" : cell?.getFgColor()}${cell?.isBold() ? "b" : ""}${cell?.isInverse() ? "i" : ""}`;
        }).join("|");
      }),
  };
}

function describeGrid(grid: Grid): string[] {
  return Array.from({ length: grid.height }, (_, y) =>
    Array.from({ length: grid.width }, (_, x) => {
      const i = y * grid.width + x;
      const text = grid.text[i] ?? " ";
      const fg = grid.fg[i] ?? 0;
      const flags = grid.flags[i] ?? 0;
      return text === ""
        ? ""
        : `${text}${fg === 0 ? "" : fg & 255}${flags & BOLD ? "b" : ""}${flags & INVERSE ? "i" : ""}`;
    }).join("|"),
  );
}

describe("the screen", () => {
  test("after any series of changes the terminal shows exactly the grid", async () => {
    const width = 24;
    const height = 6;
    const terminal = emulator(width, height);
    await terminal.write("\x1b[?7l");
    const screen = new Screen(true);
    let seed = 7;
    const random = (limit: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * limit);
    };
    const grid = new Grid(width, height);
    const other = new Grid(width, height);
    const rectangle = () => ({ x: random(width), y: random(height), width: random(width), height: random(height) });
    const scribble = (on: Grid): void => {
      const text = Array.from({ length: 1 + random(5) }, () => GLYPHS[random(GLYPHS.length)]).join("");
      on.write(random(width), random(height), text, {
        fg: random(3) === 0 ? palette(random(16)) : 0,
        bg: 0,
        flags: random(4) === 0 ? BOLD : random(5) === 0 ? INVERSE : 0,
      });
    };
    for (let round = 0; round < 1000; round++) {
      for (let change = random(12); change >= 0; change--) {
        scribble(grid);
        scribble(other);
      }
      if (random(20) === 0) {
        grid.clear();
      }
      if (random(3) === 0) {
        grid.clear(rectangle());
      }
      if (random(3) === 0) {
        grid.copy(other, rectangle());
      }
      await terminal.write(screen.update(grid));
      expect(terminal.text()).toEqual(describeGrid(grid));
    }
  });

  test("writes nothing when nothing changed", () => {
    const screen = new Screen(true);
    const grid = new Grid(80, 24);
    grid.write(0, 0, "text", { fg: palette(1), bg: 0, flags: 0 });
    expect(screen.update(grid)).not.toBe("");
    expect(screen.update(grid)).toBe("");
    screen.invalidate();
    expect(screen.update(grid)).toContain("text");
  });

  test("a small change costs few bytes, in one synchronized update", () => {
    const screen = new Screen(true);
    const grid = new Grid(160, 45);
    screen.update(grid);
    grid.write(10, 10, "12s", { fg: 0, bg: 0, flags: 0 });
    const out = screen.update(grid);
    expect(out.length).toBeLessThan(50);
    expect(out.startsWith("\x1b[?2026h")).toBe(true);
    expect(out.endsWith("\x1b[?2026l")).toBe(true);
  });

  test("without color only weight and inversion are left", () => {
    const screen = new Screen(false);
    const grid = new Grid(20, 2);
    grid.write(0, 0, "x", { fg: palette(1), bg: palette(2), flags: BOLD });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC
    expect(screen.update(grid)).not.toMatch(/\x1b\[[0-9;]*[34][0-9]/);
  });

  test("text is clipped with an ellipsis, wide characters are never halved", () => {
    const grid = new Grid(10, 1);
    expect(grid.write(0, 0, "hello world", { fg: 0, bg: 0, flags: 0 }, 5)).toBe(5);
    expect(grid.text.slice(0, 6).join("")).toBe("hell… ");
    grid.clear();
    grid.write(0, 0, "日本語", { fg: 0, bg: 0, flags: 0 }, 4);
    expect(grid.text.slice(0, 4)).toEqual(["日", "", "…", " "]);
  });
});

test("nothing is left on the alternate screen when it is left", () => {
  const { leave } = screenModes(true);
  expect(leave.indexOf("\x1b[2J")).toBeGreaterThan(leave.indexOf("\x1b[0m"));
  expect(leave.indexOf("\x1b[?1049l")).toBeGreaterThan(leave.indexOf("\x1b[2J"));
});

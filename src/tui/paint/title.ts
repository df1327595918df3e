import type { Grid, Rect } from "../terminal/grid.ts";
import { textWidth } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";

/**
 * The first row of a pane: a rule with its name, what it shows, and something
 * at the right end: the first of several ways to say it that leaves room for
 * the rest, else the last.
 */
export function paintTitle(
  grid: Grid,
  rect: Rect,
  name: string,
  parts: readonly string[],
  ways: readonly string[],
  focused: boolean,
  theme: Theme,
): void {
  if (rect.height < 1) {
    return;
  }
  const { x, y, width } = rect;
  const rule = focused ? theme.accent : theme.faint;
  for (let i = 0; i < width; i++) {
    grid.put(x + i, y, "─", 1, rule);
  }
  const end = x + width - 1;
  const needed = parts.reduce((sum, part) => sum + textWidth(part) + 3, name.length + 2);
  const right = ways.find((way) => textWidth(way) + 4 + needed <= width) ?? ways.at(-1) ?? "";
  const rightWidth = right === "" ? 0 : Math.min(width, right.length + 2);
  let at = x + 1;
  at += grid.write(at, y, ` ${name} `, focused ? theme.title : theme.strong, Math.max(0, end - at));
  for (const part of parts) {
    const room = end - rightWidth - at;
    if (room < 4) {
      break;
    }
    at += grid.write(at, y, `· ${part} `, theme.text, room);
  }
  if (right !== "" && end - at >= right.length + 2) {
    grid.write(end - right.length - 2, y, ` ${right} `, theme.text);
  }
}

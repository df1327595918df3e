import { createElement } from "react";
import { paintLog } from "../paint/log-body.ts";
import { paintTable } from "../paint/table-body.ts";
import { computeLayout, type Layout } from "../state/layout.ts";
import type { DashboardState } from "../state/state.ts";
import { Grid } from "../terminal/grid.ts";
import { themeOf } from "../themes/themes.ts";
import { Chrome } from "../views/chrome.tsx";
import { InkFrame } from "../views/ink-frame.tsx";

/** The chrome is drawn anew when a part of the state that it shows has changed. */
function chromeChanged(a: DashboardState, b: DashboardState): boolean {
  return (
    a.columns !== b.columns ||
    a.rows !== b.rows ||
    a.connection !== b.connection ||
    a.table.processes !== b.table.processes ||
    a.table.usageTotal !== b.table.usageTotal ||
    a.overlay !== b.overlay ||
    a.prompt !== b.prompt ||
    a.toasts !== b.toasts ||
    a.focus !== b.focus ||
    a.theme !== b.theme ||
    a.unseen !== b.unseen ||
    (b.connection.phase === "disconnected" && a.now !== b.now) ||
    (b.overlay?.kind === "details" && (a.now !== b.now || a.changes !== b.changes))
  );
}

/** How often the counts of the header may change while nothing else does. Milliseconds. */
const HEADER_MS = 250;

/** Makes the grid that shows a state: panes painted directly, chrome laid out by Ink. */
export class DashboardScreen {
  readonly #ink = new InkFrame();
  #chrome: Grid | null = null;
  #drawn: DashboardState | null = null;
  #drawnAt = 0;
  #grid: Grid | null = null;

  /** The same grid is used again for the next state. `stale` says that the chrome waits for its turn. */
  draw(state: DashboardState): { grid: Grid; stale: boolean } {
    const layout = computeLayout(state);
    const theme = themeOf(state.theme);
    let grid = this.#grid;
    if (!grid || grid.width !== state.columns || grid.height !== state.rows) {
      grid = new Grid(state.columns, state.rows);
      this.#grid = grid;
    }
    grid.clear();
    if (layout.table) {
      paintTable(grid, layout.table, state, theme);
    }
    if (layout.log) {
      paintLog(grid, layout.log, state, theme);
    }
    if (state.connection.phase === "disconnected") {
      for (const pane of [layout.table, layout.log]) {
        if (pane) {
          grid.fade(pane);
        }
      }
    }
    if (layout.overlay) {
      grid.recede(layout.body);
    }
    const stale = this.#drawChrome(state, layout);
    const chrome = this.#chrome;
    if (chrome) {
      for (const rect of [layout.header, layout.footer, layout.toasts, layout.overlay]) {
        if (rect) {
          grid.copy(chrome, rect);
        }
      }
    }
    return { grid, stale };
  }

  #drawChrome(state: DashboardState, layout: Layout): boolean {
    const before = this.#drawn;
    if (before && !chromeChanged(before, state)) {
      return false;
    }
    // News of processes can come at any rate; the header needs to be read, not to race.
    const quiet =
      before !== null &&
      !chromeChanged({ ...before, table: state.table, now: state.now, changes: state.changes }, state);
    const now = performance.now();
    if (quiet && now - this.#drawnAt < HEADER_MS) {
      return true;
    }
    const element = createElement(Chrome, { state, layout, theme: themeOf(state.theme) });
    this.#chrome = this.#ink.draw(element, state.columns, state.rows);
    this.#drawn = state;
    this.#drawnAt = now;
    return false;
  }

  close(): void {
    this.#ink.close();
  }
}

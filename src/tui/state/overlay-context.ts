import { computeLayout } from "./layout.ts";
import type { OverlayContext } from "./overlays/overlay-input.ts";
import type { PageSource } from "./overlays/pager.ts";
import type { PaletteChoices } from "./overlays/palette.ts";
import { settingsOf } from "./settings-of.ts";
import { type DashboardState, shownTime } from "./state.ts";

/** What pages tell of. */
export function pageSource(state: DashboardState): PageSource {
  const { table, log, changes, trends, toasts } = state;
  return { table, log, changes, trends, messages: toasts.messages, now: shownTime(state) };
}

/** What the palette offers. */
export function paletteChoices(state: DashboardState): PaletteChoices {
  const { theme, sort, hiddenColumns, alert, layout } = settingsOf(state);
  const { contexts, contextInUse } = state.connection;
  return { contexts, context: contextInUse, theme, sortKey: sort, hiddenColumns, alert, layout };
}

/** What a key for an overlay may depend on. */
export function overlayContext(state: DashboardState): OverlayContext {
  const { body, overlay } = computeLayout(state);
  return {
    body,
    rect: overlay ?? { x: 0, y: 0, width: 1, height: 1 },
    source: pageSource(state),
    choices: paletteChoices(state),
    columns: state.columns,
    rows: state.rows,
    submission: state.submissions + 1,
    commands: state.typed.command,
  };
}

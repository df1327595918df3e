import type { Settings } from "./settings/settings.ts";
import type { DashboardState } from "./state.ts";

/** What of a state is remembered. */
export function settingsOf({ theme, table, beside, hiddenColumns, alert }: DashboardState): Settings {
  return {
    theme,
    sort: table.sortKey,
    reversed: table.reversed,
    layout: beside === null ? "auto" : beside ? "beside" : "below",
    hiddenColumns,
    alert,
  };
}

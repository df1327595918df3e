import type { Update } from "./action.ts";
import type { LogUpdate } from "./log/log-update.ts";
import { notify } from "./notify.ts";
import type { DashboardState } from "./state.ts";

/** Takes over what became of the log. */
export function afterLog(state: DashboardState, { log, effects, notice, focuses }: LogUpdate): Update {
  const next = { ...state, log, focus: focuses ? ("log" as const) : state.focus };
  return { state: notice ? notify(next, notice) : next, effects };
}

import type { DashboardState } from "./state.ts";
import { addToast, type Notice } from "./toasts/toasts.ts";

/** Says something: for a while on the screen, afterwards in the list of messages. */
export function notify(state: DashboardState, notice: Notice, now = state.now): DashboardState {
  return { ...state, toasts: addToast(state.toasts, notice, now) };
}

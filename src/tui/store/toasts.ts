import type { DashboardState } from "./state.ts";

/** How long a toast stays. Milliseconds. */
const TOAST_MS = { info: 4000, error: 10_000 };
const TOASTS = 4;

export function addToast(state: DashboardState, level: "info" | "error", text: string, now: number): DashboardState {
  const toast = { id: state.nextToast, level, text, until: now + TOAST_MS[level] };
  return { ...state, nextToast: state.nextToast + 1, toasts: [...state.toasts, toast].slice(-TOASTS) };
}

/** Without those whose time is over. */
export function expireToasts(state: DashboardState, now: number): DashboardState {
  const toasts = state.toasts.filter(({ until }) => until > now);
  return toasts.length === state.toasts.length ? state : { ...state, toasts };
}

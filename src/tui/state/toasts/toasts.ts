import type { DashboardState, Message, Toast } from "../state.ts";

/** How long a toast stays, and how much longer for each character that is to be read. Milliseconds. */
const TOAST_MS = { info: 4000, error: 10_000 };
const READING_MS = 50;
const TOASTS = 4;
const MESSAGES = 100;

/** Shows a message for a while, and remembers it. */
export function addToast(
  state: DashboardState,
  level: Message["level"],
  text: string,
  now: number,
  about?: Toast["about"],
): DashboardState {
  const until = now + TOAST_MS[level] + text.length * READING_MS;
  const toast: Toast = { id: state.nextToast, level, text, until, ...(about && { about }) };
  return {
    ...remember(state, level, text, now),
    toasts: [...state.toasts.filter((shown) => shown.text !== text), toast].slice(-TOASTS),
  };
}

/** Only remembers it: it is on the screen already. */
export function remember(state: DashboardState, level: Message["level"], text: string, now: number): DashboardState {
  const message: Message = { id: state.nextToast, level, text, time: now };
  return { ...state, nextToast: state.nextToast + 1, messages: [...state.messages, message].slice(-MESSAGES) };
}

/** Without those whose time is over. It does not pass for those that wait behind an overlay. */
export function expireToasts(state: DashboardState, now: number, covered: boolean): DashboardState {
  if (state.toasts.length === 0) {
    return state;
  }
  if (covered) {
    const passed = Math.max(0, now - state.now);
    return { ...state, toasts: state.toasts.map((toast) => ({ ...toast, until: toast.until + passed })) };
  }
  const toasts = state.toasts.filter(({ until }) => until > now);
  return toasts.length === state.toasts.length ? state : { ...state, toasts };
}

/** What was wrong with the connection is over. */
export function withoutConnectionToasts(state: DashboardState): DashboardState {
  const toasts = state.toasts.filter(({ about }) => about !== "connection");
  return toasts.length === state.toasts.length ? state : { ...state, toasts };
}

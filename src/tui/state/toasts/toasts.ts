/** What happened, in a sentence. */
export interface Message {
  readonly id: number;
  readonly level: "info" | "error";
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Something to be said, before it has its number and its time. */
export interface Notice {
  readonly level: Message["level"];
  readonly text: string;
  /** What it is no longer true of once that is well again. */
  readonly about?: "connection";
  /** A later one with the same key takes its place on the screen. */
  readonly key?: string;
}

/** A message that is on the screen for a while. */
export interface Toast extends Notice {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What the dashboard has said. */
export interface ToastsState {
  /** On the screen, the newest last. */
  readonly shown: readonly Toast[];
  /** The last ones, oldest first. */
  readonly messages: readonly Message[];
  readonly nextId: number;
}

export const NO_TOASTS: ToastsState = { shown: [], messages: [], nextId: 1 };

/** How long a toast stays, and how much longer for each character that is to be read. Milliseconds. */
const TOAST_MS = { info: 4000, error: 10_000 };
const READING_MS = 50;
const TOASTS = 4;
const MESSAGES = 100;

/** Shows a message for a while, and remembers it. */
export function addToast(toasts: ToastsState, notice: Notice, now: number): ToastsState {
  const until = now + TOAST_MS[notice.level] + notice.text.length * READING_MS;
  const toast: Toast = { ...notice, id: toasts.nextId, until };
  return {
    ...remember(toasts, notice, now),
    shown: [...toasts.shown.filter((shown) => !replaces(notice, shown)), toast].slice(-TOASTS),
  };
}

function replaces(notice: Notice, shown: Notice): boolean {
  return shown.text === notice.text || (notice.key !== undefined && shown.key === notice.key);
}

/** Shows how far something is that takes long, until it is said how it went. It is no message. */
export function showProgress(toasts: ToastsState, notice: Notice): ToastsState {
  const toast: Toast = { ...notice, id: toasts.nextId, until: Number.POSITIVE_INFINITY };
  return {
    ...toasts,
    nextId: toasts.nextId + 1,
    shown: [...toasts.shown.filter((shown) => !replaces(notice, shown)), toast].slice(-TOASTS),
  };
}

/** Only remembers it: it is on the screen already. */
export function remember(toasts: ToastsState, { level, text }: Notice, now: number): ToastsState {
  const message: Message = { id: toasts.nextId, level, text, time: now };
  return { ...toasts, nextId: toasts.nextId + 1, messages: [...toasts.messages, message].slice(-MESSAGES) };
}

/** Without those whose time is over. It does not pass for those that wait behind an overlay: `passed` is added to it. */
export function expireToasts(toasts: ToastsState, now: number, passed: number, covered: boolean): ToastsState {
  const { shown } = toasts;
  if (shown.length === 0) {
    return toasts;
  }
  if (covered) {
    return { ...toasts, shown: shown.map((toast) => ({ ...toast, until: toast.until + Math.max(0, passed) })) };
  }
  return withShown(
    toasts,
    shown.filter(({ until }) => until > now),
  );
}

/** What was wrong with the connection is over. */
export function withoutConnectionToasts(toasts: ToastsState): ToastsState {
  return withShown(
    toasts,
    toasts.shown.filter(({ about }) => about !== "connection"),
  );
}

/** Takes them all off the screen; the messages stay. */
export function dismissToasts(toasts: ToastsState): ToastsState {
  return withShown(toasts, []);
}

function withShown(toasts: ToastsState, shown: readonly Toast[]): ToastsState {
  return shown.length === toasts.shown.length ? toasts : { ...toasts, shown };
}

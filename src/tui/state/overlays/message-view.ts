import { formatTime } from "../../text/format.ts";
import type { Message } from "../toasts/toasts.ts";
import { labeledLines, type PageLine, wholeLine } from "./labeled-view.ts";

/** "HH:MM:SS ✗" */
const LABEL_COLUMNS = 10;

/** The messages, newest first, each with its time and a sign for its level. */
export function messageView(messages: readonly Message[], width: number): readonly PageLine[] {
  if (messages.length === 0) {
    return [wholeLine("plain", "There is no message yet")];
  }
  return messages.toReversed().flatMap(({ time, level, text }) => {
    const label = `${formatTime(time).slice(0, 8)} ${level === "error" ? "✗" : "✓"}`;
    return labeledLines(label, text, LABEL_COLUMNS, width, level === "error" ? "bad" : "good");
  });
}

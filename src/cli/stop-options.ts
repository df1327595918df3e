/** What `stop` and `restart` have in common. */

import { escapeText } from "../common/escape.ts";
import { formatTimeLimit } from "../common/quantities.ts";
import type { StopHow, StopReceipt } from "../sdk/index.ts";
import { duration, signal } from "./arguments/values.ts";
import { flag, type OptionValues, single } from "./command.ts";
import { signalNames } from "./signals.ts";

export const stopOptions = {
  timeout: single("DURATION", duration, "How long it may take to end (default: its own stop timeout, or 10s)", {
    short: "t",
    complete: "none",
  }),
  force: flag("Kill the process tree after the timeout", "f"),
  signal: single("SIGNAL", signal, "The signal to send first (default: its own stop signal, or SIGTERM)", {
    short: "s",
    complete: signalNames,
  }),
} as const;

export function stopRequest(options: OptionValues<typeof stopOptions>): StopHow {
  return {
    force: options.force,
    ...(options.timeout === undefined ? {} : { graceMs: options.timeout }),
    ...(options.signal === undefined ? {} : { stopSignal: options.signal }),
  };
}

/** What to tell about a stop that did not stop, as part of a command that takes --force. */
export function survivorsText(
  target: string,
  { graceMs, survivors }: StopReceipt,
  command: "stop" | "restart",
): string {
  const name = escapeText(target);
  const lines = [`pm: "${name}" did not stop within ${formatTimeLimit(graceMs)}; still running:`];
  for (const { pid, command: line, state } of survivors) {
    lines.push(`  pid ${pid}  ${state}  ${escapeText(line)}`);
  }
  lines.push(`hint: 'pm ${command} --force ${name}' kills them`);
  return `${lines.join("\n")}\n`;
}

/** What `stop` and `restart` have in common. */

import { escapeText } from "../common/escape.ts";
import { formatTimeout } from "../common/quantities.ts";
import type { StopOptions, StopResult } from "../sdk/index.ts";
import { duration } from "./arguments/values.ts";
import { flag, type OptionValues, single, text } from "./command.ts";
import { signalNames } from "./signals.ts";

export const stopOptions = {
  timeout: single("SECONDS", duration, "How long it has to end (default: its own stop timeout, 10s)", {
    short: "t",
    complete: "none",
  }),
  force: flag("Kill what is left of its whole tree then", "f"),
  signal: text("SIGNAL", "What is sent first (default: its own stop signal, SIGTERM)", {
    short: "s",
    complete: signalNames,
  }),
} as const;

export function stopRequest(options: OptionValues<typeof stopOptions>): StopOptions {
  return {
    force: options.force,
    ...(options.timeout === undefined ? {} : { graceMs: options.timeout }),
    ...(options.signal === undefined ? {} : { stopSignal: options.signal }),
  };
}

/** What to tell about a stop that did not stop. */
export function survivorsText(target: string, { receipt }: StopResult): string {
  const { graceMs, survivors } = receipt;
  const lines = [`pm: "${escapeText(target)}" did not stop within ${formatTimeout(graceMs)}; still running:`];
  for (const { pid, command, state } of survivors) {
    lines.push(`  pid ${pid}  ${state}  ${escapeText(command)}`);
  }
  lines.push(`hint: 'pm stop --force ${escapeText(target)}' kills them`);
  return `${lines.join("\n")}\n`;
}

/** Signals by name, as signal(7) and kill(1) have them. */
import { signalName as canonicalName, signalNumber } from "../../engine/limits/signals.ts";
import { invalid, quote } from "../validate.ts";

/** "TERM", "sigterm" → "SIGTERM"; "SIGRTMAX-1" → "SIGRTMIN+29". */
export function signalName(field: string, value: string): string {
  const number = signalNumber(value);
  if (number === undefined) {
    throw invalid(field, `no such signal: ${quote(value)} (examples: "SIGTERM", "HUP", "SIGRTMIN+3")`);
  }
  return canonicalName(number);
}

/** As {@link signalName}, but empty stays empty. */
export function optionalSignalName(field: string, value: string): string {
  return value === "" ? "" : signalName(field, value);
}

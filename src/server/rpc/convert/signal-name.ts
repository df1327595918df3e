/** Signals by name, as signal(7) and kill(1) have them, or by number. */
import { signalName as canonicalName, signalNumber } from "../../../common/signals.ts";
import type { Field } from "../edge/field.ts";
import { quote } from "../edge/rules.ts";

/** "TERM", "sigterm", "15" → "SIGTERM"; "SIGRTMAX-1" → "SIGRTMIN+29". */
export function signalName(value: string, at: Field): string {
  const number = signalNumber(value);
  if (number === undefined) {
    at.refuse(`no such signal: ${quote(value)} (examples: "SIGTERM", "HUP", "15", "SIGRTMIN+3")`);
    return "";
  }
  return canonicalName(number);
}

/** As {@link signalName}, but empty stays empty. */
export function optionalSignalName(value: string, at: Field): string {
  return value === "" ? "" : signalName(value, at);
}

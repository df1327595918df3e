/** Signals by name, as signal(7) and kill(1) have them. */
import { constants } from "node:os";
import { invalid, quote } from "../validate.ts";

/** Of two names for one number (SIGABRT and SIGIOT) the first is canonical. */
const canonical = new Map<string, string>();
{
  const byNumber = new Map<number, string>();
  for (const [name, number] of Object.entries(constants.signals)) {
    const first = byNumber.get(number) ?? name;
    byNumber.set(number, first);
    canonical.set(name, first);
  }
}

/** SIGRTMIN is 34 and SIGRTMAX 64 with both glibc and musl. */
const realTimeSpan = 30;
const realTimeRule = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/;

/** "TERM", "SIGTERM" → "SIGTERM"; "SIGRTMAX-1" → "SIGRTMIN+29". */
export function signalName(field: string, value: string): string {
  const upper = value.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const known = canonical.get(name) ?? realTime(name);
  if (known === undefined) {
    throw invalid(field, `no such signal: ${quote(value)} (examples: "SIGTERM", "HUP", "SIGRTMIN+3")`);
  }
  return known;
}

/** As {@link signalName}, but empty stays empty. */
export function optionalSignalName(field: string, value: string): string {
  return value === "" ? "" : signalName(field, value);
}

function realTime(name: string): string | undefined {
  const match = realTimeRule.exec(name);
  if (!match) {
    return undefined;
  }
  const [, base, sign, digits] = match;
  if (sign !== undefined && (sign === "+") !== (base === "MIN")) {
    return undefined;
  }
  const distance = Number(digits ?? 0);
  if (distance > realTimeSpan) {
    return undefined;
  }
  const offset = base === "MIN" ? distance : realTimeSpan - distance;
  return offset === 0 ? "SIGRTMIN" : `SIGRTMIN+${offset}`;
}

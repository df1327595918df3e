/** Signals by name and number (signal(7)). */
import { constants } from "node:os";

// glibc keeps 32 and 33 for itself and calls 34 SIGRTMIN (signal(7)); so do its users.
const realTimeMin = 34;
const realTimeMax = 64;

const numbers = new Map<string, number>(Object.entries(constants.signals));
const names = new Map<number, string>();
for (const [name, number] of numbers) {
  // Synonyms (SIGIOT, SIGPOLL, SIGUNUSED) come after the usual names.
  if (!names.has(number)) {
    names.set(number, name);
  }
}

/**
 * The number of a signal by name, with or without "SIG", in any case, or by number: "SIGTERM", "hup", "SIGRTMIN+3",
 * "RTMAX-1", "9". Undefined if there is none.
 */
export function signalNumber(signal: string): number | undefined {
  if (/^\d{1,2}$/.test(signal)) {
    const number = Number(signal);
    return names.has(number) || (number >= realTimeMin && number <= realTimeMax) ? number : undefined;
  }
  const upper = signal.toUpperCase();
  const full = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const known = numbers.get(full);
  if (known !== undefined) {
    return known;
  }
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(full);
  if (match === null) {
    return undefined;
  }
  const [, end, sign, digits] = match;
  if (sign !== undefined && (sign === "+") !== (end === "MIN")) {
    return undefined;
  }
  const distance = Number(digits ?? 0);
  const number = end === "MIN" ? realTimeMin + distance : realTimeMax - distance;
  return number >= realTimeMin && number <= realTimeMax ? number : undefined;
}

/** The usual name of a signal, such as "SIGTERM" or "SIGRTMIN+3". */
export function signalName(number: number): string {
  const known = names.get(number);
  if (known !== undefined) {
    return known;
  }
  if (number === realTimeMax) {
    return "SIGRTMAX";
  }
  if (number === realTimeMin) {
    return "SIGRTMIN";
  }
  if (number > realTimeMin && number < realTimeMax) {
    return `SIGRTMIN+${number - realTimeMin}`;
  }
  return `signal ${number}`;
}

/** Every signal that there is, by number. */
export function allSignals(): ReadonlyMap<number, string> {
  const all = [...names].filter(([number]) => number < realTimeMin);
  for (let number = realTimeMin; number <= realTimeMax; number++) {
    all.push([number, signalName(number)]);
  }
  return new Map(all.sort(([a], [b]) => a - b));
}

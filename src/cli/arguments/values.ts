/** Parsers of option values. Each throws a `UsageError` that says what a good value is. */
import type { Caller } from "../caller.ts";
import { UsageError } from "../usage-error.ts";

/** One of some words. */
export function choice<const T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) {
      throw new UsageError(`"${text}" is not one of ${words.join(", ")}`);
    }
    return word;
  };
}

/** A whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min) {
      throw new UsageError(`"${text}" is not a whole number of ${min} or more`);
    }
    return value;
  };
}

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** Bytes: "4096", "64KiB", "200MB", "1.5g" (a bare letter is the power of 1024). */
export function size(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = Object.hasOwn(sizeUnits, unit.toLowerCase()) ? sizeUnits[unit.toLowerCase()] : undefined;
  const bytes = digits === "" || factor === undefined ? Number.NaN : Math.round(Number(digits) * factor);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new UsageError(`"${text}" is not a size`, "a size is like 4096, 64KiB, 200MB or 1GiB");
  }
  return bytes;
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration: seconds ("2.5") or with units ("500ms", "10m", "1h30m"). */
export function duration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) {
    return Number(text) * 1000;
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new UsageError(`"${text}" is not a duration`, "a duration is like 10 (seconds), 500ms, 10m or 1h30m");
  }
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (durationUnits[unit ?? ""] ?? 0), 0);
}

/** A moment: RFC 3339, or a duration before now. */
export function moment(text: string, caller: Caller): Date {
  // Date() itself reads many more forms, and those without a zone differently on different machines.
  if (/^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/.test(text)) {
    if (!/([Zz]|[+-]\d\d:\d\d)$/.test(text)) {
      // The time zone is one of a process.
      caller.ownProcess();
    }
    const date = new Date(text.length === 10 ? `${text}T00:00:00` : text.replace(" ", "T").toUpperCase());
    if (!Number.isNaN(date.getTime())) {
      return date;
    }
  } else if (/^\d+(\.\d+)?[a-z]/.test(text)) {
    return new Date(Date.now() - duration(text));
  }
  throw new UsageError(`"${text}" is not a time`, "a time is like 2026-01-31T12:00:00Z, or 10m for ten minutes ago");
}

/** KEY=VALUE; a KEY alone stands for its value in the caller's environment, and for nothing where it is not set. */
export function environmentVariable(
  text: string,
  { env }: Pick<Caller, "env">,
): readonly [key: string, value: string] | undefined {
  const equals = text.indexOf("=");
  if (equals === 0 || text === "") {
    throw new UsageError(`"${text}" names no variable`, "give KEY=VALUE, or KEY to pass on your own");
  }
  if (equals > 0) {
    return [text.slice(0, equals), text.slice(equals + 1)];
  }
  const value = env[text];
  return value === undefined ? undefined : [text, value];
}

/** KEY=VALUE, or KEY with an empty value. */
export function label(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf("=");
  if (equals === 0 || text === "") {
    throw new UsageError(`"${text}" is not a label`, "a label is KEY=VALUE");
  }
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

export interface Ulimit {
  readonly resource: string;
  readonly soft?: bigint;
  readonly hard?: bigint;
}

/** NAME=SOFT[:HARD]; each a number or "unlimited". */
export function ulimit(text: string): Ulimit {
  const [, resource, soft = "", hard = soft] = /^([a-z]+)=(\d+|unlimited|-1)(?::(\d+|unlimited|-1))?$/.exec(text) ?? [];
  if (resource === undefined) {
    throw new UsageError(
      `"${text}" is not a limit`,
      "a limit is NAME=SOFT[:HARD], like nofile=1024:4096 or core=unlimited",
    );
  }
  const bound = (value: string): bigint | undefined => (/^\d+$/.test(value) ? BigInt(value) : undefined);
  const [softBound, hardBound] = [bound(soft), bound(hard)];
  return {
    resource,
    ...(softBound === undefined ? {} : { soft: softBound }),
    ...(hardBound === undefined ? {} : { hard: hardBound }),
  };
}

/** Thousandths of a processor: "1.5" is 1500. */
export function cpus(text: string): number {
  const millis = /^\d*\.?\d+$/.test(text) ? Math.round(Number(text) * 1000) : 0;
  if (millis < 1) {
    throw new UsageError(`"${text}" is not a number of processors`, "a number of processors is like 0.5 or 2");
  }
  return millis;
}

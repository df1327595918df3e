/** Parsers of option values. Each throws a `UsageError` that says what a good value is. */
import { durationExamples, parseDuration, parseSize, sizeExamples } from "../../common/quantities.ts";
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

/** Bytes, at least 1: see {@link parseSize}. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes < 1) {
    throw new UsageError(`"${text}" is not a size`, `a size is like ${sizeExamples}`);
  }
  return bytes;
}

/** Milliseconds: see {@link parseDuration}. */
export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) {
    throw new UsageError(`"${text}" is not a duration`, `a duration is like ${durationExamples}`);
  }
  return milliseconds;
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

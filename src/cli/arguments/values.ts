/** Parsers of option values. Each throws a `UsageError` that says what a good value is. */
import { isName, nameRule } from "../../common/contract-rules.ts";
import { durationExamples, parseDuration, parseSize, sizeExamples } from "../../common/quantities.ts";
import { signalName, signalNumber } from "../../common/signals.ts";
import type { Caller } from "../caller.ts";
import { rlimitNames } from "../rlimits.ts";
import { UsageError } from "../usage-error.ts";

const resourceNames: readonly string[] = Object.values(rlimitNames);

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

/** The parser of an operand, whose errors name it as those of an option name the option. */
export function operand<T>(name: string, parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(`${name}: ${error.message}`, error.hint) : error;
    }
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

/** A text that says something: an empty one often comes of a variable that is not set. */
export function nonEmpty(what: string): (text: string) => string {
  return (text) => {
    if (text === "") {
      throw new UsageError(`${what} must not be empty`, "leave the option out for none");
    }
    return text;
  };
}

/** A name of a process. */
export function processName(text: string): string {
  if (!isName(text)) {
    throw new UsageError(`"${text}" cannot be a name`, `a name is ${nameRule}`);
  }
  return text;
}

/** A file mode creation mask in octal, as umask(1) takes it. */
export function umask(text: string): number {
  if (!/^0?[0-7]{1,3}$/.test(text)) {
    throw new UsageError(`"${text}" is no umask`, "a umask is like 022 or 077");
  }
  return Number.parseInt(text, 8);
}

/** A scheduling priority, as nice(1) takes it. */
export function nice(text: string): number {
  const value = /^[+-]?\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= -20 && value <= 19)) {
    throw new UsageError(`"${text}" is no nice value`, "a nice value is from -20, the most favored, to 19");
  }
  return value;
}

/** KEY=VALUE, or KEY with an empty value. */
export function label(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf("=");
  if (equals === 0 || text === "") {
    throw new UsageError(`"${text}" is not a label`, "a label is KEY=VALUE");
  }
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** The usual name of a signal that is given by name or number. */
export function signal(text: string): string {
  const number = signalNumber(text);
  if (number === undefined || number === 0) {
    throw new UsageError(
      `"${text}" is no signal`,
      "a signal is like HUP, SIGHUP, 1 or SIGRTMIN+3; 'pm kill -l' lists them",
    );
  }
  return signalName(number);
}

export interface Ulimit {
  readonly resource: string;
  readonly soft?: bigint;
  readonly hard?: bigint;
}

/** Resources whose limits are sizes in bytes: these may be given with a unit. */
const sizeResources: ReadonlySet<string> = new Set([
  "as",
  "core",
  "data",
  "fsize",
  "memlock",
  "msgqueue",
  "rss",
  "stack",
]);

/** NAME=SOFT[:HARD]; each a number, a size where the resource is one, or "unlimited". */
export function ulimit(text: string): Ulimit {
  const [, resource = "", soft = "", hard = soft] = /^([a-z]+)=([^:]+)(?::([^:]+))?$/i.exec(text) ?? [];
  const name = resource.toLowerCase();
  if (!resourceNames.includes(name)) {
    throw new UsageError(
      resource === "" ? `"${text}" is not a limit` : `there is no resource "${resource}"`,
      resource === ""
        ? "a limit is NAME=SOFT[:HARD], like nofile=1024:4096, as=50M or core=unlimited"
        : `there are ${resourceNames.join(", ")}`,
    );
  }
  const bound = (value: string): bigint | undefined => {
    if (value === "unlimited" || value === "-1") {
      return undefined;
    }
    if (/^\d+$/.test(value)) {
      return BigInt(value);
    }
    const bytes = sizeResources.has(name) ? parseSize(value) : undefined;
    if (bytes === undefined) {
      throw new UsageError(
        `"${value}" is not a limit of ${name}`,
        sizeResources.has(name)
          ? `a limit is unlimited, or a size like ${sizeExamples}`
          : "a limit is a number, or unlimited",
      );
    }
    return BigInt(bytes);
  };
  const [softBound, hardBound] = [bound(soft), bound(hard)];
  return {
    resource: name,
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

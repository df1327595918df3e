import type { Caller } from "./caller.ts";
import type { Globals } from "./globals.ts";

/** What completion offers for a value: fixed words, or a kind of thing. */
export type Completion = readonly string[] | "process" | "file" | "directory" | "command" | "none";

/** An option without a value. */
export interface Flag {
  readonly kind: "flag";
  readonly short?: string;
  readonly summary: string;
}

/** An option with a value; given twice, the last one counts. */
export interface Single<T> {
  readonly kind: "single";
  readonly short?: string;
  /** What stands for the value in help. */
  readonly value: string;
  readonly summary: string;
  readonly complete?: Completion;
  /** Throws a `UsageError` that says what a good value is. */
  readonly parse: (text: string, caller: Caller) => T;
}

/** An option with a value that may be given several times. */
export interface Repeated<T> extends Omit<Single<T>, "kind"> {
  readonly kind: "repeated";
}

/** An option that is a flag, or has a value after "=". */
export interface Optional<T> extends Omit<Single<T>, "kind"> {
  readonly kind: "optional";
  /** What the flag alone means. */
  readonly bare: T;
}

export type Option = Flag | Single<unknown> | Repeated<unknown> | Optional<unknown>;

/** Options by long name. */
export type Options = Readonly<Record<string, Option>>;

/** What parsing options of these specs gives. */
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Flag
    ? boolean
    : O[K] extends Single<infer T> | Optional<infer T>
      ? T | undefined
      : O[K] extends Repeated<infer T>
        ? readonly T[]
        : never;
};

/** What may stand after the options. */
export interface Operands {
  /** As help shows it: "ID...", "COMMAND [ARG...]". */
  readonly usage: string;
  readonly min: number;
  /** @default Infinity */
  readonly max?: number;
  readonly complete?: Completion;
  /** The first operand and all that follows it are passed on untouched. @default false */
  readonly verbatim?: boolean;
  /** What follows "--" is no operand but a command line of its own: "COMMAND [ARG...]". @default no such thing */
  readonly tail?: string;
}

export interface Invocation<O extends Options> {
  readonly options: OptionValues<O>;
  readonly operands: readonly string[];
  /** What follows "--", where {@link Operands.tail} allows it. */
  readonly tail?: readonly string[];
  readonly globals: Globals;
  readonly caller: Caller;
}

/** One command of `pm`, its options typed by their specs. */
export interface CommandSpec<O extends Options> {
  readonly summary: string;
  /** Paragraphs below the summary in the command's help. */
  readonly description?: string;
  readonly options: O;
  readonly operands?: Operands;
  /** Of a command without operands: the one that takes what somebody named, such as "pm status". */
  readonly forOne?: string;
  /** A line of shell, and what it does. */
  readonly examples?: readonly (readonly [line: string, meaning: string])[];
  /** Exit codes beyond the general ones. */
  readonly exitCodes?: readonly (readonly [code: string, meaning: string])[];
  /** Turns what other tools write differently into the options of this one, before anything is parsed. */
  readonly rewrite?: (args: readonly string[]) => readonly string[];
  /** Resolves with the exit code; an error becomes a message and the code that fits it. */
  readonly run: (invocation: Invocation<O>) => Promise<number>;
  /** The exit code for an error of `run`, where it differs from the general one. */
  readonly exitCodeOf?: (error: unknown) => number;
}

/** Any command: parsing, help and completion all derive from this. */
export interface Command extends Omit<CommandSpec<Options>, "run"> {
  /** @param invocation with values as the parser makes them from `options` */
  readonly run: (invocation: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly operands: readonly string[];
    readonly tail?: readonly string[];
    readonly globals: Globals;
    readonly caller: Caller;
  }) => Promise<number>;
}

/** Types `run` by the specs of the options, and forgets them: the parser makes the values from these same specs. */
export function defineCommand<const O extends Options>(command: CommandSpec<O>): Command {
  return command as unknown as Command;
}

export function flag(summary: string, short?: string): Flag {
  return { kind: "flag", summary, ...(short === undefined ? {} : { short }) };
}

interface ValueDetails {
  readonly short?: string;
  readonly complete?: Completion;
}

const verbatim = (text: string): string => text;

export function text(value: string, summary: string, details: ValueDetails = {}): Single<string> {
  return { kind: "single", value, summary, parse: verbatim, ...details };
}

export function single<T>(
  value: string,
  parse: (text: string, caller: Caller) => T,
  summary: string,
  details: ValueDetails = {},
): Single<T> {
  return { kind: "single", value, summary, parse, ...details };
}

export function repeated<T>(
  value: string,
  parse: (text: string, caller: Caller) => T,
  summary: string,
  details: ValueDetails = {},
): Repeated<T> {
  return { kind: "repeated", value, summary, parse, ...details };
}

export function optional<T>(
  value: string,
  parse: (text: string, caller: Caller) => T,
  bare: T,
  summary: string,
  details: ValueDetails = {},
): Optional<T> {
  return { kind: "optional", value, summary, parse, bare, ...details };
}

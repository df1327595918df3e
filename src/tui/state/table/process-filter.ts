import type { ProcessInfo } from "../../../sdk/types.ts";
import { regularExpression } from "../../text/expression.ts";
import { endedBadly } from "./process-outcome.ts";

/** Whether a process fits. */
export type ProcessPredicate = (process: ProcessInfo) => boolean;

/** The command line as people know it. */
export function commandLine(process: ProcessInfo): string {
  const { executable, args } = process.spec;
  return args.length === 0 ? executable : `${executable} ${args.join(" ")}`;
}

function isSubsequence(needle: string, text: string): boolean {
  let at = 0;
  for (const character of needle) {
    at = text.indexOf(character, at) + character.length;
    if (at < character.length) {
      return false;
    }
  }
  return true;
}

/** `text` must be in lower case and without blanks: then no two words can hold it together. */
function hasInCommandLine({ spec }: ProcessInfo, text: string): boolean {
  return spec.executable.toLowerCase().includes(text) || spec.args.some((word) => word.toLowerCase().includes(text));
}

/** Name and command line only: an id that fits by chance would be a wrong process. */
function expressionPredicate(source: string): ProcessPredicate | null {
  const expression = regularExpression(source, true);
  return expression && ((process) => expression.test(process.spec.name) || expression.test(commandLine(process)));
}

/** `0`, `28`, `KILL`, `SIGKILL`, `bad`; empty: ended in any way. */
function exitPredicate(wanted: string): ProcessPredicate {
  if (wanted.toLowerCase() === "bad") {
    return endedBadly;
  }
  if (/^\d+$/.test(wanted)) {
    const code = Number(wanted);
    return ({ exit }) => exit?.code === code;
  }
  const signal = `SIG${wanted.toUpperCase().replace(/^SIG/, "")}`;
  return ({ exit }) => exit !== undefined && (wanted === "" || exit.signalName === signal);
}

function labelPredicate(term: string): ProcessPredicate | null {
  const [, prefix, key = "", operator, value] =
    /^(label:)?([A-Za-z0-9][A-Za-z0-9._/-]*)(?:(!=|=)(.*))?$/.exec(term) ?? [];
  if (operator === "!=") {
    return ({ spec }) => spec.labels[key] !== value;
  }
  if (operator === "=") {
    const text = term.toLowerCase();
    // Environments and options are written like labels.
    return (process) => process.spec.labels[key] === value || (prefix === undefined && hasInCommandLine(process, text));
  }
  return prefix === undefined ? null : ({ spec }) => Object.hasOwn(spec.labels, key);
}

function wordPredicate(word: string): ProcessPredicate {
  const needle = word.toLowerCase();
  // As the commands take ids.
  const id = /^[0-9a-f-]{4,}$/.test(needle);
  return (process) =>
    isSubsequence(needle, process.spec.name.toLowerCase()) ||
    (id && process.id.startsWith(needle)) ||
    hasInCommandLine(process, needle);
}

/** Null: something is wrong with it. */
function termPredicate(term: string): ProcessPredicate | null {
  if (term.startsWith("~")) {
    return expressionPredicate(term.slice(1));
  }
  if (term.startsWith("state:")) {
    const state = term.slice("state:".length).toLowerCase();
    return (process) => process.state.startsWith(state);
  }
  if (term.startsWith("exit:")) {
    return exitPredicate(term.slice("exit:".length));
  }
  return labelPredicate(term) ?? wordPredicate(term);
}

interface Term {
  readonly negated: boolean;
  readonly text: string;
}

function termsOf(filter: string): readonly Term[] {
  return filter
    .split(/\s+/)
    .map((term) => (term.startsWith("!") ? { negated: true, text: term.slice(1) } : { negated: false, text: term }))
    .filter(({ text }) => text !== "");
}

/**
 * The table's filter: terms separated by spaces that must all fit. A word fits
 * the letters of a name in order, a part of the command line, or the beginning
 * of an id from four characters on; `~x` is a regular expression for name or
 * command line; `state:x` the beginning of a state; `exit:0`, `exit:KILL` and
 * `exit:bad` say how it ended; `k=v`, `k!=v` and `label:k` look at labels, `k=v`
 * at the command line, too; a leading `!` turns a term round. Letter case does
 * not matter. Null: everything fits. What is wrong, see {@link filterError}, fits
 * nothing.
 */
export function processPredicate(filter: string): ProcessPredicate | null {
  const terms = termsOf(filter);
  if (terms.length === 0) {
    return null;
  }
  const predicates: ProcessPredicate[] = [];
  for (const { negated, text } of terms) {
    const predicate = termPredicate(text);
    if (!predicate) {
      return () => false;
    }
    predicates.push(negated ? (process) => !predicate(process) : predicate);
  }
  return (process) => predicates.every((predicate) => predicate(process));
}

/** What is wrong with a filter; null: nothing. */
export function filterError(filter: string): string | null {
  const wrong = termsOf(filter).find(({ text }) => text.startsWith("~") && !regularExpression(text.slice(1), true));
  return wrong ? `not a regular expression: ${wrong.text.slice(1)}` : null;
}

import { escapeBytes } from "../../../common/escape.ts";
import type { ProcessInfo, TextOrBytes } from "../../../sdk/types.ts";
import { regularExpression } from "../../text/expression.ts";
import { endedBadly, stateText } from "./process-outcome.ts";

/** Whether a process fits. */
type ProcessPredicate = (process: ProcessInfo) => boolean;

/** How well a process fits, {@link BEST_MATCH} the best; {@link NO_MATCH}: it does not. */
export type ProcessMatcher = (process: ProcessInfo) => number;

export const NO_MATCH = -1;
export const BEST_MATCH = 0;

/** How a word fits, the best first: it is the name, the name begins with it, a word of the name does, … */
const EXACT = BEST_MATCH;
const PREFIX = 1;
const WORD = 2;
const PART = 3;
const SUBSEQUENCE = 4;
const ELSEWHERE = 5;

/** The command line as people know it. */
export function commandLine(process: ProcessInfo): string {
  const { executable, args } = process.spec;
  return [executable, ...args].map(wordText).join(" ");
}

/** A word of a command line, which may not be UTF-8. */
export function wordText(word: TextOrBytes): string {
  return typeof word === "string" ? word : escapeBytes(word);
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
  return [spec.executable, ...spec.args].some((word) => wordText(word).toLowerCase().includes(text));
}

/** Name and command line only: an id that fits by chance would be a wrong process. */
function expressionPredicate(source: string): ProcessPredicate | null {
  const expression = regularExpression(source, true);
  return expression && ((process) => expression.test(process.name ?? "") || expression.test(commandLine(process)));
}

/** `0`, `28`, `KILL`, `SIGKILL`, `bad`; empty: ended in any way. */
function exitPredicate(wanted: string): ProcessPredicate {
  if (wanted.toLowerCase() === "bad") {
    return endedBadly;
  }
  if (/^\d+$/.test(wanted)) {
    const code = Number(wanted);
    return ({ run }) => run?.exit?.code === code;
  }
  const signal = `SIG${wanted.toUpperCase().replace(/^SIG/, "")}`;
  return ({ run }) => run?.exit !== undefined && (wanted === "" || run.exit.signalName === signal);
}

function labelPredicate(term: string): ProcessPredicate | null {
  const [, prefix, key = "", operator, value] =
    /^(label:)?([A-Za-z0-9][A-Za-z0-9._/-]*)(?:(!=|=)(.*))?$/.exec(term) ?? [];
  if (operator === "!=") {
    return ({ labels }) => labels[key] !== value;
  }
  if (operator === "=") {
    const text = term.toLowerCase();
    // Environments and options are written like labels.
    return (process) => process.labels[key] === value || (prefix === undefined && hasInCommandLine(process, text));
  }
  return prefix === undefined ? null : ({ labels }) => Object.hasOwn(labels, key);
}

/** Whether a word within the text begins with this. */
function beginsWord(text: string, needle: string): boolean {
  for (let at = text.indexOf(needle, 1); at > 0; at = text.indexOf(needle, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) {
      return true;
    }
  }
  return false;
}

function nameRank(name: string, needle: string): number {
  if (name.startsWith(needle)) {
    return name.length === needle.length ? EXACT : PREFIX;
  }
  return name.includes(needle) ? (beginsWord(name, needle) ? WORD : PART) : SUBSEQUENCE;
}

function wordMatcher(word: string): ProcessMatcher {
  const needle = word.toLowerCase();
  // As the commands take ids.
  const id = /^[0-9a-f-]{4,}$/.test(needle);
  return (process) => {
    const name = (process.name ?? "").toLowerCase();
    if (isSubsequence(needle, name)) {
      return nameRank(name, needle);
    }
    if (id && process.id.startsWith(needle)) {
      return PREFIX;
    }
    return hasInCommandLine(process, needle) ? ELSEWHERE : NO_MATCH;
  };
}

/** What a process belongs to, by the word before the colon. */
const GROUPS: Readonly<Record<string, (process: ProcessInfo) => string | undefined>> = {
  project: ({ supervision }) => supervision?.project,
  schedule: ({ supervision }) => supervision?.schedule,
  queue: ({ spec }) => spec.queue,
};

/** The project, schedule or queue of this name, and after it those whose names begin so; null: it asks for none of them. */
function groupMatcher(term: string): ProcessMatcher | null {
  const [, kind = "", name = ""] = /^(project|schedule|queue):(.*)$/.exec(term) ?? [];
  const groupOf = GROUPS[kind];
  const wanted = name.toLowerCase();
  return groupOf
    ? (process) => {
        const group = groupOf(process)?.toLowerCase() ?? "";
        return group === "" || !group.startsWith(wanted) ? NO_MATCH : group === wanted ? EXACT : PREFIX;
      }
    : null;
}

/** What fits fits best, or not at all. */
function matcherOf(predicate: ProcessPredicate): ProcessMatcher {
  return (process) => (predicate(process) ? BEST_MATCH : NO_MATCH);
}

/** Null: something is wrong with it. */
function termMatcher(term: string): ProcessMatcher | null {
  if (term.startsWith("~")) {
    const predicate = expressionPredicate(term.slice(1));
    return predicate && matcherOf(predicate);
  }
  if (term.startsWith("state:")) {
    const state = term.slice("state:".length).toLowerCase();
    return matcherOf((process) =>
      [process.state.toLowerCase(), stateText(process)].some((word) => word.startsWith(state)),
    );
  }
  const group = groupMatcher(term);
  if (group) {
    return group;
  }
  if (term.startsWith("exit:")) {
    return matcherOf(exitPredicate(term.slice("exit:".length)));
  }
  const label = labelPredicate(term);
  return label ? matcherOf(label) : wordMatcher(term);
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
 * command line; `state:x` the beginning of a state; `project:x`, `queue:x` and
 * `schedule:x` the beginning of the name of what it belongs to; `exit:0`,
 * `exit:KILL` and `exit:bad` say how it ended; `k=v`, `k!=v` and `label:k` look at
 * labels, `k=v` at the command line, too; a leading `!` turns a term round. Letter
 * case does not matter. Null: everything fits. What is wrong, see
 * {@link filterError}, fits nothing. The ranks of several words are added.
 */
export function processMatcher(filter: string): ProcessMatcher | null {
  const terms = termsOf(filter);
  if (terms.length === 0) {
    return null;
  }
  const matchers: ProcessMatcher[] = [];
  for (const { negated, text } of terms) {
    const matcher = termMatcher(text);
    if (!matcher) {
      return () => NO_MATCH;
    }
    matchers.push(negated ? (process) => (matcher(process) === NO_MATCH ? BEST_MATCH : NO_MATCH) : matcher);
  }
  return (process) => {
    let rank = BEST_MATCH;
    for (const matcher of matchers) {
      const own = matcher(process);
      if (own === NO_MATCH) {
        return NO_MATCH;
      }
      rank += own;
    }
    return rank;
  };
}

/** What is wrong with a filter; null: nothing. */
export function filterError(filter: string): string | null {
  const wrong = termsOf(filter).find(({ text }) => text.startsWith("~") && !regularExpression(text.slice(1), true));
  return wrong ? `not a regular expression: ${wrong.text.slice(1)}` : null;
}

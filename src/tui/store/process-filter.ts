import type { ProcessInfo } from "../../sdk/types.ts";

/** Whether a process fits. */
export type ProcessPredicate = (process: ProcessInfo) => boolean;

/** The command line as people know it. */
export function commandLine(process: ProcessInfo): string {
  const { executable, args } = process.spec;
  return args.length === 0 ? executable : `${executable} ${args.join(" ")}`;
}

function isSubsequence(needle: string, text: string): boolean {
  let i = 0;
  for (let k = 0; k < text.length && i < needle.length; k++) {
    if (text[k] === needle[i]) {
      i++;
    }
  }
  return i === needle.length;
}

function termPredicate(term: string): ProcessPredicate {
  if (term.startsWith("~")) {
    let expression: RegExp;
    try {
      expression = new RegExp(term.slice(1), "iu");
    } catch {
      // Half typed: fits nothing yet.
      return () => false;
    }
    return (process) =>
      expression.test(process.spec.name) || expression.test(commandLine(process)) || expression.test(process.id);
  }
  if (term.startsWith("state:")) {
    const state = term.slice("state:".length).toLowerCase();
    return (process) => process.state.startsWith(state);
  }
  const label = /^(?:label:)?([A-Za-z0-9][A-Za-z0-9._/-]*)(!=|=)(.*)$/.exec(term);
  if (label) {
    const [, key = "", operator, value] = label;
    return operator === "=" ? ({ spec }) => spec.labels[key] === value : ({ spec }) => spec.labels[key] !== value;
  }
  if (term.startsWith("label:")) {
    const key = term.slice("label:".length);
    return ({ spec }) => Object.hasOwn(spec.labels, key);
  }
  const needle = term.toLowerCase();
  return (process) => {
    const name = process.spec.name.toLowerCase();
    return (
      isSubsequence(needle, name) ||
      process.id.startsWith(needle) ||
      commandLine(process).toLowerCase().includes(needle)
    );
  };
}

/**
 * The table's filter: terms separated by spaces that must all fit. A word fits
 * the letters of a name in order, the beginning of an id, or a part of the
 * command line; `~x` is a regular expression; `state:x` the beginning of a
 * state; `k=v`, `k!=v` and `label:k` look at labels; a leading `!` turns a term
 * round. Letter case does not matter.
 */
export function processPredicate(filter: string): ProcessPredicate | null {
  const terms = filter.split(/\s+/).filter((term) => term !== "" && term !== "!");
  if (terms.length === 0) {
    return null;
  }
  const predicates = terms.map((term): ProcessPredicate => {
    if (!term.startsWith("!")) {
      return termPredicate(term);
    }
    const predicate = termPredicate(term.slice(1));
    return (process) => !predicate(process);
  });
  return (process) => predicates.every((predicate) => predicate(process));
}

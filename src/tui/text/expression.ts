import { RE2JS } from "re2js";

/**
 * What is looked for in text. A regular expression is one of RE2
 * (https://github.com/google/re2/wiki/Syntax): it takes time in proportion to
 * the text, whatever was typed. JavaScript's own takes exponential time for
 * some, such as `(x+x+)+y`, and no key, not even a signal, would be seen
 * meanwhile.
 */
export interface Expression {
  test(text: string): boolean;
  /** Places that fit, as [first, behind the last] in UTF-16 units; empty ones are left out. */
  places(text: string): readonly (readonly [number, number])[];
}

/** Null: `source` is not, or not yet, a regular expression. */
export function regularExpression(source: string, ignoreCase: boolean): Expression | null {
  try {
    const expression = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    return {
      test: (text) => expression.test(text),
      places(text) {
        const found: [number, number][] = [];
        const matcher = expression.matcher(text);
        while (matcher.find()) {
          if (matcher.end() > matcher.start()) {
            found.push([matcher.start(), matcher.end()]);
          }
        }
        return found;
      },
    };
  } catch {
    return null;
  }
}

/** Text as it is. */
export function literal(text: string, ignoreCase: boolean): Expression {
  const one = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), ignoreCase ? "iu" : "u");
  const all = new RegExp(one, `g${one.flags}`);
  return {
    test: (of) => one.test(of),
    places: (of) => Array.from(of.matchAll(all), ({ index, 0: match }) => [index, index + match.length] as const),
  };
}

type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "one"; readonly text: string }
  | { readonly kind: "set"; readonly ranges: readonly (readonly [string, string])[]; readonly negated: boolean };

/**
 * A pattern of `*`, `?` and `[a-c]` (`[!a-c]`: none of them) as a test of whole
 * names. In time of pattern times name, whatever the pattern: a regular
 * expression would try many stars in every way.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const tokens = tokenize(pattern);
  return (name) => {
    let at = 0;
    let token = 0;
    let star = -1;
    let resume = 0;
    while (at < name.length) {
      const current = tokens[token];
      if (current?.kind === "star") {
        star = token++;
        resume = at;
      } else if (current !== undefined && fits(current, name[at] ?? "")) {
        token++;
        at++;
      } else if (star >= 0) {
        // The last star takes one more.
        token = star + 1;
        at = ++resume;
      } else {
        return false;
      }
    }
    while (tokens[token]?.kind === "star") token++;
    return token === tokens.length;
  };
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const text = pattern[at] ?? "";
    const close = text === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (text === "*") tokens.push({ kind: "star" });
    else if (text === "?") tokens.push({ kind: "any" });
    else if (close > 0) {
      tokens.push(parseSet(pattern.slice(at + 1, close)));
      at = close;
    } else tokens.push({ kind: "one", text });
  }
  return tokens;
}

function parseSet(text: string): Token {
  const negated = text.length > 1 && (text[0] === "!" || text[0] === "^");
  const inner = negated ? text.slice(1) : text;
  const ranges: [string, string][] = [];
  for (let at = 0; at < inner.length; at++) {
    const from = inner[at] ?? "";
    const isRange = inner[at + 1] === "-" && at + 2 < inner.length;
    ranges.push([from, isRange ? (inner[at + 2] ?? from) : from]);
    if (isRange) at += 2;
  }
  return { kind: "set", ranges, negated };
}

function fits(token: Token, character: string): boolean {
  switch (token.kind) {
    case "star":
    case "any":
      return true;
    case "one":
      return token.text === character;
    case "set":
      return token.ranges.some(([from, to]) => character >= from && character <= to) !== token.negated;
  }
}

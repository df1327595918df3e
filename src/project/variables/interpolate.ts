/** Variables by name; undefined: not set. */
export type Variables = (name: string) => string | undefined;

/** What is wrong with a `${…}`. */
export class InterpolationError extends Error {
  override readonly name = "InterpolationError";
}

const maxDepth = 16;

/**
 * Replaces `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`,
 * `${NAME?message}`, `${NAME:+other}` and `${NAME+other}` as a shell does: with
 * ":" an empty variable counts as one that is not set. Defaults may hold others.
 * `$${` is a plain `${`; a `$` before anything else is left alone, so that
 * commands can use `$NAME` and `$(…)` of their shell.
 *
 * @throws InterpolationError also if `${NAME}` is not set
 */
export function interpolate(text: string, variables: Variables, depth = 0): string {
  if (depth > maxDepth) {
    throw new InterpolationError(`\${…} nested deeper than ${maxDepth} levels`);
  }
  let result = "";
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("$${", at)) {
      result += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = closingBrace(text, at + 2);
      result += replacement(text.slice(at + 2, end), variables, depth);
      at = end + 1;
    } else {
      result += text[at];
      at++;
    }
  }
  return result;
}

function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith("${", at)) {
      open++;
      at++;
    } else if (text[at] === "}" && --open === 0) {
      return at;
    }
  }
  throw new InterpolationError(`"\${" without its "}"; for a plain "\${" write "$\${"`);
}

function replacement(inner: string, variables: Variables, depth: number): string {
  const [, name = "", colon = "", operator = "", word = ""] =
    /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-?+])(.*))?$/s.exec(inner) ?? [];
  if (name === "") {
    throw new InterpolationError(
      `"\${${shorten(inner)}}" is not understood: write \${NAME}, \${NAME:-default} or \${NAME:?message}, or "$\${" for what the shell is to see`,
    );
  }
  const value = variables(name);
  const isSet = value !== undefined && !(colon === ":" && value === "");
  switch (operator) {
    case "-":
      return isSet ? value : interpolate(word, variables, depth + 1);
    case "+":
      return isSet ? interpolate(word, variables, depth + 1) : "";
    case "?":
      if (!isSet) {
        throw new InterpolationError(
          `${name}: ${word === "" ? "is not set" : interpolate(word, variables, depth + 1)}`,
        );
      }
      return value;
    default:
      if (value === undefined) {
        throw new InterpolationError(`the variable ${name} is not set; for an empty default write \${${name}:-}`);
      }
      return value;
  }
}

/** Text of which nothing is replaced. */
export function escapeInterpolation(text: string): string {
  // In a replacement "$$" would be one "$".
  return text.replaceAll("${", () => "$${");
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Environment files, as dotenv, foreman and docker compose write them. */
import { InterpolationError, interpolate, type Variables } from "./interpolate.ts";

export class EnvFileError extends Error {
  override readonly name = "EnvFileError";
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * One NAME=VALUE a line, "export " in front allowed, "#" begins a comment. In
 * single quotes a value is verbatim; in double quotes and without quotes
 * `${NAME:-default}` is replaced, and in double quotes \n, \r, \t, \", \\ and \$
 * are escapes. Quoted values may span lines.
 *
 * @param variables What earlier files and the caller say; the file's own lines come before them.
 * @throws EnvFileError
 */
export function parseEnvFile(text: string, variables: Variables): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const lookUp: Variables = (name) => found.get(name) ?? variables(name);
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    const [, name = "", rest = ""] = /^\s*(?:export\s+)?([^=\s#][^=]*?)\s*=\s*(.*)$/.exec(lines[at] ?? "") ?? [];
    if (name === "") {
      if (!/^\s*(#|$)/.test(lines[at] ?? "")) {
        throw new EnvFileError(line, "a line must be NAME=VALUE");
      }
      continue;
    }
    const quote = rest[0];
    let raw = rest;
    if (quote === '"' || quote === "'") {
      while (closingQuote(raw, quote) === -1) {
        if (++at >= lines.length) {
          throw new EnvFileError(line, `the value of ${name} has no closing ${quote}`);
        }
        raw += `\n${lines[at]}`;
      }
    }
    try {
      found.set(name, unquoted(raw, quote, lookUp));
    } catch (error) {
      throw error instanceof InterpolationError ? new EnvFileError(line, error.message) : error;
    }
  }
  return found;
}

function unquoted(raw: string, quote: string | undefined, variables: Variables): string {
  if (quote === "'") {
    return raw.slice(1, closingQuote(raw, "'"));
  }
  if (quote === '"') {
    const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
    const inner = raw.slice(1, closingQuote(raw, '"'));
    const unescaped = inner.replace(/\\(\$\{|.)/gs, (_, escaped: string) =>
      escaped === "${" ? "$${" : (escapes[escaped] ?? escaped),
    );
    return interpolate(unescaped, variables);
  }
  return interpolate(raw.replace(/(^|\s)#.*$/, "").trimEnd(), variables);
}

function closingQuote(text: string, quote: string): number {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') {
      at++;
    } else if (text[at] === quote) {
      return at;
    }
  }
  return -1;
}

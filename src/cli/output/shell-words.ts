import { sanitize } from "./sanitize.ts";

/** A command line as one would type it, on one line and harmless to print. */
export function shellWords(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) {
    return word;
  }
  return sanitize(word) === word
    ? `'${word.replaceAll("'", "'\\''")}'`
    : `$'${sanitize(word.replaceAll("\\", "\\\\").replaceAll("'", "\\'"))}'`;
}

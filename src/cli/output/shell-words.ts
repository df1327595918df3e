import { escapeBytes, escapeText } from "../../common/escape.ts";

/** A process's command line, as one would type it. */
export function commandText({
  executable,
  args,
}: {
  executable: string | Uint8Array;
  args: readonly (string | Uint8Array)[];
}): string {
  return shellWords([executable, ...args]);
}

/** A command line as one would type it, on one line and harmless to print. */
export function shellWords(words: readonly (string | Uint8Array)[]): string {
  return words.map(quote).join(" ");
}

function quote(given: string | Uint8Array): string {
  const word = typeof given === "string" ? given : escapeBytes(given);
  if (/^[\w@%+=:,./-]+$/.test(word)) {
    return word;
  }
  return escapeText(word) === word
    ? `'${word.replaceAll("'", "'\\''")}'`
    : `$'${escapeText(word.replaceAll("\\", "\\\\").replaceAll("'", "\\'"))}'`;
}

/** The quotes of the text are not closed. */
export class QuoteError extends Error {
  override readonly name = "QuoteError";
}

/**
 * The words of a text as a POSIX shell would split them, without expanding
 * anything: quotes and backslashes as shlex of Python has them.
 *
 * @throws QuoteError
 */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (/\s/.test(character)) {
      if (word !== undefined) {
        words.push(word);
      }
      word = undefined;
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end === -1) {
        throw new QuoteError("no closing quotation mark '");
      }
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      word ??= "";
      for (at++; text[at] !== '"'; at++) {
        if (at >= text.length) {
          throw new QuoteError('no closing quotation mark "');
        }
        // Within double quotes a backslash is one unless it stands before a quotation mark or a backslash.
        if (text[at] === "\\" && (text[at + 1] === '"' || text[at + 1] === "\\")) {
          at++;
        }
        word += text[at];
      }
    } else if (character === "\\") {
      at++;
      if (at >= text.length) {
        throw new QuoteError("a backslash at the end");
      }
      word = (word ?? "") + text[at];
    } else {
      word = (word ?? "") + character;
    }
  }
  return word === undefined ? words : [...words, word];
}

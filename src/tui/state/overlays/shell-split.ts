/**
 * Splits a command line into words as a shell does, with quotes and
 * backslashes but no expansion. Null if a quote is left open.
 */
export function shellSplit(line: string): string[] | null {
  const words: string[] = [];
  let word = "";
  let started = false;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? "";
    if (quote === "'") {
      if (character === "'") {
        quote = "";
      } else {
        word += character;
      }
    } else if (character === "\\") {
      const next = line[i + 1];
      if (next === undefined) {
        return null;
      }
      i++;
      if (next === "\n") {
        // The command goes on in the next line.
        continue;
      }
      // Between double quotes a backslash stands for itself before most characters.
      word += quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next;
      started = true;
    } else if (quote === '"') {
      if (character === '"') {
        quote = "";
      } else {
        word += character;
      }
    } else if (character === "'" || character === '"') {
      quote = character;
      started = true;
    } else if (/\s/.test(character)) {
      if (started) {
        words.push(word);
        word = "";
        started = false;
      }
    } else {
      word += character;
      started = true;
    }
  }
  if (quote !== "") {
    return null;
  }
  return started ? [...words, word] : words;
}

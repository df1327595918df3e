/** One line of text that is being typed. The cursor counts UTF-16 units and stands between characters. */
export interface TextField {
  readonly text: string;
  readonly cursor: number;
}

const LENGTH_LIMIT = 4096;

export function textField(text = ""): TextField {
  return { text, cursor: text.length };
}

function previous(text: string, cursor: number): number {
  const code = text.charCodeAt(cursor - 1);
  return Math.max(0, cursor - (code >= 0xdc00 && code <= 0xdfff ? 2 : 1));
}

function following(text: string, cursor: number): number {
  return Math.min(text.length, cursor + String.fromCodePoint(text.codePointAt(cursor) ?? 0).length);
}

/** Inserts text; line breaks and other control characters become blanks. */
export function insertText(field: TextField, text: string): TextField {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").slice(0, LENGTH_LIMIT - field.text.length);
  return {
    text: field.text.slice(0, field.cursor) + clean + field.text.slice(field.cursor),
    cursor: field.cursor + clean.length,
  };
}

/** What a key does to the field, as in a shell; null if it is none of its keys. */
export function editText(field: TextField, key: string): TextField | null {
  const { text, cursor } = field;
  switch (key) {
    case "left":
    case "ctrl+b":
      return { text, cursor: previous(text, cursor) };
    case "right":
    case "ctrl+f":
      return { text, cursor: following(text, cursor) };
    case "home":
    case "ctrl+a":
      return { text, cursor: 0 };
    case "end":
    case "ctrl+e":
      return { text, cursor: text.length };
    case "backspace": {
      const at = previous(text, cursor);
      return { text: text.slice(0, at) + text.slice(cursor), cursor: at };
    }
    case "delete":
      return { text: text.slice(0, cursor) + text.slice(following(text, cursor)), cursor };
    case "ctrl+u":
      return { text: text.slice(cursor), cursor: 0 };
    case "ctrl+k":
      return { text: text.slice(0, cursor), cursor };
    case "ctrl+w": {
      const at = text.slice(0, cursor).search(/\S+\s*$/);
      const to = at < 0 ? 0 : at;
      return { text: text.slice(0, to) + text.slice(cursor), cursor: to };
    }
    case "space":
      return insertText(field, " ");
  }
  return [...key].length === 1 ? insertText(field, key) : null;
}

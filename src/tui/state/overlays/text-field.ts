/** One line of text that is being typed. The cursor counts UTF-16 units and stands between characters. */
export interface TextField {
  readonly text: string;
  readonly cursor: number;
}

/** What a field takes. */
export interface FieldRules {
  /** UTF-16 units; more is cut. */
  readonly limit: number;
  /** Whether line breaks and tabs stay what they are. */
  readonly breaks: boolean;
}

const ONE_LINE: FieldRules = { limit: 4096, breaks: false };

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const CONTROLS = /[\x00-\x1f\x7f-\x9f]+/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of them but tab and line feed
const CONTROLS_BUT_BREAKS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]+/g;

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

/** Inserts text; control characters become blanks, line breaks too unless they may stay. */
export function insertText(field: TextField, text: string, rules = ONE_LINE): TextField {
  // Terminals paste a line break as a carriage return.
  const plain = rules.breaks
    ? text.replace(/\r\n?/g, "\n").replace(CONTROLS_BUT_BREAKS, " ")
    : text.replace(CONTROLS, " ");
  const clean = plain.slice(0, Math.max(0, rules.limit - field.text.length));
  return {
    text: field.text.slice(0, field.cursor) + clean + field.text.slice(field.cursor),
    cursor: field.cursor + clean.length,
  };
}

/** What a key does to the field, as in a shell; null if it is none of its keys. */
export function editText(field: TextField, key: string, rules = ONE_LINE): TextField | null {
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
      return insertText(field, " ", rules);
  }
  return [...key].length === 1 ? insertText(field, key, rules) : null;
}

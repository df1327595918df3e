/**
 * Text that somebody else chose, made harmless for a terminal: control
 * characters, line separators and the characters that turn the direction of
 * writing are shown as escapes instead of obeyed.
 */
export function sanitize(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter);
}

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return short[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, length: number): string {
  return code.toString(16).padStart(length, "0");
}

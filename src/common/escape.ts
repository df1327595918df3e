/** Text and bytes that somebody else chose, made fit to be shown. */

/** Whether the bytes are UTF-8, so that a text field can carry them unchanged. */
export function isUtf8(bytes: Uint8Array): boolean {
  return decode(bytes) !== undefined;
}

/** The text that the bytes are in UTF-8; undefined if they are not UTF-8. */
export function textOfBytes(bytes: Uint8Array): string | undefined {
  return decode(bytes);
}

/**
 * Bytes as text. Those that are not UTF-8 are shown as `\xHH`, and a backslash before them as `\\`, so that different
 * bytes look different; text that is UTF-8 stays as it is.
 */
export function escapeBytes(bytes: Uint8Array): string {
  const whole = decode(bytes);
  if (whole !== undefined) {
    return whole;
  }
  let shown = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    const text = length === 0 ? undefined : decode(bytes.subarray(at, at + length));
    if (text === undefined) {
      shown += `\\x${hex(bytes[at] ?? 0, 2)}`;
      at += 1;
    } else {
      shown += text === "\\" ? "\\\\" : text;
      at += length;
    }
  }
  return shown;
}

/**
 * Text made harmless for a terminal: control characters, line separators and the characters that turn the direction of
 * writing are shown as escapes instead of obeyed.
 */
export function escapeText(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter);
}

// Fatal: an invalid sequence is an error instead of U+FFFD. ignoreBOM: a byte order mark is a character like any other.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** How long the sequence would be that begins at `at` (RFC 3629, 3); 0 if none begins there. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  return at + length <= bytes.length ? length : 0;
}

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return short[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, length: number): string {
  return code.toString(16).padStart(length, "0");
}

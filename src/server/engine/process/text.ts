import type { Text } from "../api/spec.ts";

/** Bytes that are no UTF-8 as \xHH, for messages and for showing. */
export function show(text: Text): string {
  if (typeof text === "string") return text;
  let shown = "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let at = 0; at < text.length; ) {
    const length = validLength(text, at, decoder);
    if (length === 0) {
      shown += `\\x${(text[at] ?? 0).toString(16).padStart(2, "0")}`;
      at++;
    } else {
      shown += decoder.decode(text.subarray(at, at + length));
      at += length;
    }
  }
  return shown;
}

export function bytesOf(text: Text): Uint8Array {
  return typeof text === "string" ? Buffer.from(text, "utf8") : text;
}

export function isEmpty(text: Text): boolean {
  return text.length === 0;
}

export function hasByte(text: Text, byte: number): boolean {
  return typeof text === "string" ? text.includes(String.fromCharCode(byte)) : text.includes(byte);
}

/** Of the UTF-8 character at `at`; 0: there is none. */
function validLength(bytes: Uint8Array, at: number, decoder: TextDecoder): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

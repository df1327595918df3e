import { sequenceEnds } from "./styled-line.ts";

const decoder = new TextDecoder("latin1");

/**
 * Where the character (UTF-8) or the control sequence begins that the end of
 * the bytes cuts; the length of the data if the end cuts nothing; null: the
 * beginning is not in them.
 */
export function unfinishedAt(data: Uint8Array): number | null {
  const line = data.lastIndexOf(10);
  const begin = data.lastIndexOf(0x1b);
  if (begin > line && !sequenceEnds(decoder.decode(data.subarray(begin)))) {
    return begin;
  }
  const character = cutCharacterAt(data);
  return character < data.length || line >= 0 || begin >= 0 ? character : null;
}

/** Where a character begins whose other bytes are missing at the end; the length of the data: none does. */
export function cutCharacterAt(data: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] ?? 0;
    if ((byte & 0xc0) !== 0x80) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return length > back ? data.length - back : data.length;
    }
  }
  return data.length;
}

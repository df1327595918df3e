/** Terminals limit what they accept, some to 100,000 bytes of base64. */
export const SEQUENCE_BYTES = 74_000;

/**
 * The sequence that puts text on the clipboard of the terminal's own machine,
 * over any number of remote shells (OSC 52,
 * https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Operating-System-Commands).
 * Longer text is cut at its beginning: what is newest is kept.
 */
export function copySequence(text: string): string {
  const bytes = Buffer.from(text);
  return `\x1b]52;c;${bytes.subarray(Math.max(0, bytes.length - SEQUENCE_BYTES)).toString("base64")}\x07`;
}

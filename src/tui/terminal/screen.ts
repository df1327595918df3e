import { Grid } from "./grid.ts";
import { sgr } from "./style.ts";

/** A gap of equal cells up to this long is rewritten rather than jumped over: a jump costs about as many bytes. */
const JUMP = 6;

/**
 * Knows what the terminal shows and says what to write to make it show another
 * grid: the cells that differ, by absolute position, as one synchronized update
 * (mode 2026, https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036;
 * terminals without it ignore it).
 */
export class Screen {
  readonly #color: boolean;
  #shown: Grid | null = null;

  /** Without `color` (NO_COLOR, https://no-color.org) bold, dim, underline and inverse remain. */
  constructor(color: boolean) {
    this.#color = color;
  }

  /** Forgets what the terminal shows: the next update repaints everything. */
  invalidate(): void {
    this.#shown = null;
  }

  /** What to write; "" if nothing differs. */
  update(next: Grid): string {
    let shown = this.#shown;
    let out = "";
    if (!shown || shown.width !== next.width || shown.height !== next.height) {
      shown = new Grid(next.width, next.height);
      this.#shown = shown;
      out = "\x1b[0m\x1b[2J";
    }
    const { width, height } = next;
    const color = this.#color;
    let fg = 0;
    let bg = 0;
    let flags = -1;
    for (let y = 0; y < height; y++) {
      const row = y * width;
      let cursor = -1;
      // Terminals disagree about how wide such graphemes are: after a change to one, write the rest of the row.
      let rest = false;
      for (let x = 0; x < width; x++) {
        const i = row + x;
        if (
          !rest &&
          shown.text[i] === next.text[i] &&
          shown.fg[i] === next.fg[i] &&
          shown.bg[i] === next.bg[i] &&
          shown.flags[i] === next.flags[i]
        ) {
          continue;
        }
        let from = x;
        if (cursor >= 0 && x - cursor <= JUMP) {
          from = cursor;
        } else {
          cursor = -1;
        }
        // The second cell of a wide grapheme is written with the first.
        while (from > 0 && next.text[row + from] === "") {
          from--;
          cursor = -1;
        }
        if (cursor < 0) {
          out += `\x1b[${y + 1};${from + 1}H`;
          cursor = from;
        }
        let k = from;
        while (k <= x) {
          const at = row + k;
          const text = next.text[at] ?? " ";
          const wanted = color ? (next.fg[at] ?? 0) : 0;
          const wantedBg = color ? (next.bg[at] ?? 0) : 0;
          const wantedFlags = next.flags[at] ?? 0;
          if (wanted !== fg || wantedBg !== bg || wantedFlags !== flags) {
            fg = wanted;
            bg = wantedBg;
            flags = wantedFlags;
            out += sgr(fg, bg, flags);
          }
          const wide = k + 1 < width && next.text[at + 1] === "";
          // To some terminals these are one cell wide: what was in the other would stay.
          if (wide && (text.length > 2 || text.includes("\ufe0f"))) {
            out += `  \x1b[${y + 1};${k + 1}H`;
          }
          out += text;
          k += wide ? 2 : 1;
          cursor = k;
          const old = shown.text[at] ?? " ";
          if (text.length > 1 || text > "\u2fff" || old.length > 1 || old > "\u2fff") {
            rest = true;
            cursor = -1;
            if (k <= x) {
              out += `\x1b[${y + 1};${k + 1}H`;
              cursor = k;
            }
          }
        }
        x = k - 1;
      }
      for (let i = row; i < row + width; i++) {
        shown.text[i] = next.text[i] ?? " ";
      }
    }
    shown.fg.set(next.fg);
    shown.bg.set(next.bg);
    shown.flags.set(next.flags);
    return out === "" ? "" : `\x1b[?2026h${out}\x1b[0m\x1b[?2026l`;
  }
}

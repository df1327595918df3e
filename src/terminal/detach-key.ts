/** Modifiers that make it another key: all but Caps Lock and Num Lock; Ctrl is 4. */
const MODIFIERS = 0b111111;
const CTRL = 4;
/** What kitty's protocol says of a key that is let go. */
const RELEASE = "3";

/**
 * Ctrl-] as a control character; in kitty's keyboard protocol and xterm's
 * formatOtherKeys, `CSI 93:alternates ; modifiers:event ; text u`
 * (https://sw.kovidgoyal.net/kitty/keyboard-protocol/#an-overview); and with
 * xterm's modifyOtherKeys, `CSI 27 ; modifiers ; 93 ~`
 * (https://invisible-island.net/xterm/modified-keys.html).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
const KEY = /\x1d|\x1b\[93(?::\d*)*;(\d+)(?::(\d*))?(?:;[\d:]*)?u|\x1b\[27;(\d+);93~/g;
/** What such a sequence may begin with, at the end of what was read. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
const BEGINNING = /\x1b(?:\[(?:9(?:3(?:[:;][\d:;]{0,32})?)?|2(?:7(?:;[\d;]{0,16})?)?)?)?$/;

/** What was typed before the key, and whether it was pressed. */
export interface Typed {
  readonly data: Buffer;
  readonly pressed: boolean;
}

/**
 * Finds Ctrl-], as in telnet, in what is typed, in whatever form the terminal
 * sends it: a program may have switched on a keyboard protocol. The key itself
 * is not passed on, nor is what follows it.
 */
export class DetachKey {
  #held = "";

  /** Whether something is held back that may become the key: call {@link flush} if nothing follows soon. */
  get incomplete(): boolean {
    return this.#held !== "";
  }

  push(data: Uint8Array): Typed {
    // A character for each byte.
    const text = this.#held + Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1");
    this.#held = "";
    let passed = "";
    let from = 0;
    for (const match of text.matchAll(KEY)) {
      const [key, kitty, event, xterm] = match;
      const modifiers = Number(kitty ?? xterm ?? CTRL + 1) - 1;
      if ((modifiers & MODIFIERS) !== CTRL) {
        continue;
      }
      passed += text.slice(from, match.index);
      from = match.index + key.length;
      // Its release is left out as well: whoever pressed it did so elsewhere.
      if (event !== RELEASE) {
        return { data: Buffer.from(passed, "latin1"), pressed: true };
      }
    }
    const rest = text.slice(from);
    this.#held = BEGINNING.exec(rest)?.[0] ?? "";
    passed += rest.slice(0, rest.length - this.#held.length);
    return { data: Buffer.from(passed, "latin1"), pressed: false };
  }

  /** What was held back, and has not become the key. */
  flush(): Buffer {
    const held = Buffer.from(this.#held, "latin1");
    this.#held = "";
    return held;
  }
}

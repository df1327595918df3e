/** One key, named: "j", "G", "up", "ctrl+d", "shift+tab", "enter"; or text that was pasted; or a turn of the wheel. */
export type InputEvent =
  | { readonly type: "key"; readonly key: string }
  | { readonly type: "paste"; readonly text: string }
  | {
      readonly type: "mouse";
      readonly button: "wheel-up" | "wheel-down" | "left";
      readonly x: number;
      readonly y: number;
    };

const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";
/** Of a longer paste the rest is left out. UTF-16 units. */
const PASTE_LIMIT = 1 << 20;
/** A sequence that never ends is given up at this length. UTF-16 units. */
const SEQUENCE_LIMIT = 64;
/** How long to wait for the rest of a sequence before ESC is taken for the key. Milliseconds. */
export const ESCAPE_DELAY = 30;

const FINAL_KEYS: Record<string, string> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
  P: "f1",
  Q: "f2",
  R: "f3",
  S: "f4",
  Z: "shift+tab",
};
const TILDE_KEYS: Record<string, string> = {
  "1": "home",
  "2": "insert",
  "3": "delete",
  "4": "end",
  "5": "pageup",
  "6": "pagedown",
  "7": "home",
  "8": "end",
};

function withModifiers(key: string, parameter: string | undefined): string {
  const bits = Math.max(0, Number(parameter ?? "1") - 1) || 0;
  return `${bits & 4 ? "ctrl+" : ""}${bits & 2 ? "alt+" : ""}${bits & 1 ? "shift+" : ""}${key}`;
}

function controlKey(code: number): string {
  switch (code) {
    case 0x00:
      return "ctrl+space";
    case 0x08:
    case 0x7f:
      return "backspace";
    case 0x09:
      return "tab";
    case 0x0a:
    case 0x0d:
      return "enter";
    case 0x1b:
      return "escape";
    default:
      return `ctrl+${String.fromCharCode(code + 0x60)}`;
  }
}

/**
 * Turns what a terminal sends into keys (ECMA-48 sequences, xterm's modifiers,
 * bracketed paste, SGR mouse). Several keys may come in one piece and one
 * sequence in several.
 */
export class InputDecoder {
  #pending = "";
  /** Within a paste of which enough was taken. */
  #leavesOut = false;

  /** Whether it may be the escape key that was pressed: call {@link flush} if nothing follows within {@link ESCAPE_DELAY}. */
  get incomplete(): boolean {
    return !this.#leavesOut && ["\x1b", "\x1b[", "\x1bO"].includes(this.#pending);
  }

  push(text: string): InputEvent[] {
    const input = this.#pending + text;
    this.#pending = "";
    const events: InputEvent[] = [];
    let i = 0;
    while (i < input.length) {
      if (this.#leavesOut) {
        const end = input.indexOf(PASTE_END, i);
        if (end < 0) {
          // The end may have begun.
          this.#pending = input.slice(Math.max(i, input.length - PASTE_END.length + 1));
          break;
        }
        this.#leavesOut = false;
        i = end + PASTE_END.length;
        continue;
      }
      const code = input.charCodeAt(i);
      if (code !== 0x1b) {
        const character = String.fromCodePoint(input.codePointAt(i) ?? 0xfffd);
        events.push({
          type: "key",
          key: code < 0x20 || code === 0x7f ? controlKey(code) : character === " " ? "space" : character,
        });
        i += character.length;
        continue;
      }
      const used = this.#escape(input, i, events);
      if (used === 0) {
        this.#pending = input.slice(i);
        break;
      }
      i += used;
    }
    return events;
  }

  /** Takes what is pending for keys of its own. */
  flush(): InputEvent[] {
    const pending = this.#pending;
    this.#pending = "";
    const events: InputEvent[] = [];
    if (pending !== "") {
      events.push({ type: "key", key: "escape" });
      events.push(...this.push(pending.slice(1)));
    }
    return events;
  }

  /** Handles the sequence at `start`; returns its length, 0 if it is incomplete. */
  #escape(input: string, start: number, events: InputEvent[]): number {
    if (input.startsWith(PASTE_START, start)) {
      const body = start + PASTE_START.length;
      const end = input.indexOf(PASTE_END, body);
      if (end < 0) {
        if (input.length - body < PASTE_LIMIT) {
          return 0;
        }
        const cut = body + PASTE_LIMIT - PASTE_END.length;
        events.push({ type: "paste", text: input.slice(body, cut) });
        this.#leavesOut = true;
        return cut - start;
      }
      events.push({ type: "paste", text: input.slice(body, Math.min(end, body + PASTE_LIMIT)) });
      return end + PASTE_END.length - start;
    }
    const second = input[start + 1];
    if (second === undefined) {
      return 0;
    }
    if (second === "[" || second === "O") {
      let end = start + 2;
      while (end < input.length && !/[@-~]/.test(input[end] ?? "")) {
        end++;
      }
      if (end >= input.length) {
        if (input.length - start < SEQUENCE_LIMIT) {
          return 0;
        }
        return input.length - start;
      }
      this.#sequence(input.slice(start + 2, end), input[end] ?? "", events);
      return end + 1 - start;
    }
    if (second === "\x1b") {
      events.push({ type: "key", key: "escape" });
      return 1;
    }
    const code = second.charCodeAt(0);
    events.push({ type: "key", key: `alt+${code < 0x20 || code === 0x7f ? controlKey(code) : second}` });
    return 2;
  }

  #sequence(parameters: string, final: string, events: InputEvent[]): void {
    if (parameters.startsWith("<") && (final === "M" || final === "m")) {
      const [button, x, y] = parameters.slice(1).split(";").map(Number);
      const name = button === 64 ? "wheel-up" : button === 65 ? "wheel-down" : button === 0 ? "left" : null;
      // "m" is the release of what was pressed with "M".
      if (final === "M" && name && x && y) {
        events.push({ type: "mouse", button: name, x: x - 1, y: y - 1 });
      }
      return;
    }
    const [first, modifiers] = parameters.split(";");
    const key = final === "~" ? TILDE_KEYS[first ?? ""] : FINAL_KEYS[final];
    if (key) {
      events.push({ type: "key", key: withModifiers(key, modifiers) });
    }
  }
}

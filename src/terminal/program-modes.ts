import { KeyboardFlags } from "./keyboard-flags.ts";
import type { TerminalModes } from "./session.ts";

const [BEL, SO, SI, CAN, SUB, ESC] = [0x07, 0x0e, 0x0f, 0x18, 0x1a, 0x1b];

/**
 * Private modes (`CSI ? n h`, `CSI ? n l`) that outlive the program that sets
 * them, and whether they are on by default: cursor keys, reverse video, origin,
 * automatic wrap, cursor, keypad, mouse and focus reports, alternate screens,
 * bracketed paste, synchronized updates, reports of colour scheme and size
 * (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Functions-using-CSI-_-ordered-by-the-final-character_s_).
 */
const PRIVATE_MODES: ReadonlyMap<number, boolean> = new Map([
  ...[1, 5, 6, 9, 47, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004, 2026, 2031, 2048].map(
    (mode): [number, boolean] => [mode, false],
  ),
  [7, true],
  [25, true],
]);

/** Of these a terminal shows one at a time. */
const ALTERNATE_SCREENS: readonly number[] = [47, 1047, 1049];
/** Of these some terminals have one at a time, and others (VTE) each on its own. */
const MOUSE_TRACKING: readonly number[] = [9, 1000, 1001, 1002, 1003];

/** What DECSC saves besides the cursor's place. */
const SAVED = ["graphics", "charset G0", "charset in use", "restored"];
/** Takes back whatever DECRC brought; most of it is there rarely. */
const RESTORED: Change = { set: "", reset: "\x1b(B\x0f\x1b[0m" };

/** A longer control sequence is none of those that are looked for. Bytes. */
const SEQUENCE_LIMIT = 64;

function join(changes: readonly Change[], part: keyof Change): string {
  return changes.map((change) => change[part]).join("");
}

type ParserState = "ground" | "escape" | "charset" | "intermediate" | "csi" | "string" | "string escape";

/** How something is set, and how it is taken back. */
interface Change {
  readonly set: string;
  readonly reset: string;
}

/**
 * Follows what a program writes to a terminal and knows which of the terminal's
 * modes it has changed: a terminal that is taken away from a program in the
 * middle of its work must not be left in the alternate screen or reporting the
 * mouse to a shell. `leave` takes back just what the program has set, `enter`
 * sets it again; both are empty for a program that only writes text.
 */
export class ProgramModes implements TerminalModes {
  readonly verbatim: boolean;
  readonly #changes = new Map<string, Change>();
  /** Each screen has its own. */
  readonly #keyboard = { main: new KeyboardFlags(), alternate: new KeyboardFlags() };
  #state: ParserState = "ground";
  #sequence = "";

  constructor(verbatim: boolean) {
    this.verbatim = verbatim;
  }

  /** Whether the program shows its alternate screen. */
  get alternateScreen(): boolean {
    return this.#changes.has("screen");
  }

  get enter(): string {
    const { screen, others, saved } = this.#split();
    const [before, within] = this.#keyboards();
    return before.enter + join(screen, "set") + (within?.enter ?? "") + join([...others, ...saved], "set");
  }

  get leave(): string {
    const { screen, others, saved } = this.#split();
    const [after, within] = this.#keyboards();
    // CAN ends a sequence that was cut.
    const cut = this.#state === "ground" ? "" : "\x18";
    return (
      cut + join(others, "reset") + (within?.leave ?? "") + join(screen, "reset") + after.leave + join(saved, "reset")
    );
  }

  /** Takes note of what the program writes, in pieces of any size. */
  feed(data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const byte = data[i] ?? 0;
      if (this.#state !== "ground") {
        this.#step(byte);
      } else if (byte === ESC) {
        this.#state = "escape";
      } else if (byte === SO) {
        this.#set("charset in use", "\x0e", "\x0f");
      } else if (byte === SI) {
        this.#changes.delete("charset in use");
      }
    }
  }

  /**
   * Modes may belong to the alternate screen: they are set while it is shown,
   * and undone before it is left. To leave it is a DECRC.
   */
  #split(): { screen: Change[]; others: Change[]; saved: Change[] } {
    const screen: Change[] = [];
    const others: Change[] = [];
    const saved: Change[] = [];
    for (const [key, change] of this.#changes) {
      (key === "screen" ? screen : SAVED.includes(key) ? saved : others).push(change);
    }
    if (screen.length > 0) {
      saved.push(RESTORED);
    }
    return { screen, others, saved };
  }

  /** That of the main screen, and that of the alternate one while it is shown. */
  #keyboards(): [KeyboardFlags, KeyboardFlags?] {
    const { main, alternate } = this.#keyboard;
    return this.alternateScreen ? [main, alternate] : [main];
  }

  #set(key: string, set: string, reset: string): void {
    this.#changes.delete(key);
    this.#changes.set(key, { set, reset });
  }

  #step(byte: number): void {
    if (byte === CAN || byte === SUB) {
      this.#state = "ground";
      return;
    }
    switch (this.#state) {
      case "escape":
        this.#escape(byte);
        return;
      case "charset":
        this.#charset(byte);
        return;
      case "intermediate":
        if (byte === ESC) {
          this.#state = "escape";
        } else if (byte >= 0x30) {
          this.#state = "ground";
        }
        return;
      case "csi":
        if (byte === ESC) {
          this.#state = "escape";
        } else if (byte >= 0x40 && byte <= 0x7e) {
          this.#state = "ground";
          this.#control(this.#sequence, String.fromCharCode(byte));
        } else if (byte >= 0x20 && this.#sequence.length < SEQUENCE_LIMIT) {
          this.#sequence += String.fromCharCode(byte);
        }
        return;
      case "string":
        if (byte === BEL) {
          this.#state = "ground";
        } else if (byte === ESC) {
          this.#state = "string escape";
        }
        return;
      case "string escape":
        if (byte === 0x5c) {
          this.#state = "ground";
        } else {
          // ESC ends a string, whatever follows it.
          this.#escape(byte);
        }
        return;
    }
  }

  #escape(byte: number): void {
    this.#state = "ground";
    switch (String.fromCharCode(byte)) {
      case "[":
        this.#sequence = "";
        this.#state = "csi";
        return;
      case "]":
      case "P":
      case "X":
      case "^":
      case "_":
        this.#state = "string";
        return;
      case "(":
        this.#state = "charset";
        return;
      case "=":
        this.#set("keypad", "\x1b=", "\x1b>");
        return;
      case ">":
        this.#changes.delete("keypad");
        return;
      case "8":
        this.#changes.set("restored", RESTORED);
        return;
      case "c":
        this.#changes.clear();
        this.#keyboard.main.reset();
        this.#keyboard.alternate.reset();
        return;
      case "\x1b":
        this.#state = "escape";
        return;
    }
    if (byte >= 0x20 && byte <= 0x2f) {
      this.#state = "intermediate";
    }
  }

  #charset(byte: number): void {
    this.#state = "ground";
    const name = String.fromCharCode(byte);
    if (name === "B") {
      this.#changes.delete("charset G0");
    } else if (name > " " && name <= "~") {
      this.#set("charset G0", `\x1b(${name}`, "\x1b(B");
    }
  }

  #control(parameters: string, final: string): void {
    const sequence = `\x1b[${parameters}${final}`;
    switch (final) {
      case "h":
      case "l":
        this.#mode(parameters, final === "h");
        return;
      case "m":
        if (/^[0-9;:]*$/.test(parameters)) {
          this.#graphics(parameters, sequence);
        } else if (/^>4;[1-9]/.test(parameters)) {
          this.#set("modifyOtherKeys", sequence, "\x1b[>4m");
        } else if (parameters.startsWith(">4")) {
          this.#changes.delete("modifyOtherKeys");
        }
        return;
      case "r":
        if (/^[0-9;]+$/.test(parameters)) {
          // Saved and restored around it: it moves the cursor (DECSTBM).
          this.#set("scroll region", `\x1b7${sequence}\x1b8`, "\x1b7\x1b[r\x1b8");
        } else if (parameters === "") {
          this.#changes.delete("scroll region");
        }
        return;
      case "q":
        if (/^[1-9][0-9]* $/.test(parameters)) {
          this.#set("cursor shape", sequence, "\x1b[0 q");
        } else if (parameters === "0 " || parameters === " ") {
          this.#changes.delete("cursor shape");
        }
        return;
      case "u":
        if (parameters === "") {
          this.#changes.set("restored", RESTORED);
        } else {
          this.#keyboards().at(-1)?.control(parameters);
        }
        return;
    }
  }

  #mode(parameters: string, on: boolean): void {
    const isPrivate = parameters.startsWith("?");
    for (const text of parameters.slice(isPrivate ? 1 : 0).split(";")) {
      const mode = Number(text);
      // Of the others insert mode (IRM) is the one that a shell would suffer from.
      const standard = isPrivate ? PRIVATE_MODES.get(mode) : mode === 4 ? false : undefined;
      const name = `${isPrivate ? "?" : ""}${mode}`;
      const isScreen = isPrivate && ALTERNATE_SCREENS.includes(mode);
      const key = isScreen ? "screen" : name;
      if (standard === on) {
        if (this.#changes.delete(key) && isScreen) {
          this.#changes.set("restored", RESTORED);
        }
        if (isPrivate && MOUSE_TRACKING.includes(mode)) {
          this.#endMouseTracking();
        }
      } else if (standard !== undefined) {
        this.#set(key, `\x1b[${name}${on ? "h" : "l"}`, `\x1b[${name}${on ? "l" : "h"}`);
      }
    }
  }

  /** Where there is one at a time, none is left on; the others may be on elsewhere, and are still to be reset. */
  #endMouseTracking(): void {
    for (const mode of MOUSE_TRACKING) {
      const change = this.#changes.get(`?${mode}`);
      if (change) {
        this.#changes.set(`?${mode}`, { ...change, set: "" });
      }
    }
  }

  #graphics(parameters: string, sequence: string): void {
    if (parameters === "" || /^[0;]+$/.test(parameters)) {
      this.#changes.delete("graphics");
    } else {
      // Only the last one: enough to know that there is something to take back.
      this.#set("graphics", sequence, "\x1b[0m");
    }
  }
}

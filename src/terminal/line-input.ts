import stringWidth from "string-width";

/** What comes of what is typed. */
export interface LineInputEvents {
  /** Shows something on the terminal. */
  readonly echo: (text: string) => void;
  /** A line is finished; its newline is part of it. */
  readonly line: (text: string) => void;
  /** Ctrl-D on an empty line: there will be no more. */
  readonly end: () => void;
  /** Ctrl-C. */
  readonly interrupt: () => void;
  /** Ctrl-Z. */
  readonly suspend: () => void;
}

/** A longer line is not taken, and the terminal rings, as with the kernel's limit of 4095 (termios(3), `IMAXBEL`). UTF-16 units. */
const LINE_LIMIT = 64 << 10;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * Lines typed on a terminal in raw mode, as the kernel's own line discipline
 * would take them (termios(3), `ICANON`): echoed, with backspace, Ctrl-U and
 * Ctrl-W to correct them. Sequences of other keys are left out.
 */
export class LineInput {
  readonly #events: LineInputEvents;
  #line = "";
  /** To be shown when all that came at once has been looked at. */
  #echo = "";
  /** Within a sequence that begins with ESC. */
  #escape: "" | "begun" | "csi" = "";

  constructor(events: LineInputEvents) {
    this.#events = events;
  }

  type(text: string): void {
    for (const character of text) {
      if (this.#escape !== "") {
        this.#skip(character);
      } else {
        this.#character(character);
      }
    }
    this.#show();
  }

  #show(): void {
    if (this.#echo !== "") {
      this.#events.echo(this.#echo);
      this.#echo = "";
    }
  }

  #character(character: string): void {
    switch (character) {
      case "\r":
      case "\n": {
        const line = `${this.#line}\n`;
        this.#line = "";
        this.#echo += "\r\n";
        this.#events.line(line);
        return;
      }
      case "\x7f":
      case "\b":
        this.#erase([...segmenter.segment(this.#line)].at(-1)?.index ?? 0);
        return;
      case "\x15":
        this.#erase(0);
        return;
      case "\x17":
        this.#erase(this.#line.search(/\S+\s*$/));
        return;
      case "\x03":
        this.#events.interrupt();
        return;
      case "\x04":
        // A line that has begun is passed on as it is (termios(3), VEOF).
        if (this.#line === "") {
          this.#events.end();
        } else {
          this.#events.line(this.#line);
          this.#line = "";
        }
        return;
      case "\x1a":
        this.#show();
        this.#events.suspend();
        return;
      case "\x1b":
        this.#escape = "begun";
        return;
    }
    if (this.#line.length >= LINE_LIMIT) {
      this.#echo += "\x07";
    } else if (character >= " " || character === "\t") {
      this.#line += character;
      this.#echo += character === "\t" ? " " : character;
    }
  }

  #erase(from: number): void {
    const kept = Math.max(0, from);
    const cells = stringWidth(this.#line.slice(kept).replaceAll("\t", " "));
    this.#line = this.#line.slice(0, kept);
    this.#echo += "\b \b".repeat(cells);
  }

  /** Leaves out what an arrow or a function key sends. A control character is none of it: it ends what ESC began. */
  #skip(character: string): void {
    if (character < " " || character === "\x7f") {
      this.#escape = "";
      this.#character(character);
    } else if (this.#escape === "begun") {
      this.#escape = character === "[" || character === "O" ? "csi" : "";
    } else if (character >= "@" && character <= "~") {
      this.#escape = "";
    }
  }
}

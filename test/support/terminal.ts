import { spawn } from "@lydell/node-pty";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless from "@xterm/headless";

const LIMIT_MS = 90_000;

/** One cell of the screen. */
export interface ScreenCell {
  readonly text: string;
  readonly width: number;
  readonly foreground: number | null;
  readonly background: number | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
  readonly underline: boolean;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program in a pseudo-terminal, with an emulator that knows every cell. */
export class TestTerminal {
  readonly #pty: ReturnType<typeof spawn>;
  readonly #emulator: InstanceType<typeof headless.Terminal>;
  readonly #listeners = new Set<() => void>();
  readonly exited: Promise<{ code: number; signal: number }>;
  /** Everything that the program wrote, newest last, at most 1 MiB. */
  raw = "";
  /** Bytes that the program wrote. */
  bytes = 0;
  /** Synchronized updates (mode 2026) that the program wrote. */
  updates = 0;
  /** Modes that were set (true) or reset (false), as "?1049". */
  readonly modes = new Map<string, boolean>();
  #ended = false;

  constructor(file: string, args: readonly string[], options: TerminalOptions = {}) {
    const { columns = 160, rows = 45 } = options;
    this.#emulator = new headless.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 100 });
    this.#emulator.loadAddon(new Unicode11Addon());
    this.#emulator.unicode.activeVersion = "11";
    this.#pty = spawn(file, [...args], {
      cols: columns,
      rows,
      cwd: options.cwd ?? process.cwd(),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: process.env["HOME"] ?? "/",
        TERM: "xterm-256color",
        ...options.env,
      },
      encoding: null,
    });
    this.#pty.onData((data) => {
      const chunk = Buffer.from(data as unknown as Uint8Array);
      this.bytes += chunk.length;
      const text = chunk.toString("latin1");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC
      for (const match of text.matchAll(/\x1b\[(\?\d+)([hl])/g)) {
        this.modes.set(match[1] ?? "", match[2] === "h");
        this.updates += match[0] === "\x1b[?2026h" ? 1 : 0;
      }
      this.raw = (this.raw + text).slice(-(1 << 20));
      this.#emulator.write(chunk, () => this.#notify());
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.#ended = true;
        // The emulator takes its time: what the program wrote last is to be seen by who waited for its end.
        this.#emulator.write("", () => {
          resolve({ code: exitCode, signal: signal ?? 0 });
          this.#notify();
        });
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  get columns(): number {
    return this.#emulator.cols;
  }

  get rows(): number {
    return this.#emulator.rows;
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#emulator.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** The text of one row, without blanks at its end. */
  row(y: number): string {
    const { active } = this.#emulator.buffer;
    return (
      active
        .getLine(active.viewportY + y)
        ?.translateToString(true, 0, this.columns)
        .trimEnd() ?? ""
    );
  }

  /** The screen as text. */
  text(): string {
    return Array.from({ length: this.rows }, (_, y) => this.row(y)).join("\n");
  }

  cell(x: number, y: number): ScreenCell {
    const { active } = this.#emulator.buffer;
    const cell = active.getLine(active.viewportY + y)?.getCell(x);
    return {
      text: cell?.getChars() ?? "",
      width: cell?.getWidth() ?? 0,
      foreground: cell && !cell.isFgDefault() ? cell.getFgColor() : null,
      background: cell && !cell.isBgDefault() ? cell.getBgColor() : null,
      bold: Boolean(cell?.isBold()),
      dim: Boolean(cell?.isDim()),
      inverse: Boolean(cell?.isInverse()),
      underline: Boolean(cell?.isUnderline()),
    };
  }

  /** Whether the alternate screen is on. */
  get alternate(): boolean {
    return this.#emulator.buffer.active.type === "alternate";
  }

  /** Every cell, for comparisons. */
  cells(): string {
    const rows: string[] = [];
    for (let y = 0; y < this.rows; y++) {
      let row = "";
      for (let x = 0; x < this.columns; x++) {
        const { text, foreground, background, bold, dim, inverse, underline } = this.cell(x, y);
        row += `${text || " "}/${foreground}/${background}/${+bold}${+dim}${+inverse}${+underline};`;
      }
      rows.push(row);
    }
    return rows.join("\n");
  }

  /** Resolves when the screen fits; fails with what it shows instead. */
  async until(description: string, condition: (terminal: TestTerminal) => boolean, limitMs = LIMIT_MS): Promise<void> {
    if (condition(this)) {
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(check);
        reject(
          new Error(
            `not within ${limitMs} ms: ${description}. The screen${this.#ended ? " (the program has ended)" : ""}:\n${this.text()}`,
          ),
        );
      }, limitMs);
      const check = (): void => {
        if (condition(this)) {
          clearTimeout(timer);
          this.#listeners.delete(check);
          resolve();
        }
      };
      this.#listeners.add(check);
    });
  }

  /** Resolves when the screen shows the text. */
  shows(text: string | RegExp, limitMs = LIMIT_MS): Promise<void> {
    return this.until(
      `shows ${text}`,
      () => (typeof text === "string" ? this.text().includes(text) : text.test(this.text())),
      limitMs,
    );
  }

  /** Resolves when the screen does not show the text. */
  hides(text: string, limitMs = LIMIT_MS): Promise<void> {
    return this.until(`hides ${text}`, () => !this.text().includes(text), limitMs);
  }

  /** Resolves when nothing was written for so long. */
  async quiet(milliseconds: number): Promise<void> {
    for (let before = -1; before !== this.bytes; ) {
      before = this.bytes;
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.#pty.pid, signal);
  }

  /** Closes the terminal under the program, as when its window is closed. */
  async hangUp(): Promise<void> {
    // Not in the declared interface.
    (this.#pty as unknown as { destroy(): void }).destroy();
    await this.exited;
  }

  /** Ends the program if it still runs. */
  async close(): Promise<void> {
    if (!this.#ended) {
      this.#pty.kill("SIGKILL");
      await this.exited;
    }
    this.#emulator.dispose();
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }
}

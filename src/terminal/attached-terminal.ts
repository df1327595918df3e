import type { TerminalSize } from "./program-size.ts";
import { terminalSize } from "./size.ts";

/** The terminal that is attached. */
export interface AttachedTerminal {
  readonly size: TerminalSize;
  /** Resolves when the terminal has taken it. */
  write(data: Uint8Array): Promise<void>;
  /** Tells the user something. */
  notify(text: string): void;
  /** Stops pm as Ctrl-Z does. */
  suspend(): void;
}

/** Whoever has pm's own terminal, standard input and output. */
export interface TerminalOwner {
  /** Writes bytes as they are; resolves when the terminal has taken them. */
  send(data: Uint8Array): Promise<void>;
  /** Stops pm as Ctrl-Z does. */
  suspend(): void;
}

/** pm's own terminal, to be attached. */
export function standardTerminal(owner: TerminalOwner): AttachedTerminal {
  return {
    get size() {
      return terminalSize();
    },
    write: (data) => owner.send(data),
    notify: (text) => void owner.send(Buffer.from(`\r\n\x1b[0m[pm: ${text}]\r\n`)),
    suspend: () => owner.suspend(),
  };
}

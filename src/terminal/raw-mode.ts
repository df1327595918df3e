import { spawnSync } from "node:child_process";
import type { ReadStream } from "node:tty";

/**
 * Hands every key to the program: no echo, no line editing, no signals of the
 * keyboard. Node.js leaves the terminal to turn each newline that is written
 * into CR LF (`ONLCR`, termios(3)); with `verbatim` it does not, as a program
 * that places its cursor relies on. Throws if the terminal is gone.
 */
export function enterRawMode(terminal: ReadStream, verbatim: boolean): void {
  terminal.setRawMode(true);
  if (verbatim) {
    // Node.js has no call for it. Without stty newlines are the only loss.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }
}

/** Gives the terminal back as it was before {@link enterRawMode}. */
export function leaveRawMode(terminal: ReadStream): void {
  try {
    terminal.setRawMode(false);
  } catch {
    // The terminal is gone: nothing to give back.
  }
}

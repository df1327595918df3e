import type { TerminalModes } from "../../terminal/session.ts";

const MOUSE_ON = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF = "\x1b[?1006l\x1b[?1000l";

/** The alternate screen without automatic wrap and cursor, with bracketed paste. */
export function screenModes(mouse: boolean): TerminalModes {
  return {
    enter: `\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h${mouse ? MOUSE_ON : ""}\x1b[0m\x1b[2J\x1b[H`,
    // CAN (0x18) first: it ends a sequence that an interrupted write left half sent. What is on the alternate screen is
    // erased: tmux, enlarged meanwhile, leaves rows of it on the main screen otherwise.
    leave: `\x18\x1b[?2026l${mouse ? MOUSE_OFF : ""}\x1b[?2004l\x1b[0m\x1b[2J\x1b[H\x1b[?7h\x1b[?25h\x1b[?1049l`,
    verbatim: false,
  };
}

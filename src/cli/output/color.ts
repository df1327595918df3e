/** Color on standard output. */
import type { Caller } from "../caller.ts";
import type { Globals } from "../globals.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "magenta" | "cyan" | "blue";

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

export type Paint = (style: Style, text: string) => string;

const plain: Paint = (_style, text) => text;
const ansi: Paint = (style, text) => `\x1b[${codes[style][0]}m${text}\x1b[${codes[style][1]}m`;

/** How to color what is written to standard output. NO_COLOR: https://no-color.org */
export function painter({ env, terminal }: Caller, { color = "auto" }: Partial<Pick<Globals, "color">>): Paint {
  if (color !== "auto") {
    return color === "always" ? ansi : plain;
  }
  const { NO_COLOR, TERM } = env;
  return (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb" && terminal.stdout ? ansi : plain;
}

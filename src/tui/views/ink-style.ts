import type { TextProps } from "ink";
import { BOLD, DIM, INVERSE, type Style, UNDERLINE } from "../terminal/style.ts";

const NAMES = [
  "black",
  "red",
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "white",
  "blackBright",
  "redBright",
  "greenBright",
  "yellowBright",
  "blueBright",
  "magentaBright",
  "cyanBright",
  "whiteBright",
];

/** A style of the theme as properties of Ink's `Text`. */
export function ink(style: Style): TextProps {
  const color = style.fg === 0 ? undefined : NAMES[style.fg & 255];
  return {
    ...(color && { color: color }),
    bold: (style.flags & BOLD) !== 0,
    dimColor: (style.flags & DIM) !== 0,
    inverse: (style.flags & INVERSE) !== 0,
    underline: (style.flags & UNDERLINE) !== 0,
  };
}

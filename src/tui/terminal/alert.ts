import { plainText } from "./styled-line.ts";

/** Characters of a notification: some systems show no more, some refuse more. */
const CHARACTERS = 200;

/** What makes a terminal ring or show a notification (OSC 9, https://iterm2.com/documentation-escape-codes.html); "" for none. */
export function alertSequence(alert: "none" | "bell" | "notification", text: string): string {
  switch (alert) {
    case "none":
      return "";
    case "bell":
      return "\x07";
    case "notification":
      return `\x1b]9;${plainText(text).slice(0, CHARACTERS)}\x07`;
  }
}

import { Text } from "ink";
import type { ReactNode } from "react";
import type { TextField } from "../store/text-field.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** A line of text with its cursor; what is around the cursor is shown when it is too long. */
export function Field({
  field,
  width,
  theme,
  focused,
}: {
  field: TextField;
  width: number;
  theme: Theme;
  focused: boolean;
}): ReactNode {
  const { text, cursor } = field;
  if (!focused) {
    return <Text wrap="truncate">{plainText(text) || " "}</Text>;
  }
  const under = String.fromCodePoint(text.codePointAt(cursor) ?? 0x20);
  const from = Math.max(0, cursor - Math.max(1, width - 2));
  return (
    <Text wrap="truncate">
      {plainText(text.slice(from, cursor))}
      <Text {...ink(theme.selected)}>{under}</Text>
      {plainText(text.slice(cursor + under.length))}
    </Text>
  );
}

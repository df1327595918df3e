import { Text } from "ink";
import type { ReactNode } from "react";
import type { TextField } from "../state/overlays/text-field.ts";
import { fieldWindow } from "../terminal/field-window.ts";
import { visibleText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** A line of text with its cursor; what is around the cursor is shown when it is too long. */
export function Field({
  field,
  width,
  theme,
  focused,
  offered = false,
}: {
  field: TextField;
  width: number;
  theme: Theme;
  focused: boolean;
  /** Whether the next character takes the place of the text. */
  offered?: boolean;
}): ReactNode {
  const { text, cursor } = field;
  if (!focused) {
    return <Text wrap="truncate">{visibleText(text.slice(0, width * 8)) || " "}</Text>;
  }
  const { before, under, after } = fieldWindow(text, cursor, width);
  return (
    <Text wrap="truncate">
      <Text underline={offered}>{before}</Text>
      <Text {...ink(theme.selected)}>{under}</Text>
      {after}
    </Text>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { Rect } from "../terminal/grid.ts";
import { textWidth } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** A framed box over the panes, with a title and a note at the other end of its row. Its keys are in the footer. */
export function Panel({
  rect,
  title,
  note = "",
  theme,
  children,
}: {
  rect: Rect;
  title: string;
  note?: string;
  theme: Theme;
  children: ReactNode;
}): ReactNode {
  const { color } = ink(theme.accent);
  return (
    <Box
      position="absolute"
      marginLeft={rect.x}
      marginTop={rect.y}
      width={rect.width}
      height={rect.height}
      flexDirection="column"
      borderStyle="round"
      {...(color && { borderColor: color })}
      paddingX={1}
      overflow="hidden"
    >
      <Box height={1} flexShrink={0} justifyContent="space-between">
        <Text {...ink(theme.title)} wrap="truncate">
          {title}
        </Text>
        {rect.width - 4 > textWidth(title) + note.length + 1 ? <Text {...ink(theme.faint)}>{note}</Text> : null}
      </Box>
      {children}
    </Box>
  );
}

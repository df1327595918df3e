import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** A framed box over the panes, with a title above and its keys below. */
export function Panel({
  rect,
  title,
  keys,
  theme,
  children,
}: {
  rect: Rect;
  title: string;
  keys: string;
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
      <Box flexShrink={0} justifyContent="space-between">
        <Text {...ink(theme.title)} wrap="truncate">
          {title}
        </Text>
        {rect.width - 4 > title.length + keys.length + 1 ? <Text {...ink(theme.faint)}>{keys}</Text> : null}
      </Box>
      {children}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { ToastBlock } from "../state/toasts/toast-view.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** Messages above the footer, the newest lowest. */
export function Toasts({
  rect,
  blocks,
  theme,
}: {
  rect: Rect;
  blocks: readonly ToastBlock[];
  theme: Theme;
}): ReactNode {
  return (
    <Box
      position="absolute"
      marginLeft={rect.x}
      marginTop={rect.y}
      width={rect.width}
      height={rect.height}
      flexDirection="column"
      overflow="hidden"
    >
      {blocks.flatMap(({ toast, lines }) =>
        lines.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity than its place
          <Box key={`${toast.id} ${i}`} height={1} flexShrink={0} paddingX={1}>
            <Box width={2} flexShrink={0}>
              <Text {...ink(toast.level === "error" ? theme.bad : theme.good)}>
                {i > 0 ? " " : toast.level === "error" ? "✗" : "✓"}
              </Text>
            </Box>
            <Text wrap="truncate">{line}</Text>
          </Box>
        )),
      )}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { Toast } from "../store/state.ts";
import type { Rect } from "../terminal/grid.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** Short messages above the footer, the newest lowest. */
export function Toasts({ rect, toasts, theme }: { rect: Rect; toasts: readonly Toast[]; theme: Theme }): ReactNode {
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
      {toasts.slice(-rect.height).map((toast) => (
        <Box key={toast.id} height={1} flexShrink={0} paddingX={1}>
          <Box width={2} flexShrink={0}>
            <Text {...ink(toast.level === "error" ? theme.bad : theme.good)}>
              {toast.level === "error" ? "✗" : "✓"}
            </Text>
          </Box>
          <Text wrap="truncate">{plainText(toast.text)}</Text>
        </Box>
      ))}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { LABEL_GAP, type PageLine } from "../state/overlays/labeled-view.ts";
import type { Style } from "../terminal/style.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** Rows of a page: labels in one column, texts in the other; some lines take both. */
export function PageLines({
  lines,
  width,
  label,
  theme,
}: {
  lines: readonly PageLine[];
  width: number;
  /** How the labels of plain lines look. */
  label: Style;
  theme: Theme;
}): ReactNode {
  const looks: Record<PageLine["look"], Style> = {
    heading: theme.strong,
    plain: label,
    good: theme.good,
    warning: theme.warning,
    bad: theme.bad,
  };
  return (
    <Box flexDirection="column" width={width} flexShrink={0}>
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity than its place
        <Box key={i} height={1} flexShrink={0}>
          {line.labelWidth > 0 ? (
            <Box width={line.labelWidth + LABEL_GAP} flexShrink={0}>
              <Text {...ink(looks[line.look])}>{line.label || " "}</Text>
            </Box>
          ) : null}
          <Text {...(line.labelWidth > 0 || line.look === "plain" ? {} : ink(looks[line.look]))} wrap="truncate">
            {line.text || " "}
          </Text>
        </Box>
      ))}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { Palette as PaletteOverlay } from "../state/overlays/overlay.ts";
import { positionText } from "../state/overlays/pager.ts";
import type { PaletteEntry } from "../state/overlays/palette.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

/** Everything that can be done, by typing a part of it. */
export function Palette({
  rect,
  overlay,
  entries,
  theme,
}: {
  rect: Rect;
  overlay: PaletteOverlay;
  entries: readonly PaletteEntry[];
  theme: Theme;
}): ReactNode {
  const rows = Math.max(1, rect.height - 5);
  const from = Math.max(0, Math.min(overlay.index - Math.floor(rows / 2), entries.length - rows));
  const width = rect.width - 4;
  return (
    <Panel rect={rect} title="Commands" note={positionText(from, entries.length, rows)} theme={theme}>
      <Box height={1} flexShrink={0}>
        <Text {...ink(theme.accent)}>{": "}</Text>
        <Field field={overlay.field} width={width - 2} theme={theme} focused />
      </Box>
      <Box height={1} flexShrink={0}>
        <Text {...ink(theme.faint)}>{"─".repeat(Math.max(0, width))}</Text>
      </Box>
      {entries.length === 0 ? <Text {...ink(theme.faint)}>Nothing fits</Text> : null}
      {entries.slice(from, from + rows).map((entry, i) => {
        const selected = from + i === overlay.index;
        return (
          <Box key={entry.label} height={1} flexShrink={0} justifyContent="space-between" gap={2}>
            <Text {...(selected ? ink(theme.selected) : {})} wrap="truncate">{` ${entry.label} `}</Text>
            <Text {...ink(theme.accent)}>{entry.hint}</Text>
          </Box>
        );
      })}
    </Panel>
  );
}

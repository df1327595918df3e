import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { ProcessInfo } from "../../sdk/types.ts";
import { confirmLayout, confirmQuestion, confirmVerb, sinceAsked, targetParts } from "../state/overlays/confirm.ts";
import type { Confirmation } from "../state/overlays/overlay.ts";
import { clampScroll, positionText } from "../state/overlays/pager.ts";
import type { TableState } from "../state/table/table.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

/** The keys that answer, in as many words as there is room for. */
function Answers({ verb, width, theme }: { verb: string; width: number; theme: Theme }): ReactNode {
  const roomy = width >= `y ${verb}   n cancel`.length;
  return (
    <Box height={1} flexShrink={0} gap={roomy ? 3 : 2}>
      <Text>
        <Text {...ink(theme.accent)}>y</Text> {verb}
      </Text>
      <Text>
        <Text {...ink(theme.accent)}>n</Text> {roomy ? "leave it" : "no"}
      </Text>
    </Box>
  );
}

/** One of those that it is about: named by its id, whatever has happened since. */
function Target({ process, table, theme }: { process: ProcessInfo; table: TableState; theme: Theme }): ReactNode {
  const { label, id, command } = targetParts(process);
  const news = sinceAsked(process, table);
  return (
    <Box height={1} flexShrink={0}>
      <Text wrap="truncate">
        <Text {...ink(theme.strong)}>{label}</Text>
        <Text {...ink(theme.accent)}>{`  ${id}`}</Text>
        {news === "" ? null : <Text {...ink(theme.warning)}>{`  ${news}`}</Text>}
        <Text {...ink(theme.faint)}>{`  ${command}`}</Text>
      </Text>
    </Box>
  );
}

/** Asks before something is ended or lost, and names what: all of it, by scrolling where there is no room. */
export function Confirm({
  rect,
  overlay,
  table,
  theme,
}: {
  rect: Rect;
  overlay: Confirmation;
  table: TableState;
  theme: Theme;
}): ReactNode {
  const { targets } = overlay;
  const { rows, notes, keys, blank } = confirmLayout(overlay, rect);
  const from = clampScroll(overlay.scroll, targets.length, rows);
  const position = rows > 0 ? positionText(from, targets.length, rows) : "";
  return (
    <Panel rect={rect} title={confirmQuestion(overlay)} note={position} theme={theme}>
      {targets.slice(from, from + rows).map((process) => (
        <Target key={process.id} process={process} table={table} theme={theme} />
      ))}
      {notes.map((note) => (
        <Box key={note} height={1} flexShrink={0}>
          <Text {...ink(theme.warning)} wrap="truncate">
            {note}
          </Text>
        </Box>
      ))}
      {blank ? <Box height={1} flexShrink={0} /> : null}
      {keys ? <Answers verb={confirmVerb(overlay.action).toLowerCase()} width={rect.width - 4} theme={theme} /> : null}
    </Panel>
  );
}

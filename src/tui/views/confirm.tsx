import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { commandLine } from "../store/process-filter.ts";
import { processLabel } from "../store/selection.ts";
import type { ConfirmedAction, Overlay } from "../store/state.ts";
import type { Rect } from "../terminal/grid.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

const WORDS: Record<ConfirmedAction, { verb: string; meaning: string }> = {
  stop: { verb: "Stop", meaning: "The stop signal, and the grace period to end in" },
  kill: { verb: "Kill", meaning: "The whole tree ends at once, unsaved work is lost" },
  restart: { verb: "Restart", meaning: "It is stopped, then a new run begins" },
  remove: { verb: "Remove", meaning: "It is forgotten, and its output is gone" },
};

/** Asks before something is ended or lost, and names what. */
export function Confirm({
  rect,
  overlay,
  theme,
}: {
  rect: Rect;
  overlay: Extract<Overlay, { kind: "confirm" }>;
  theme: Theme;
}): ReactNode {
  const { verb, meaning } = WORDS[overlay.action];
  const { targets } = overlay;
  const [first] = targets;
  const title =
    targets.length === 1 && first
      ? `${verb} ${plainText(processLabel(first))}?`
      : `${verb} ${targets.length} processes?`;
  const shown = targets.slice(0, 6);
  return (
    <Panel rect={rect} title={title} keys="" theme={theme}>
      {shown.map((process, i) => (
        <Box key={process.id} height={1} flexShrink={0} gap={2}>
          {targets.length > 6 && i === 5 ? (
            <Text {...ink(theme.faint)}>{`and ${targets.length - 5} more`}</Text>
          ) : (
            <>
              <Text {...ink(theme.strong)}>{plainText(processLabel(process))}</Text>
              <Text {...ink(theme.faint)} wrap="truncate">
                {plainText(commandLine(process))}
              </Text>
            </>
          )}
        </Box>
      ))}
      <Box height={1} flexShrink={0}>
        <Text {...ink(theme.warning)} wrap="truncate">
          {meaning}
        </Text>
      </Box>
      <Box height={1} flexShrink={0} marginTop={1} gap={3}>
        <Text>
          <Text {...ink(theme.accent)}>y</Text> {verb.toLowerCase()}
        </Text>
        <Text>
          <Text {...ink(theme.accent)}>n</Text> leave it
        </Text>
      </Box>
    </Panel>
  );
}

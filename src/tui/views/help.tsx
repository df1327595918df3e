import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { KEY_MAP, type KeyGroup, keyName } from "../keys/keymap.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

const LEFT: readonly KeyGroup[] = ["Move", "Panes", "General"];
const RIGHT: readonly KeyGroup[] = ["Log", "Processes"];

type Line = { readonly heading: string } | { readonly keys: string; readonly text: string } | null;

function linesOf(groups: readonly KeyGroup[]): Line[] {
  return groups.flatMap((group, i): Line[] => [
    ...(i > 0 ? [null] : []),
    { heading: group },
    ...KEY_MAP.filter((binding) => binding.group === group).map(({ keys, description }) => ({
      keys: keys.map(keyName).join(" "),
      text: description,
    })),
  ]);
}

function Column({ lines, theme, width }: { lines: readonly Line[]; theme: Theme; width: number }): ReactNode {
  return (
    <Box flexDirection="column" width={width} flexShrink={0}>
      {lines.map((line, i) => {
        const key = line === null ? `blank ${i}` : "heading" in line ? line.heading : line.text;
        return (
          <Box key={key} height={1} flexShrink={0}>
            {line === null ? (
              <Text> </Text>
            ) : "heading" in line ? (
              <Text {...ink(theme.strong)}>{line.heading}</Text>
            ) : (
              <>
                <Box width={13} flexShrink={0}>
                  <Text {...ink(theme.accent)} wrap="truncate">
                    {line.keys}
                  </Text>
                </Box>
                <Text wrap="truncate">{line.text}</Text>
              </>
            )}
          </Box>
        );
      })}
    </Box>
  );
}

/** The key map, in two columns where there is room. */
export function Help({ rect, scroll, theme }: { rect: Rect; scroll: number; theme: Theme }): ReactNode {
  const inner = rect.width - 4;
  const rows = rect.height - 4;
  const columns =
    inner >= 84 ? [linesOf(LEFT), linesOf(RIGHT)] : [[...linesOf(LEFT), null, ...linesOf(RIGHT)] satisfies Line[]];
  const longest = Math.max(...columns.map((lines) => lines.length));
  const from = Math.max(0, Math.min(scroll, longest - rows));
  const more = longest > rows ? "j k scroll · " : "";
  return (
    <Panel rect={rect} title="Keys" keys={`${more}? q Esc close`} theme={theme}>
      <Box marginTop={1} gap={2}>
        {columns.map((lines, i) => (
          <Column
            key={i === 0 ? "left" : "right"}
            lines={lines.slice(from, from + rows)}
            theme={theme}
            width={columns.length > 1 ? Math.floor((inner - 2) / 2) : inner}
          />
        ))}
      </Box>
    </Panel>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { type Overlay, START_FIELDS, type StartField } from "../store/state.ts";
import type { Rect } from "../terminal/grid.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

const LABELS: Record<StartField, { label: string; hint: string }> = {
  command: { label: "Command", hint: "no shell is involved: quotes, but no $ or *" },
  cwd: { label: "Directory", hint: "absolute; empty: the daemon user's home" },
  env: { label: "Environment", hint: "NAME=VALUE, separated by blanks; laid over the daemon's" },
  name: { label: "Name", hint: "optional; letters, digits, . _ -" },
};

/** What to start. */
export function StartForm({
  rect,
  overlay,
  theme,
}: {
  rect: Rect;
  overlay: Extract<Overlay, { kind: "start" }>;
  theme: Theme;
}): ReactNode {
  const small = rect.height < 17;
  return (
    <Panel rect={rect} title="Start a process" keys="Tab next · Enter starts · Esc closes" theme={theme}>
      {START_FIELDS.map((name) => {
        const { label, hint } = LABELS[name];
        const focused = overlay.focus === name;
        return (
          <Box key={name} flexDirection="column" flexShrink={0} marginTop={small ? 0 : 1}>
            <Box height={1} flexShrink={0}>
              <Box width={14} flexShrink={0}>
                <Text {...ink(focused ? theme.title : theme.text)}>{`${focused ? "▸ " : "  "}${label}`}</Text>
              </Box>
              <Field field={overlay.fields[name]} width={rect.width - 19} theme={theme} focused={focused} />
            </Box>
            {small ? null : (
              <Box height={1} flexShrink={0} paddingLeft={14}>
                <Text {...ink(theme.faint)} wrap="truncate">
                  {hint}
                </Text>
              </Box>
            )}
          </Box>
        );
      })}
      <Box marginTop={small ? 0 : 1} height={1} flexShrink={0}>
        <Text {...ink(theme.bad)} wrap="truncate">
          {plainText(overlay.error)}
        </Text>
      </Box>
    </Panel>
  );
}

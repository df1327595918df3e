import { Box, Text } from "ink";
import type { ReactNode } from "react";
import {
  START_FIELDS,
  START_INPUTS,
  type StartField,
  type StartInput,
  type StartForm as StartOverlay,
} from "../state/overlays/overlay.ts";
import { clampScroll } from "../state/overlays/pager.ts";
import { startLayout } from "../state/overlays/start-layout.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

const LABELS: Record<StartField, { label: string; hint: string }> = {
  command: { label: "Command", hint: "no shell is involved: quotes, but no $ or * · Ctrl-P before" },
  cwd: { label: "Directory", hint: "absolute; empty: the daemon user's home" },
  env: { label: "Environment", hint: "NAME=VALUE, separated by blanks; added to the daemon's" },
  name: { label: "Name", hint: "optional; letters, digits, . _ -" },
  input: { label: "Input", hint: "lines: you can send it some · terminal: as large as this one" },
  labels: { label: "Labels", hint: "key=value, separated by blanks" },
};

const LABEL_COLUMNS = 14;

/** The choices beside each other, the chosen one inverted. */
function Choice({ chosen, theme }: { chosen: StartInput; theme: Theme }): ReactNode {
  return (
    <Box gap={1}>
      {START_INPUTS.map((input) => (
        <Text key={input} {...ink(input === chosen ? theme.selected : theme.faint)}>
          {input}
        </Text>
      ))}
    </Box>
  );
}

function Hint({ field, theme }: { field: StartField; theme: Theme }): ReactNode {
  return (
    <Box height={1} flexShrink={0} paddingLeft={LABEL_COLUMNS}>
      <Text {...ink(theme.faint)} wrap="truncate">
        {LABELS[field].hint}
      </Text>
    </Box>
  );
}

/** What to start. */
export function StartForm({ rect, overlay, theme }: { rect: Rect; overlay: StartOverlay; theme: Theme }): ReactNode {
  const { hints, blank, from, to, error, errorRows } = startLayout(overlay, rect);
  const first = clampScroll(overlay.scroll, error.length, errorRows);
  const each = hints === "each";
  return (
    <Panel rect={rect} title={overlay.waiting !== null ? "Starting…" : "Start a process"} theme={theme}>
      {START_FIELDS.slice(from, to).map((name) => {
        const focused = overlay.focus === name;
        return (
          <Box key={name} flexDirection="column" flexShrink={0} marginTop={each ? 1 : 0}>
            <Box height={1} flexShrink={0}>
              <Box width={LABEL_COLUMNS} flexShrink={0}>
                <Text
                  {...ink(focused ? theme.title : theme.text)}
                >{`${focused ? "▸ " : "  "}${LABELS[name].label}`}</Text>
              </Box>
              {name === "input" ? (
                <Choice chosen={overlay.input} theme={theme} />
              ) : (
                <Field
                  field={overlay.fields[name]}
                  width={Math.max(1, rect.width - 4 - LABEL_COLUMNS)}
                  theme={theme}
                  focused={focused}
                />
              )}
            </Box>
            {each ? <Hint field={name} theme={theme} /> : null}
          </Box>
        );
      })}
      {each || blank ? <Box height={1} flexShrink={0} /> : null}
      {hints === "focused" ? <Hint field={overlay.focus} theme={theme} /> : null}
      {error.slice(first, first + errorRows).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity than its place
        <Box key={i} height={1} flexShrink={0}>
          <Text {...ink(theme.bad)} wrap="truncate">
            {line}
          </Text>
        </Box>
      ))}
    </Panel>
  );
}

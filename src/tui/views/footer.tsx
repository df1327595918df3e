import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { KEY_MAP, keyName } from "../keys/keymap.ts";
import type { DashboardState, Pane, Prompt } from "../store/state.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";

const PROMPTS: Record<Prompt["kind"], { label: string; hint: string }> = {
  filter: { label: "filter", hint: "word  !word  ~regex  state:run  key=value" },
  search: { label: "search", hint: "text or ~regex · Enter finds · n N go on" },
  "log-filter": { label: "only lines with", hint: "text or ~regex · + - lines around" },
};

/** The keys that the pane in focus has room for. */
export function footerKeys(pane: Pane, columns: number): readonly { key: string; label: string }[] {
  const candidates = KEY_MAP.flatMap(({ keys, footer }) =>
    footer && (footer.pane === pane || footer.pane === "both") ? [{ key: keyName(keys[0] ?? ""), ...footer }] : [],
  ).sort((a, b) => a.rank - b.rank);
  let room = columns - 2;
  const fitting = candidates.filter(({ key, label }) => {
    room -= key.length + label.length + 3;
    return room >= 0;
  });
  // What matters most stands at the right end, where it is always found.
  return fitting.sort((a, b) => b.rank - a.rank);
}

/** The keys of the pane in focus, or the line that is being typed. */
export function Footer({ state, theme }: { state: DashboardState; theme: Theme }): ReactNode {
  const { prompt } = state;
  if (prompt) {
    const { label, hint } = PROMPTS[prompt.kind];
    const room = Math.max(8, state.columns - label.length - 4);
    return (
      <Box paddingX={1} height={1} justifyContent="space-between">
        <Box>
          <Text {...ink(theme.title)}>{`${label}: `}</Text>
          <Field field={prompt.field} width={room} theme={theme} focused />
        </Box>
        {room > plainText(prompt.field.text).length + hint.length + 8 ? (
          <Text {...ink(theme.faint)}>{hint}</Text>
        ) : null}
      </Box>
    );
  }
  return (
    <Box paddingX={1} height={1} gap={2}>
      {footerKeys(state.focus, state.columns).map(({ key, label }) => (
        <Text key={label} wrap="truncate">
          <Text {...ink(theme.accent)}>{key}</Text>
          {` ${label}`}
        </Text>
      ))}
    </Box>
  );
}

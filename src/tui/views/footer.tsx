import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { KEY_MAP, keyName } from "../keys/keymap.ts";
import { isBrokenPattern } from "../state/log/log-pattern.ts";
import { overlayContext, pageSource } from "../state/overlay-context.ts";
import { type KeyLabel, overlayKeys } from "../state/overlays/overlay-keys.ts";
import { scrolls } from "../state/overlays/pager.ts";
import type { DashboardState, Pane, Prompt } from "../state/state.ts";
import { filterError } from "../state/table/process-filter.ts";
import { textWidth, visibleText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";

const PROMPTS: Record<Prompt["kind"], { label: string; hint: string }> = {
  filter: { label: "filter", hint: "word · !word · ~regex · state:run · key=value · exit:1" },
  search: { label: "search", hint: "text or ~regex · Enter finds · n N go on" },
  "log-filter": { label: "only lines with", hint: "text or ~regex · + - lines around" },
};

/** Blanks between what is typed and the hint, at least. */
const HINT_GAP = 6;

/** The keys that the pane in focus has, those that matter most first. */
function paneKeys(pane: Pane): readonly KeyLabel[] {
  return KEY_MAP.flatMap(({ keys, footer }) => {
    const label = footer?.[pane];
    return label ? [{ key: keyName(keys[0] ?? ""), label, rank: footer.rank }] : [];
  }).sort((a, b) => a.rank - b.rank);
}

/** The keys of what has the keyboard, as many as there is room for. */
export function footerKeys(state: DashboardState): readonly KeyLabel[] {
  const { overlay } = state;
  let room = state.columns - 2;
  const fitting = (
    overlay ? overlayKeys(overlay, scrolls(pageSource(state), overlay, overlayContext(state))) : paneKeys(state.focus)
  ).filter(({ key, label }) => {
    room -= key.length + label.length + 3;
    return room >= 0;
  });
  // Help and the way out stand at the end, as everywhere.
  return overlay ? fitting : [...fitting.slice(2), ...fitting.slice(0, 2)];
}

/** What is wrong with what is typed; null: nothing. */
function promptError({ kind, field: { text } }: Prompt): string | null {
  return kind === "filter" ? filterError(text) : isBrokenPattern(text) ? "not a regular expression (yet)" : null;
}

/** The line that is being typed, with a hint where there is room. */
function PromptLine({ prompt, columns, theme }: { prompt: Prompt; columns: number; theme: Theme }): ReactNode {
  const { label, hint: usual } = PROMPTS[prompt.kind];
  const wrong = promptError(prompt);
  const hint = wrong ?? usual;
  const room = Math.max(8, columns - label.length - 4);
  const hinted = room >= textWidth(visibleText(prompt.field.text)) + hint.length + 2 + HINT_GAP;
  return (
    <Box width={columns} paddingX={1} height={1} justifyContent="space-between">
      <Box flexShrink={0}>
        <Text {...ink(theme.title)}>{`${label}: `}</Text>
        <Field field={prompt.field} width={room} theme={theme} focused />
      </Box>
      {hinted ? <Text {...ink(wrong ? theme.bad : theme.faint)}>{`│ ${hint}`}</Text> : null}
    </Box>
  );
}

/** The keys of what has the keyboard, or the line that is being typed. */
export function Footer({ state, theme }: { state: DashboardState; theme: Theme }): ReactNode {
  if (state.prompt) {
    return <PromptLine prompt={state.prompt} columns={state.columns} theme={theme} />;
  }
  return (
    <Box paddingX={1} height={1} gap={2}>
      {footerKeys(state).map(({ key, label }) => (
        <Text key={`${key} ${label}`} wrap="truncate">
          <Text {...ink(theme.accent)}>{key}</Text>
          {` ${label}`}
        </Text>
      ))}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { FOOTER_GAP, FOOTER_MARGIN, footerKeys } from "../state/footer.ts";
import { isBrokenPattern } from "../state/log/log-pattern.ts";
import type { DashboardState, Prompt } from "../state/state.ts";
import { filterError } from "../state/table/process-filter.ts";
import { textWidth, visibleText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { Field } from "./field.tsx";
import { ink } from "./ink-style.ts";

const PROMPTS: Record<Prompt["kind"], { label: string; hint: string }> = {
  filter: { label: "filter", hint: "word · !word · ~regex · state:run · key=value · exit:1 · Ctrl-P before" },
  search: { label: "search", hint: "text or ~regex · Enter finds · n N go on · ↑ ↓ before" },
  "log-filter": { label: "only lines with", hint: "text or ~regex · + - lines around · ↑ ↓ before" },
};

/** Blanks between what is typed and the hint, at least. */
const HINT_GAP = 6;

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
        <Field field={prompt.field} width={room} theme={theme} focused offered={prompt.offered} />
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
    <Box paddingX={FOOTER_MARGIN} height={1} gap={FOOTER_GAP}>
      {footerKeys(state).map(({ key, label }) => (
        <Text key={`${key} ${label}`} wrap="truncate">
          <Text {...ink(theme.accent)}>{key}</Text>
          {` ${label}`}
        </Text>
      ))}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { connectionErrorLines } from "../state/layout.ts";
import type { DashboardState } from "../state/state.ts";
import {
  SMALLEST,
  type TallyLook,
  tallies,
  tallyLook,
  unseenText,
  usageScope,
  usageSummary,
} from "../state/tallies.ts";
import { type ShownState, STATE_GLYPHS } from "../text/state-glyphs.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** A sign and a number; what is wrong is colored as a whole. */
function Tally({ sign, text, gap, theme }: { sign: ShownState; text: string; gap: string; theme: Theme }): ReactNode {
  const glyph = STATE_GLYPHS[sign];
  const wrong = sign === "failed" || sign === "lost" || sign === "givenUp";
  return (
    <Text>
      <Text {...ink(theme.states[sign])}>{wrong ? `${glyph} ${text}` : glyph}</Text>
      {wrong ? gap : ` ${text}${gap}`}
    </Text>
  );
}

/** How many there are in each state. */
function Tallies({ state, look, theme }: { state: DashboardState; look: TallyLook; theme: Theme }): ReactNode {
  const { words, gap } = look;
  const unseen = unseenText(state, words);
  return (
    <>
      {tallies(state.table.counts).map(({ label, sign, count }, i, all) => (
        <Tally
          key={`${sign} ${label}`}
          sign={sign}
          text={words ? `${count} ${label}` : String(count)}
          gap={i === all.length - 1 && unseen === "" ? "" : " ".repeat(gap)}
          theme={theme}
        />
      ))}
      {unseen === "" ? null : <Text {...ink(theme.banner)}>{unseen}</Text>}
    </>
  );
}

/** Host, daemon and connection; counts by state; what is used. */
export function Header({ state, theme, rows }: { state: DashboardState; theme: Theme; rows: number }): ReactNode {
  const { connection } = state;
  const look = tallyLook(state);
  const [, cpu, , memory] = usageSummary(state.table).split(" ");
  const where = [connection.context, connection.hostname || connection.endpoint].filter(Boolean).join(" · ");
  const seconds = Math.max(0, Math.ceil((connection.retryAt - state.now) / 1000));
  const link =
    connection.phase === "connected" ? (
      <Text {...ink(theme.good)}>● connected</Text>
    ) : connection.phase === "connecting" ? (
      <Text {...ink(theme.warning)}>◌ connecting</Text>
    ) : (
      <Text {...ink(theme.banner)}>{` ✗ disconnected · trying again${seconds > 0 ? ` in ${seconds}s` : ""} `}</Text>
    );
  const usage = (
    <Text wrap="truncate">
      <Text {...ink(theme.faint)}>cpu </Text>
      {cpu}
      <Text {...ink(theme.faint)}> mem </Text>
      {memory}
      <Text {...ink(theme.faint)}>{usageScope(state.table)}</Text>
    </Text>
  );
  return (
    <Box flexDirection="column" height={rows} paddingX={1}>
      <Box height={1} flexShrink={0} justifyContent="space-between" gap={2}>
        <Text wrap="truncate">
          <Text {...ink(theme.title)}>pm</Text>
          {rows === 1 && connection.phase !== "disconnected" ? (
            <>
              {"  "}
              <Tallies state={state} look={SMALLEST} theme={theme} />
              <Text {...ink(theme.strong)}>{` ${where}`}</Text>
            </>
          ) : (
            <Text {...ink(theme.strong)}>{`  ${where}`}</Text>
          )}
          {state.columns >= 100 && connection.version !== "" ? (
            <Text {...ink(theme.faint)}>{`  daemon ${connection.version} · PID ${connection.pid}`}</Text>
          ) : null}
        </Text>
        <Box flexShrink={0}>{link}</Box>
      </Box>
      {connection.phase === "disconnected" ? (
        connectionErrorLines(connection, state.columns)
          .slice(0, rows - 1)
          .map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other identity than its place
            <Box key={i} height={1} flexShrink={0}>
              <Text {...ink(theme.bad)} wrap="truncate">
                {line}
              </Text>
            </Box>
          ))
      ) : rows > 1 ? (
        <Box height={1} flexShrink={0} justifyContent="space-between" gap={look.apart}>
          <Text wrap="truncate">
            <Tallies state={state} look={look} theme={theme} />
          </Text>
          <Box flexShrink={0}>{usage}</Box>
        </Box>
      ) : null}
    </Box>
  );
}

import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { ProcessState } from "../../sdk/types.ts";
import { connectionErrorLines } from "../state/layout.ts";
import type { DashboardState } from "../state/state.ts";
import type { ProcessCounts } from "../state/table/process-counts.ts";
import { formatBytes, formatPercent } from "../text/format.ts";
import { STATE_GLYPHS } from "../text/state-glyphs.ts";
import type { Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";

/** What the header counts, and the state whose sign it has. What is wrong stands before what is over. */
const COUNTED: readonly { readonly label: string; readonly sign: ProcessState; readonly of: Count }[] = [
  { label: "running", sign: "running", of: ({ running }) => running },
  { label: "starting", sign: "starting", of: ({ starting }) => starting },
  { label: "stopping", sign: "stopping", of: ({ stopping }) => stopping },
  { label: "with errors", sign: "failed", of: ({ errors }) => errors },
  { label: "failed", sign: "failed", of: ({ failed }) => failed },
  { label: "lost", sign: "lost", of: ({ lost }) => lost },
  { label: "exited", sign: "exited", of: ({ exited, errors }) => exited - errors },
];

type Count = (counts: ProcessCounts) => number;

/** A sign and a number; what is wrong is colored as a whole. */
function Tally({ sign, text, theme }: { sign: ProcessState; text: string; theme: Theme }): ReactNode {
  const glyph = STATE_GLYPHS[sign];
  const wrong = sign === "failed" || sign === "lost";
  return (
    <Text>
      <Text {...ink(theme.states[sign])}>{wrong ? `${glyph} ${text}` : glyph}</Text>
      {wrong ? "   " : ` ${text}   `}
    </Text>
  );
}

/** Host, daemon and connection; counts by state; what is used. */
export function Header({ state, theme, rows }: { state: DashboardState; theme: Theme; rows: number }): ReactNode {
  const { connection } = state;
  const { counts, usageTotal } = state.table;
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
      {formatPercent(usageTotal.cpuPercent)}
      <Text {...ink(theme.faint)}> mem </Text>
      {formatBytes(usageTotal.residentBytes)}
      {counts.alive <= usageTotal.processes ? null : <Text {...ink(theme.faint)}> in view</Text>}
    </Text>
  );
  return (
    <Box flexDirection="column" height={rows} paddingX={1}>
      <Box height={1} flexShrink={0} justifyContent="space-between" gap={2}>
        <Text wrap="truncate">
          <Text {...ink(theme.title)}>pm</Text>
          <Text {...ink(theme.strong)}>{`  ${where}`}</Text>
          {state.columns >= 100 && connection.version !== "" ? (
            <Text {...ink(theme.faint)}>{`  daemon ${connection.version} · pid ${connection.pid}`}</Text>
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
        <Box height={1} flexShrink={0} justifyContent="space-between" gap={2}>
          <Text wrap="truncate">
            {COUNTED.filter(({ label, of }) => of(counts) > 0 || label === "running").map(({ label, sign, of }) => (
              <Tally key={label} sign={sign} text={`${of(counts)} ${label}`} theme={theme} />
            ))}
          </Text>
          <Box flexShrink={0}>{usage}</Box>
        </Box>
      ) : null}
    </Box>
  );
}

import { Box } from "ink";
import type { ReactNode } from "react";
import { detailsProcess, detailsView } from "../state/overlays/details-view.ts";
import { HELP_GAP, helpColumns } from "../state/overlays/help-view.ts";
import type { PageLine } from "../state/overlays/labeled-view.ts";
import { messageView } from "../state/overlays/message-view.ts";
import type { PageOverlay } from "../state/overlays/overlay.ts";
import { clampScroll, type PageSource, pageRows, pageWidth, positionText } from "../state/overlays/pager.ts";
import { processLabel } from "../state/table/selection.ts";
import type { Rect } from "../terminal/grid.ts";
import type { Style } from "../terminal/style.ts";
import { visibleText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { PageLines } from "./page-lines.tsx";
import { Panel } from "./panel.tsx";

/** What a page is made of. */
interface Content {
  readonly title: string;
  readonly columns: readonly (readonly PageLine[])[];
  readonly columnWidth: number;
  readonly label: Style;
}

function contentOf(source: PageSource, overlay: PageOverlay, width: number, theme: Theme): Content {
  switch (overlay.kind) {
    case "help": {
      const { width: columnWidth, columns } = helpColumns(width);
      return { title: "Keys", columns, columnWidth, label: theme.accent };
    }
    case "details": {
      const process = detailsProcess(source, overlay);
      return {
        title: process ? visibleText(processLabel(process)) : "Details",
        columns: [detailsView(source, overlay, width)],
        columnWidth: width,
        label: theme.faint,
      };
    }
    case "messages":
      return {
        title: "Messages",
        columns: [messageView(source.messages, width)],
        columnWidth: width,
        label: theme.faint,
      };
  }
}

/** Help, details or messages: a page that is read by scrolling. */
export function Page({
  rect,
  overlay,
  source,
  theme,
}: {
  rect: Rect;
  overlay: PageOverlay;
  source: PageSource;
  theme: Theme;
}): ReactNode {
  const { title, columns, columnWidth, label } = contentOf(source, overlay, pageWidth(rect.width), theme);
  const { rows, blank } = pageRows(rect.height);
  const longest = Math.max(...columns.map((lines) => lines.length));
  const from = clampScroll(overlay.scroll, longest, rows);
  return (
    <Panel rect={rect} title={title} note={positionText(from, longest, rows)} theme={theme}>
      <Box marginTop={blank ? 1 : 0} gap={HELP_GAP}>
        {columns.map((lines, i) => (
          <PageLines
            // biome-ignore lint/suspicious/noArrayIndexKey: a column has no other identity than its place
            key={i}
            lines={lines.slice(from, from + rows)}
            width={columnWidth}
            label={label}
            theme={theme}
          />
        ))}
      </Box>
    </Panel>
  );
}

import { Box } from "ink";
import type { ReactNode } from "react";
import type { Layout } from "../state/layout.ts";
import { pageSource, paletteChoices } from "../state/overlay-context.ts";
import { paletteEntries } from "../state/overlays/palette.ts";
import type { DashboardState } from "../state/state.ts";
import { toastBlocks } from "../state/toasts/toast-view.ts";
import type { Theme } from "../themes/themes.ts";
import { Confirm } from "./confirm.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Page } from "./page.tsx";
import { Palette } from "./palette.tsx";
import { StartForm } from "./start-form.tsx";
import { Toasts } from "./toasts.tsx";

function OverlayView({ state, layout, theme }: { state: DashboardState; layout: Layout; theme: Theme }): ReactNode {
  const { overlay } = state;
  const rect = layout.overlay;
  if (!overlay || !rect) {
    return null;
  }
  switch (overlay.kind) {
    case "help":
    case "details":
    case "messages":
      return <Page rect={rect} overlay={overlay} source={pageSource(state)} theme={theme} />;
    case "palette":
      return (
        <Palette
          rect={rect}
          overlay={overlay}
          entries={paletteEntries(overlay.field.text, paletteChoices(state))}
          theme={theme}
        />
      );
    case "confirm":
      return <Confirm rect={rect} overlay={overlay} table={state.table} theme={theme} />;
    case "start":
      return <StartForm rect={rect} overlay={overlay} theme={theme} />;
  }
}

function ToastsView({ state, layout, theme }: { state: DashboardState; layout: Layout; theme: Theme }): ReactNode {
  const rect = layout.toasts;
  return rect ? (
    <Toasts rect={rect} blocks={toastBlocks(state.toasts.shown, state.columns, rect.height)} theme={theme} />
  ) : null;
}

/** Everything around the panes. Their place is left empty: they are painted directly. */
export function Chrome({ state, layout, theme }: { state: DashboardState; layout: Layout; theme: Theme }): ReactNode {
  return (
    <Box width={state.columns} height={state.rows} flexDirection="column" overflow="hidden">
      {layout.header.height > 0 ? (
        <Box height={layout.header.height} flexShrink={0}>
          <Box width={state.columns} flexDirection="column">
            <Header state={state} theme={theme} rows={layout.header.height} />
          </Box>
        </Box>
      ) : null}
      <Box flexGrow={1} />
      {layout.footer.height > 0 ? (
        <Box height={1} flexShrink={0}>
          <Footer state={state} theme={theme} />
        </Box>
      ) : null}
      <OverlayView state={state} layout={layout} theme={theme} />
      <ToastsView state={state} layout={layout} theme={theme} />
    </Box>
  );
}

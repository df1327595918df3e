import { Box } from "ink";
import type { ReactNode } from "react";
import type { Layout } from "../store/layout.ts";
import type { DashboardState } from "../store/state.ts";
import type { Theme } from "../themes/themes.ts";
import { Confirm } from "./confirm.tsx";
import { Details } from "./details.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { Help } from "./help.tsx";
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
      return <Help rect={rect} scroll={overlay.scroll} theme={theme} />;
    case "palette":
      return <Palette rect={rect} overlay={overlay} contexts={state.connection.contexts} theme={theme} />;
    case "confirm":
      return <Confirm rect={rect} overlay={overlay} theme={theme} />;
    case "details":
      return <Details rect={rect} overlay={overlay} state={state} theme={theme} />;
    case "start":
      return <StartForm rect={rect} overlay={overlay} theme={theme} />;
  }
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
      {layout.toasts ? <Toasts rect={layout.toasts} toasts={state.toasts} theme={theme} /> : null}
    </Box>
  );
}

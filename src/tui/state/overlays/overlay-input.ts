import type { InputEvent } from "../../terminal/input.ts";
import { confirmLayout } from "./confirm.ts";
import {
  type Confirmation,
  type Overlay,
  type OverlayEffect,
  type OverlayUpdate,
  onlyOverlay,
  type PageOverlay,
} from "./overlay.ts";
import { type OverlayRoom, type PageSource, pageExtent, scrolled } from "./pager.ts";
import type { PaletteChoices } from "./palette.ts";
import { paletteInput } from "./palette-input.ts";
import { type StartContext, startInput } from "./start-form.ts";

/** What a key for an overlay may depend on, besides the overlay. */
export interface OverlayContext extends OverlayRoom, StartContext {
  readonly source: PageSource;
  readonly choices: PaletteChoices;
}

/** A key or a paste for what lies over the panes. */
export function overlayInput(overlay: Overlay, event: InputEvent, context: OverlayContext): OverlayUpdate {
  const key = event.type === "key" ? event.key : "";
  switch (overlay.kind) {
    case "help":
    case "details":
    case "messages":
      return pageInput(overlay, key, context);
    case "confirm":
      return confirmInput(overlay, key, context);
    case "palette":
    case "start":
      if (key === "escape" || key === "ctrl+c") {
        return onlyOverlay(null);
      }
      return overlay.kind === "palette"
        ? paletteInput(overlay, event, context.choices)
        : startInput(overlay, event, context);
  }
}

/** The key that opens a page closes it, too. */
const OPENED_BY: Record<PageOverlay["kind"], string> = { help: "?", details: "i", messages: "M" };

/** To be read, like a page of less: q leaves it. Ctrl-C means what it means without it. */
function pageInput(overlay: PageOverlay, key: string, { source, rect }: OverlayContext): OverlayUpdate {
  if (key === "ctrl+c") {
    return { ...onlyOverlay(overlay), choice: { kind: "command", command: "quit" } };
  }
  if (["escape", "q", "enter", OPENED_BY[overlay.kind]].includes(key)) {
    return onlyOverlay(null);
  }
  if (overlay.kind === "details" && key === "e") {
    return onlyOverlay({ ...overlay, reveal: !overlay.reveal });
  }
  const { lines, rows } = pageExtent(source, overlay, rect);
  const scroll = scrolled(key, overlay.scroll, lines, rows);
  return onlyOverlay(scroll === null ? overlay : { ...overlay, scroll });
}

function confirmed({ action, targets }: Confirmation): readonly OverlayEffect[] {
  return action === "attach"
    ? targets.map((process) => ({ type: "attach", process }))
    : [{ type: "act", action, targets }];
}

/** Only y does it: Enter is pressed too easily, twice or for something else. */
function confirmInput(overlay: Confirmation, key: string, { body }: OverlayContext): OverlayUpdate {
  if (key === "y") {
    return { ...onlyOverlay(null), effects: confirmed(overlay) };
  }
  if (["n", "N", "q", "escape", "ctrl+c"].includes(key)) {
    return onlyOverlay(null);
  }
  const { rows } = confirmLayout(overlay, body);
  const scroll = scrolled(key, overlay.scroll, overlay.targets.length, rows);
  return onlyOverlay(scroll === null ? overlay : { ...overlay, scroll });
}

import type { Overlay } from "./overlay.ts";

/** A key and a word for what it does. */
export interface KeyLabel {
  readonly key: string;
  readonly label: string;
}

const SCROLL: readonly KeyLabel[] = [
  { key: "j k", label: "scroll" },
  { key: "PgDn", label: "page" },
  { key: "G", label: "end" },
];

/** The keys of what lies over the panes, those that matter most first; `scrolls`: whether there is more than is in view. */
export function overlayKeys(overlay: Overlay, scrolls: boolean): readonly KeyLabel[] {
  const scroll = scrolls ? SCROLL : [];
  switch (overlay.kind) {
    case "help":
      return [{ key: "? q Esc", label: "close" }, ...scroll];
    case "messages":
      return [{ key: "M q Esc", label: "close" }, ...scroll];
    case "details":
      return [
        { key: "i q Esc", label: "close" },
        { key: "e", label: overlay.reveal ? "hide values" : "show values" },
        ...scroll,
      ];
    case "confirm":
      return [{ key: "y", label: overlay.action }, { key: "n", label: "no" }, ...scroll];
    case "palette":
      return [
        { key: "Enter", label: "runs" },
        { key: "Esc", label: "closes" },
        { key: "↑ ↓", label: "choose" },
      ];
    case "start":
      return [
        { key: "Enter", label: "starts" },
        { key: "Esc", label: "closes" },
        { key: "Tab", label: "next" },
        ...(overlay.focus === "input" ? [{ key: "← →", label: "choose" }] : []),
        ...(scrolls ? [{ key: "PgDn", label: "more of the error" }] : []),
      ];
  }
}

import type { ProcessState } from "../../sdk/types.ts";
import { BOLD, DIM, INVERSE, palette, type Style, UNDERLINE } from "../terminal/style.ts";

/**
 * Colors by meaning, from the terminal's own sixteen, so that they suit its
 * background, light or dark. Text is never written in color 0, 7, 8 or 15,
 * which one background or the other swallows: the default color is used, dim
 * for what matters less.
 */
export interface Theme {
  readonly text: Style;
  readonly faint: Style;
  readonly strong: Style;
  /** Titles of the pane in focus, and of overlays. */
  readonly title: Style;
  readonly accent: Style;
  /** The selected row of the pane in focus, and of the other. */
  readonly selected: Style;
  readonly selectedFaint: Style;
  readonly mark: Style;
  readonly good: Style;
  readonly warning: Style;
  readonly bad: Style;
  readonly banner: Style;
  readonly stderr: Style;
  readonly match: Style;
  readonly currentMatch: Style;
  readonly states: Readonly<Record<ProcessState | "suspended", Style>>;
}

function foreground(index: number, flags = 0): Style {
  return { fg: palette(index), bg: 0, flags };
}

function theme(accent: number, good: number, warning: number, bad: number): Theme {
  return {
    text: { fg: 0, bg: 0, flags: 0 },
    faint: { fg: 0, bg: 0, flags: DIM },
    strong: { fg: 0, bg: 0, flags: BOLD },
    title: foreground(accent, BOLD),
    accent: foreground(accent),
    selected: { fg: 0, bg: 0, flags: INVERSE },
    selectedFaint: { fg: 0, bg: 0, flags: BOLD | UNDERLINE },
    mark: foreground(accent, BOLD),
    good: foreground(good),
    warning: foreground(warning),
    bad: foreground(bad, BOLD),
    banner: foreground(bad, BOLD | INVERSE),
    stderr: foreground(bad),
    match: foreground(warning, INVERSE),
    currentMatch: foreground(accent, INVERSE | BOLD),
    states: {
      starting: foreground(accent),
      running: foreground(good),
      stopping: foreground(warning),
      exited: { fg: 0, bg: 0, flags: DIM },
      failed: foreground(bad, BOLD),
      lost: foreground(bad, BOLD),
      waiting: foreground(accent),
      givenUp: foreground(bad, BOLD),
      suspended: foreground(warning),
    },
  };
}

/** The themes by name. "mono" says everything with weight and inversion. */
const THEMES: Readonly<Record<string, Theme>> = {
  ocean: theme(6, 2, 3, 1),
  dusk: theme(5, 4, 3, 1),
  mono: monochrome(),
};

function monochrome(): Theme {
  const plain: Style = { fg: 0, bg: 0, flags: 0 };
  const bold: Style = { fg: 0, bg: 0, flags: BOLD };
  const dim: Style = { fg: 0, bg: 0, flags: DIM };
  const inverse: Style = { fg: 0, bg: 0, flags: INVERSE };
  return {
    text: plain,
    faint: dim,
    strong: bold,
    title: bold,
    accent: bold,
    selected: inverse,
    selectedFaint: { fg: 0, bg: 0, flags: BOLD | UNDERLINE },
    mark: bold,
    good: plain,
    warning: { fg: 0, bg: 0, flags: UNDERLINE },
    bad: bold,
    banner: { fg: 0, bg: 0, flags: BOLD | INVERSE },
    stderr: { fg: 0, bg: 0, flags: BOLD },
    match: inverse,
    currentMatch: { fg: 0, bg: 0, flags: INVERSE | BOLD | UNDERLINE },
    states: {
      starting: plain,
      running: plain,
      stopping: bold,
      exited: dim,
      failed: bold,
      lost: bold,
      waiting: plain,
      givenUp: bold,
      suspended: bold,
    },
  };
}

export const THEME_NAMES: readonly string[] = Object.keys(THEMES);
export const DEFAULT_THEME = "ocean";

export function themeOf(name: string): Theme {
  return THEMES[name] ?? (THEMES[DEFAULT_THEME] as Theme);
}

export function nextThemeName(name: string): string {
  return THEME_NAMES[(THEME_NAMES.indexOf(name) + 1) % THEME_NAMES.length] ?? name;
}

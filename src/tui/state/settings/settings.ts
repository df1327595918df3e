import { COLUMN_KEYS, type ColumnKey, isOptional } from "../table/columns.ts";
import { SORT_KEYS, type SortKey } from "../table/sort.ts";

/** How failures make themselves heard, besides the toast. */
export const ALERTS = ["none", "bell", "notification"] as const;
export type Alert = (typeof ALERTS)[number];

/** Where the log is: as the width suggests, or always so. */
export const LAYOUTS = ["auto", "beside", "below"] as const;
export type PaneLayout = (typeof LAYOUTS)[number];

/** What the dashboard remembers from one time to the next. */
export interface Settings {
  readonly theme: string;
  readonly sort: SortKey;
  /** Whether the order is turned round. */
  readonly reversed: boolean;
  readonly layout: PaneLayout;
  readonly hiddenColumns: readonly ColumnKey[];
  readonly alert: Alert;
}

/** The settings in an object that was read, and what in it is none of them. */
export function readSettings(
  value: Readonly<Record<string, unknown>>,
  themes: readonly string[],
): { readonly settings: Partial<Settings>; readonly wrong: readonly string[] } {
  const isOneOf = (choices: readonly string[]) => (each: unknown) => choices.includes(each as string);
  const checks: Readonly<Record<keyof Settings, (each: unknown) => boolean>> = {
    theme: isOneOf(themes),
    sort: isOneOf(SORT_KEYS),
    reversed: (each) => typeof each === "boolean",
    layout: isOneOf(LAYOUTS),
    hiddenColumns: (each) => Array.isArray(each) && each.every(isOneOf(COLUMN_KEYS.filter(isOptional))),
    alert: isOneOf(ALERTS),
  };
  const known = Object.entries(value).filter(([key]) => Object.hasOwn(checks, key));
  const fits = ([key, each]: [string, unknown]): boolean => checks[key as keyof Settings](each);
  return {
    settings: Object.fromEntries(known.filter(fits)),
    wrong: Object.keys(value).filter((key) => !known.some((entry) => entry[0] === key && fits(entry))),
  };
}

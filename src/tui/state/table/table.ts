import type { ProcessInfo } from "../../../sdk/types.ts";
import { PersistentMap } from "./persistent-map.ts";
import { NO_PROCESSES, type ProcessCounts } from "./process-counts.ts";
import { BEST_MATCH, NO_MATCH, type ProcessMatcher, processMatcher } from "./process-filter.ts";
import { isOver } from "./process-outcome.ts";
import { findRow, fits, type Row, type RowOrder, rowOf, rowOrder } from "./rows.ts";
import { isDescending, SORT_KEYS, type SortKey, usefulSortKeys } from "./sort.ts";
import { NO_USAGE, type Usage, type UsageTotal } from "./usage.ts";

/** The process table. */
export interface TableState {
  readonly processes: PersistentMap<ProcessInfo>;
  readonly counts: ProcessCounts;
  readonly usages: PersistentMap<Usage>;
  readonly usageTotal: UsageTotal;
  /** The total of the sample of which more is to come. */
  readonly incomingUsage: UsageTotal;
  readonly filter: string;
  /** A process that is shown though the filter does not fit it, until the filter changes: it was started meanwhile. */
  readonly pinned: string | null;
  readonly sortKey: SortKey;
  /** Whether the key's usual order is turned round; see {@link largestFirst}. */
  readonly reversed: boolean;
  /** Every process, sorted. */
  readonly rows: readonly Row[];
  /** The ids of those that the filter lets through; see {@link bestFirst}. */
  readonly order: readonly string[];
  /** The selected process. It stays selected wherever it is sorted to. */
  readonly selected: string | null;
  /** Where it is in `order`; where it was, if it is there no longer. */
  readonly index: number;
  /** What was selected before the filter selected something else: selected again when the filter goes, unless another one was chosen. */
  readonly origin: string | null;
  /** Whether the filter hides it: then it is also selected again when it fits again. */
  readonly isOriginHidden: boolean;
  readonly marks: ReadonlySet<string>;
  /** Index of the first row on the screen. */
  readonly top: number;
  /** Whether the first complete list has arrived. */
  readonly loaded: boolean;
  /** The list that a new watch is bringing, until it is whole. */
  readonly incoming: PersistentMap<ProcessInfo> | null;
}

export const EMPTY_TABLE: TableState = {
  processes: new PersistentMap(),
  counts: NO_PROCESSES,
  usages: new PersistentMap(),
  usageTotal: NO_USAGE,
  incomingUsage: NO_USAGE,
  filter: "",
  pinned: null,
  sortKey: "name",
  reversed: false,
  rows: [],
  order: [],
  selected: null,
  index: 0,
  origin: null,
  isOriginHidden: false,
  marks: new Set(),
  top: 0,
  loaded: false,
  incoming: null,
};

/** Whether the largest is on top. */
export function largestFirst({ sortKey, reversed }: TableState): boolean {
  return isDescending(sortKey, reversed);
}

export function tableOrder(table: TableState): RowOrder {
  return rowOrder(largestFirst(table));
}

/**
 * Whether the best matches are on top: sorted by name, as long as the filter has
 * a word in it. Whoever sorts by something else wants to see that.
 */
export function bestFirst({ filter, sortKey, rows }: TableState): boolean {
  return filter !== "" && sortKey === "name" && rows.some(({ rank }) => rank > BEST_MATCH && rank < PINNED);
}

/** The rank of a pinned process that the filter does not fit: below all that it fits. */
const PINNED = Number.MAX_SAFE_INTEGER;

/** What the table shows, and how well it fits; null: everything. */
export function tableMatcher({ filter, pinned }: TableState): ProcessMatcher | null {
  const matcher = processMatcher(filter);
  if (matcher === null || pinned === null) {
    return matcher;
  }
  return (process) => {
    const rank = matcher(process);
    return rank === NO_MATCH && process.id === pinned ? PINNED : rank;
  };
}

/** Shows a process whatever the filter says, and selects it. */
export function pin(table: TableState, id: string): TableState {
  return selectId(rearrange({ ...table, pinned: id }), id);
}

/** The ids of the rows that fit, in the order in which they are shown. */
function orderOf(table: TableState): readonly string[] {
  const ranked = bestFirst(table) ? table.rows.toSorted((a, b) => a.rank - b.rank) : table.rows;
  const order: string[] = [];
  for (const row of ranked) {
    if (fits(row)) {
      order.push(row.id);
    }
  }
  return order;
}

/** Takes sorted rows over, and keeps the selection on its process. */
export function withRows(table: TableState, rows: readonly Row[]): TableState {
  const next = { ...table, rows };
  return reselect({ ...next, order: orderOf(next) });
}

/** Sorts and filters everything anew. */
export function rearrange(table: TableState): TableState {
  const matcher = tableMatcher(table);
  // In the order of before, if it holds them all: what is nearly sorted is sorted in a tenth of the time.
  const known = table.rows.flatMap(({ id }) => table.processes.get(id) ?? []);
  const rows: Row[] = [];
  for (const process of known.length === table.processes.size ? known : table.processes.values()) {
    rows.push(rowOf(process, table.usages.get(process.id), table.sortKey, matcher));
  }
  return withRows(table, rows.sort(tableOrder(table)));
}

/** Where a process is in the order; -1: it is not there, or the filter hides it. */
function placeOf(table: TableState, id: string | null): number {
  const process = id === null ? undefined : table.processes.get(id);
  if (!process) {
    return -1;
  }
  // It is mostly where it was.
  if (table.order[table.index] === process.id) {
    return table.index;
  }
  // Without a filter the order is that of the rows, and in those it can be searched by value.
  return table.filter === "" && table.order.length === table.rows.length
    ? findRow(table.rows, rowOf(process, table.usages.get(process.id), table.sortKey, null), tableOrder(table))
    : table.order.indexOf(process.id);
}

/** Finds the selected process in a new order; if it is gone, what took its place is selected. */
function reselect(table: TableState): TableState {
  const { order, processes, selected } = table;
  const origin = table.origin !== null && processes.has(table.origin) ? table.origin : null;
  const back = table.isOriginHidden ? placeOf(table, origin) : -1;
  if (back >= 0) {
    return { ...table, index: back, selected: origin, ...HERE };
  }
  const place = placeOf(table, selected);
  if (place >= 0) {
    return { ...table, index: place, origin };
  }
  const index = Math.max(0, Math.min(table.index, order.length - 1));
  // Filtered away is not lost: what is selected instead was not chosen.
  const left = origin ?? selected;
  return {
    ...table,
    index,
    selected: order[index] ?? null,
    ...(left !== null && processes.has(left) ? { origin: left, isOriginHidden: true } : HERE),
  };
}

/** Whatever is selected was chosen: there is nothing to go back to. */
const HERE = { origin: null, isOriginHidden: false } as const;

/** Keeps what the filter has selected, as if it had been chosen. */
export function keepSelection(table: TableState): TableState {
  return { ...table, ...HERE };
}

/**
 * Filters, and selects the best match: what was selected if nothing fits
 * better, else the first of the best.
 */
export function setFilter(table: TableState, filter: string): TableState {
  if (filter === table.filter) {
    return table;
  }
  const matcher = processMatcher(filter);
  const ranks = new Map<string, number>();
  const rows = table.rows.map((row) => {
    const process = table.processes.get(row.id);
    const rank = matcher === null || !process ? BEST_MATCH : matcher(process);
    ranks.set(row.id, rank);
    return rank === row.rank ? row : { ...row, rank };
  });
  const next = { ...table, filter, rows, pinned: null };
  const order = orderOf(next);
  const before = table.origin ?? table.selected;
  const best = order.reduce((least, id) => Math.min(least, ranks.get(id) ?? least), Number.POSITIVE_INFINITY);
  if (before !== null && ranks.get(before) === best) {
    return { ...next, order, index: order.indexOf(before), selected: before, ...HERE };
  }
  const meant = namesake(
    order.filter((id) => ranks.get(id) === best),
    table.processes,
  );
  const index = meant === null ? 0 : order.indexOf(meant);
  const known = before !== null && table.processes.has(before);
  return {
    ...next,
    order,
    index,
    selected: order[index] ?? null,
    ...(known ? { origin: before, isOriginHidden: !order.includes(before) } : HERE),
  };
}

/**
 * Of the best matches the first. Where all have one name, that name means the
 * process of it that has not ended, else the one started last, as everywhere.
 */
function namesake(best: readonly string[], processes: TableState["processes"]): string | null {
  const [first = null] = best;
  const known = best.flatMap((id) => processes.get(id) ?? []);
  const name = known[0]?.name;
  if (name === undefined || known.some((process) => process.name !== name)) {
    return first;
  }
  const newest = known.reduce((a, b) => (b.sequence > a.sequence ? b : a));
  return (known.find((process) => !isOver(process)) ?? newest).id;
}

/** Whether the selected process is called just what the filter says. */
export function isExactMatch({ filter, selected, processes }: TableState): boolean {
  const process = selected === null ? undefined : processes.get(selected);
  return process !== undefined && (process.name ?? "").toLowerCase() === filter.trim().toLowerCase();
}

export function setSort(table: TableState, sortKey: SortKey, reversed: boolean): TableState {
  const next = { ...table, sortKey, reversed };
  if (sortKey !== table.sortKey) {
    return rearrange(next);
  }
  return withRows(next, table.rows.toReversed().sort(tableOrder(next)));
}

/** By the next column that tells the processes apart. */
export function nextSort(table: TableState): TableState {
  const useful = usefulSortKeys(table.counts);
  const here = SORT_KEYS.indexOf(table.sortKey);
  const next = useful.find((key) => SORT_KEYS.indexOf(key) > here) ?? "name";
  return setSort(table, next, false);
}

/** Selects by position; beyond the ends it stays at the end. */
export function selectIndex(table: TableState, position: number): TableState {
  if (table.order.length === 0) {
    return table;
  }
  const index = Math.max(0, Math.min(table.order.length - 1, position));
  return { ...table, index, selected: table.order[index] ?? null, ...HERE };
}

export function moveSelection(table: TableState, by: number): TableState {
  return selectIndex(table, table.index + by);
}

export function selectId(table: TableState, id: string): TableState {
  const index = table.order.indexOf(id);
  return index < 0 ? table : { ...table, index, selected: id, ...HERE };
}

/** Marks or unmarks the selected process and goes on to the next one. */
export function toggleMark(table: TableState): TableState {
  if (table.selected === null) {
    return table;
  }
  const marks = new Set(table.marks);
  if (!marks.delete(table.selected)) {
    marks.add(table.selected);
  }
  return moveSelection({ ...table, marks }, 1);
}

/** Marks everything that the filter lets through; if all of it is marked, unmarks it. */
export function toggleAllMarks(table: TableState): TableState {
  const all = table.order.every((id) => table.marks.has(id));
  const marks = new Set(table.marks);
  for (const id of table.order) {
    if (all) {
      marks.delete(id);
    } else {
      marks.add(id);
    }
  }
  return { ...table, marks };
}

/** What an action is about: the marked processes, else the selected one. */
export function targets(table: TableState): readonly ProcessInfo[] {
  const ids = table.marks.size > 0 ? [...table.marks] : table.selected === null ? [] : [table.selected];
  return ids.flatMap((id) => table.processes.get(id) ?? []);
}

/** Scrolls so that the selected row is among `rows` visible ones. */
export function scrollIntoView(table: TableState, rows: number): TableState {
  const visible = Math.max(1, rows);
  const last = Math.max(0, table.order.length - visible);
  let top = Math.min(table.top, last);
  if (table.index < top) {
    top = table.index;
  } else if (table.index >= top + visible) {
    top = table.index - visible + 1;
  }
  return top === table.top ? table : { ...table, top };
}

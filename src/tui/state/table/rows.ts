import type { ProcessInfo } from "../../../sdk/types.ts";
import { BEST_MATCH, NO_MATCH, type ProcessMatcher } from "./process-filter.ts";
import { type SortKey, type SortValue, sortValue } from "./sort.ts";
import type { Usage } from "./usage.ts";

/** A process's place in the order, and how well the filter fits it. */
export interface Row {
  readonly id: string;
  readonly value: SortValue;
  /** Decides between equal values: the older one comes first, in either direction. */
  readonly created: number;
  /** See {@link ProcessMatcher}. */
  readonly rank: number;
}

export type RowOrder = (a: Row, b: Row) => number;

export function rowOf(
  process: ProcessInfo,
  usage: Usage | undefined,
  key: SortKey,
  matcher: ProcessMatcher | null,
): Row {
  return {
    id: process.id,
    value: sortValue(key, process, usage),
    created: process.createTime.getTime(),
    rank: matcher === null ? BEST_MATCH : matcher(process),
  };
}

/** Whether the filter lets it through. */
export function fits({ rank }: Row): boolean {
  return rank !== NO_MATCH;
}

/** A total order: no two processes are equal. */
export function rowOrder(descending: boolean): RowOrder {
  const less = descending ? 1 : -1;
  return (a, b) => {
    if (a.value !== b.value) {
      if (a.value === null || b.value === null) {
        return a.value === null ? 1 : -1;
      }
      return a.value < b.value ? less : -less;
    }
    return a.created - b.created || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  };
}

/** Where a row is in sorted rows, or would be. */
export function findRow(rows: readonly Row[], row: Row, order: RowOrder, from = 0): number {
  let low = from;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = rows[middle];
    if (other && order(other, row) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/**
 * Sorted rows without those at the places `gone`, which are in ascending order,
 * and with the `fresh` ones. What has not changed is copied, not sorted.
 */
export function replaceRows(
  rows: readonly Row[],
  gone: readonly number[],
  fresh: readonly Row[],
  order: RowOrder,
): readonly Row[] {
  const next: Row[] = [];
  let from = 0;
  let skipped = 0;
  const copyUpTo = (end: number): void => {
    for (; from < end; from++) {
      const row = rows[from];
      if (gone[skipped] === from) {
        skipped++;
      } else if (row) {
        next.push(row);
      }
    }
  };
  for (const row of fresh.toSorted(order)) {
    copyUpTo(findRow(rows, row, order, from));
    next.push(row);
  }
  copyUpTo(rows.length);
  return next;
}

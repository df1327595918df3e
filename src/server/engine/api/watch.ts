import type { Cause } from "./cause.ts";
import type { ProcessInfo } from "./process.ts";

export type WatchEvent =
  | {
      readonly type: "added" | "modified";
      readonly process: ProcessInfo;
      /** Empty in the ADDED events before the first BOOKMARK. */
      readonly resourceVersion: string;
    }
  | {
      readonly type: "removed";
      readonly id: string;
      readonly removal: "removed" | "retention" | "filter";
      /** Null where that is not known any more. */
      readonly cause: Cause | null;
      readonly resourceVersion: string;
    }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

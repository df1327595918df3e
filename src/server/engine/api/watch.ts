import type { ProcessInfo } from "./process.ts";

export type WatchEvent =
  | {
      readonly type: "added" | "modified";
      readonly process: ProcessInfo;
      /** Empty in the ADDED events before the first BOOKMARK. */
      readonly resourceVersion: string;
    }
  | { readonly type: "removed"; readonly id: string; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

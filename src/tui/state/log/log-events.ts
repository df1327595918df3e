import type { OutputInfo } from "../../../sdk/types.ts";
import {
  appendLive,
  isShown,
  jumpTo,
  type LogPosition,
  type LogView,
  mergeRead,
  mergeScan,
  withOutput,
} from "./log.ts";
import type { LogSize } from "./log-scroll.ts";
import { searchFailed, searchFound } from "./log-search.ts";
import { type LogUpdate, onlyLog, type SearchDirection } from "./log-update.ts";
import { type LogWindow, withEvicted } from "./log-window.ts";

/** Output has come: live, read from history, or found. */
export type LogEvent =
  | { readonly type: "log-opened"; readonly output: OutputInfo }
  | { readonly type: "log-gone" }
  | {
      readonly type: "log-live";
      /** What the output is of: it may come when something else is already on view. */
      readonly view: LogView;
      readonly more: LogWindow;
      readonly complete: boolean;
      readonly skimming: boolean;
    }
  | { readonly type: "log-read"; readonly read: LogWindow; readonly output: OutputInfo }
  | {
      readonly type: "log-jump";
      readonly read: LogWindow;
      readonly output: OutputInfo;
      readonly position: LogPosition | null;
    }
  | { readonly type: "log-scanned"; readonly read: LogWindow; readonly output: OutputInfo }
  | {
      readonly type: "log-found";
      readonly offset: number;
      /** What is around it; null: it is at hand. */
      readonly read: LogWindow | null;
      /** The direction in which the search went past the end. */
      readonly wrapped: SearchDirection | null;
    }
  | { readonly type: "log-not-found" };

/** Takes output over. All but what is live is known to be of what is on view. */
export function logEvent(before: LogUpdate["log"], event: LogEvent, size: LogSize): LogUpdate {
  const update = take(before, event, size);
  const { log } = update;
  const window = withEvicted(log.window, log.first);
  return window === log.window ? update : { ...update, log: { ...log, window } };
}

function take(log: LogUpdate["log"], event: LogEvent, size: LogSize): LogUpdate {
  switch (event.type) {
    case "log-opened":
      return onlyLog({ ...withOutput(log, event.output), opened: true });
    case "log-gone":
      return onlyLog({ ...log, opened: true, gone: true, complete: true });
    case "log-live":
      return onlyLog(
        isShown(log, event.view) ? { ...appendLive(log, event.more, event.complete), skimming: event.skimming } : log,
      );
    case "log-read":
      return onlyLog(mergeRead(log, event.read, event.output));
    case "log-jump":
      return onlyLog(jumpTo(log, event.read, event.output, event.position));
    case "log-scanned":
      return onlyLog(mergeScan(log, event.read, event.output));
    case "log-found":
      return searchFound(event.read ? { ...log, window: event.read } : log, event.offset, event.wrapped, size);
    case "log-not-found":
      return searchFailed(log);
  }
}

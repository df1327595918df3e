import type { SupervisedEngine } from "../engine/api/supervision.ts";
import type { Log } from "../log.ts";
import type { Store } from "./store/store.ts";
import type { Timers } from "./timers.ts";

/** What supervision stands on. */
export interface Ground {
  readonly engine: SupervisedEngine;
  readonly store: Store;
  readonly timers: Timers;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly bootId: string;
  readonly log: Log;
}

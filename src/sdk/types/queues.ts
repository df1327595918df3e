/** Queues: how many of the processes in them run at a time. */
import type { CallOptions } from "./calls.ts";

export interface Queue {
  readonly name: string;
  readonly parallelism: number;
  /** Nothing begins; what runs goes on. */
  readonly paused: boolean;
  /** UUIDs. */
  readonly running: readonly string[];
  /** UUIDs, the next one first, at most 1000. */
  readonly waiting: readonly string[];
  readonly waitingCount: number;
}

export interface SetQueueOptions extends CallOptions {
  /** 1 to 10000. @default as it is; 1 for a new queue */
  readonly parallelism?: number;
  /** @default as it is; false for a new queue */
  readonly paused?: boolean;
}

/** Options and results of the calls of `pm.processes`. */
import type { PmError } from "../errors.ts";
import type { CallOptions, ChangeOptions, ReconnectOptions } from "./calls.ts";
import type { Cause, ExitStatus, ProcessFilter, ProcessInfo, RunInfo, StopReceipt } from "./process.ts";
import type { SpecOptions } from "./spec.ts";

/** What to start. */
export interface StartOptions extends SpecOptions {
  /** The UUID that the process shall have. @default a random one, chosen by the SDK so that a retry is safe */
  readonly id?: string;
  /** A letter or "_", then up to 62 letters, digits, ".", "_" or "-". @default no name */
  readonly name?: string;
  /** At most 64. @default {} */
  readonly labels?: Readonly<Record<string, string>>;
}

/** How the tree of a process is stopped. */
export interface StopHow {
  /** The first signal, by name or number. @default the process's stop policy */
  readonly stopSignal?: string | number;
  /** Milliseconds that the tree has to end, at most 24 hours. @default the process's stop policy */
  readonly graceMs?: number;
  /** Kill the whole tree when the grace period is over. @default false */
  readonly force?: boolean;
}

/** How to stop. */
export interface StopOptions extends ChangeOptions, StopHow {
  /** Resolve when the tree is gone or the grace period is over; else once the stop is on record. @default true */
  readonly wait?: boolean;
}

/** What a stop did. */
export interface StopResult {
  /** The process after the stop. */
  readonly process: ProcessInfo;
  /** What was done and what came of it: see `outcome` and `survivors`. */
  readonly receipt: StopReceipt;
  /** How the main process ended. Undefined: it has not, or it cannot be known. */
  readonly exit?: ExitStatus;
}

/** How to restart. */
export interface RestartOptions extends ChangeOptions, StopHow {
  /** Replaces the process's spec, for the new run and those after it. @default the spec that it has */
  readonly spec?: SpecOptions;
}

/** Which processes of a tree a signal goes to: the process group, the main process alone, or every descendant too. */
export type SignalTarget = "group" | "main" | "tree";

/** How to signal. */
export interface SignalOptions extends ChangeOptions {
  /** @default "group" */
  readonly target?: SignalTarget;
}

/** What to change. Fields that are not given stay as they are. */
export interface UpdateOptions extends ChangeOptions {
  /** The new name; `null` takes it away. @default as it is */
  readonly name?: string | null;
  /** The new labels, all of them. @default as they are */
  readonly labels?: Readonly<Record<string, string>>;
  /** Fields of the spec that the next run is started with; `null` gives a field its default back. @default as they are */
  readonly spec?: { readonly [Field in keyof SpecOptions]?: SpecOptions[Field] | null };
}

/** How to read a process. */
export interface GetOptions extends CallOptions {
  /** Fill in `spec.env`. Environments often hold secrets. @default false */
  readonly env?: boolean;
}

/** How to list. */
export interface ListOptions extends GetOptions {
  /** @default every process */
  readonly filter?: ProcessFilter;
  /** Processes asked for at a time, at most 10000. @default 1000 */
  readonly pageSize?: number;
  /** By creation: the oldest or the newest first. @default "oldestFirst" */
  readonly order?: "oldestFirst" | "newestFirst";
}

/** Which summaries or identities to list. */
export type SummaryOptions = Omit<ListOptions, "env">;

/** How to list one page. */
export interface ListPageOptions extends ListOptions {
  /** `nextPageToken` of the page before, with the same filter and order. @default the first page */
  readonly pageToken?: string;
}

/** One page of a list. */
export interface ProcessPage {
  readonly processes: readonly ProcessInfo[];
  /** Undefined on the last page. */
  readonly nextPageToken?: string;
  /** The moment of the list, for `watch`: from the first page's version a watch misses nothing. */
  readonly resourceVersion: string;
  /** How many processes the filter selects, over all pages. */
  readonly totalSize: number;
}

/** What to wait for. "outputComplete" and "treeGone" include "exited". */
export type WaitCondition = "exited" | "outputComplete" | "treeGone" | "ready" | "healthy";

/** How to wait. */
export interface WaitOptions extends CallOptions, ReconnectOptions {
  /**
   * - `"exited"`: the main process has ended, or the run failed or was lost
   * - `"outputComplete"`: and every writer has closed the output
   * - `"treeGone"`: and no descendant lives
   * - `"ready"`: its readiness probe succeeds, or it runs and has none, in whichever run
   * - `"healthy"`: as `"ready"`, by its liveness probe
   *
   * What has ended and is not to run again never becomes ready or healthy: `NOT_RUNNING`.
   *
   * @default "exited"
   */
  readonly until?: WaitCondition;
  /**
   * The run to wait for; a run that was followed by another one meets every condition. Not together with `"ready"` and
   * `"healthy"`.
   *
   * @default the current one
   */
  readonly run?: number;
}

/** What was waited for. */
export interface WaitResult {
  /** The process when it met the condition. */
  readonly process: ProcessInfo;
  /** The run that was waited for, which may have been followed by another one. Undefined: it is no longer kept. */
  readonly run?: RunInfo;
}

/** How to watch. */
export interface WatchOptions extends GetOptions, ReconnectOptions {
  /** @default every process */
  readonly filter?: ProcessFilter;
  /** Where to resume: of a list, a process or a bookmark. @default begin with what there is */
  readonly resourceVersion?: string;
  /**
   * Milliseconds between bookmarks while nothing changes, 1000 to 3600000; two and a half of them without any event mean
   * that the connection is dead.
   *
   * @default 15000
   */
  readonly bookmarkMs?: number;
}

/** Why a process is no longer in a watch: removed at a client's request, not kept any longer, or out of the filter. */
export type WatchRemoval = "removed" | "retention" | "filter" | "unknown";

/** One event of a watch. */
export type WatchEvent =
  | { readonly type: "added" | "modified"; readonly process: ProcessInfo }
  | { readonly type: "removed"; readonly id: string; readonly removal: WatchRemoval; readonly cause?: Cause }
  | { readonly type: "bookmark"; readonly resourceVersion: string }
  /** The watch began anew (at first, or after a version expired): forget what you know, ADDED events follow. */
  | { readonly type: "reset" };

/** How to write to a process's standard input. */
export interface WriteOptions extends CallOptions {
  /** Close standard input after the data; on a terminal, send the end-of-file character. @default false */
  readonly close?: boolean;
  /**
   * Bytes written to this run's input before this call, as `WriteResult.inputOffset` says. Then the call is safe to
   * repeat, and the SDK does so after a lost connection, with the next daemon too: what is already written is not
   * written again, an end that was asked for there is not asked for twice, and if bytes before it are missing it is
   * refused with `CONDITION_FAILED`. Only for the single writer of a process.
   *
   * @default write all of it, whatever came before; no retry
   */
  readonly inputOffset?: number;
  /** @default none */
  readonly precondition?: ChangeOptions["precondition"];
}

/** What was written. */
export interface WriteResult {
  /** Bytes written to this run's input so far, by whatever daemon. */
  readonly inputOffset: number;
}

/** How to resize a terminal. */
export interface ResizeOptions extends CallOptions {
  /** @default none */
  readonly precondition?: ChangeOptions["precondition"];
}

/** How to remove. */
export interface RemoveOptions extends ChangeOptions {
  /** Kill the whole tree first if it lives. @default false */
  readonly force?: boolean;
}

/** What to prune. */
export interface PruneOptions extends CallOptions {
  /** Selects among the ended processes. @default none of them, unless `all` or `olderThanMs` is given */
  readonly filter?: ProcessFilter;
  /** Must be set if neither `filter` nor `olderThanMs` is: prune all ended processes. @default false */
  readonly all?: boolean;
  /** Spare processes that ended less than this many milliseconds ago. @default 0 */
  readonly olderThanMs?: number;
  /** Say what would be removed, and remove nothing. @default false */
  readonly dryRun?: boolean;
}

/** What was pruned. */
export interface PruneResult {
  /** UUIDs. */
  readonly ids: readonly string[];
  /** Memory of the runtime directory that they held. */
  readonly freedBytes: number;
}

/** Calls that change many processes take these. */
export interface BatchOptions extends CallOptions, ReconnectOptions {
  /** As {@link ChangeOptions.requestId}. @default a new one */
  readonly requestId?: string;
}

/** How to stop many. */
export interface StopAllOptions extends BatchOptions, StopHow {}

/** How to restart many. */
export interface RestartAllOptions extends BatchOptions, StopHow {}

/** How to signal many. */
export interface SignalAllOptions extends BatchOptions {
  /** @default "group" */
  readonly target?: SignalTarget;
}

/** How to remove many. */
export interface RemoveAllOptions extends BatchOptions {
  /** Kill trees that live; else a process that lives is an error of its own. @default false */
  readonly force?: boolean;
}

/** What a call did to one of many processes. `error` says why it could not be done. */
export interface BatchResult {
  readonly id: string;
  /** If it was removed meanwhile: as it was before, or undefined if only its id is known. */
  readonly process?: ProcessInfo;
  readonly error?: PmError;
}

/** What a stop did to one of many processes: `receipt` or `error`. */
export interface StopAllResult extends BatchResult {
  readonly receipt?: StopReceipt;
  readonly exit?: ExitStatus;
}

/** What a removal did to one of many processes. */
export interface RemoveAllResult {
  readonly id: string;
  readonly name?: string;
  readonly error?: PmError;
}

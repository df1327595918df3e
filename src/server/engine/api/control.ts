import type { Cause } from "./cause.ts";
import type { ProcessInfo } from "./process.ts";
import type { StopReceipt } from "./run.ts";
import type { ProcessSpec } from "./spec.ts";

/** Who asks, by which request, and under which conditions. */
export interface RequestContext {
  /** "local" over the socket, else the user's name. */
  readonly principal: string;
  /** Empty: none. With one, the same request is carried out once. */
  readonly requestId: string;
  readonly precondition: Precondition | null;
  /** Undefined: the request is the cause. Supervision says what else is. */
  readonly cause?: Cause | undefined;
}

export interface Precondition {
  /** Null: any. */
  readonly run: number | null;
  /** Empty: any. */
  readonly resourceVersion: string;
}

export interface StartRequest {
  /** A UUID; empty: the engine makes one. */
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
}

export interface StopOptions {
  /** Canonical name; empty: the spec's policy. */
  readonly signal: string;
  /** Milliseconds; null: the spec's policy. */
  readonly graceMs: number | null;
  readonly force: boolean;
}

export interface Survivor {
  readonly pid: number;
  readonly command: string;
  readonly state: string;
}

export interface StopResult {
  readonly process: ProcessInfo;
  readonly receipt: StopReceipt;
}

/** What `Engine.update` changes; undefined: left as it is. */
export interface ProcessUpdate {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: ProcessSpec;
}

export type SignalTarget = "group" | "main" | "tree";

export type WaitCondition = "exited" | "outputComplete" | "treeGone";

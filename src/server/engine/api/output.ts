import type { ProcessFilter } from "./list.ts";
import type { ExitStatus, OutputInfo } from "./run.ts";

export type OutputStreamName = "stdout" | "stderr" | "tty";

/** Where a read begins: at the later of position and `since`. */
export interface OutputStart {
  readonly position:
    | { readonly kind: "offset"; readonly offset: number }
    | { readonly kind: "tailBytes"; readonly bytes: number }
    | { readonly kind: "tailLines"; readonly lines: number };
  /** Nanoseconds since the epoch; null: no matter. */
  readonly since: bigint | null;
}

export interface OutputChunk {
  readonly stream: OutputStreamName;
  readonly offset: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  readonly data: Uint8Array;
  /** Bytes before `data` in its buffer that are nobody's: whoever encodes it may write there. Default: 0. */
  readonly headroom?: number;
}

/** Output from offset `from` up to, not including, `to` that was dropped before it could be read. */
export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

export interface OutputRead {
  readonly processId: string;
  readonly run: number;
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | null;
  readonly nextOffset: number;
  readonly output: OutputInfo;
}

export interface OutputEnd {
  readonly finalOffset: number;
  readonly reason: "complete" | "snapshot" | "lost" | "removed";
  readonly exit: ExitStatus | null;
  /** Null: none. */
  readonly nextRun: number | null;
}

/**
 * A frame of one run's output. The bytes of a chunk are the consumer's until it
 * asks for the next frame: whoever needs them longer makes a copy. With `more`
 * the next frame comes at once, to be sent with this one, and what this one has
 * stays as long as the next one does.
 */
export type OutputFrame =
  | {
      readonly kind: "opened";
      readonly processId: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
      /** Empty unless the stream holds the run. */
      readonly holdToken: string;
      readonly more?: boolean;
    }
  | {
      readonly kind: "chunk";
      readonly chunk: OutputChunk;
      readonly more?: boolean;
    }
  | { readonly kind: "gap"; readonly gap: OutputGap }
  | { readonly kind: "heartbeat"; readonly nextOffset: number }
  | ({ readonly kind: "end" } & OutputEnd);

export interface ReadOutputOptions {
  /** Null: the current run. */
  readonly run: number | null;
  readonly start: OutputStart;
  /** Empty: all. */
  readonly streams: readonly OutputStreamName[];
  /** Nanoseconds since the epoch; null: no end. */
  readonly until: bigint | null;
}

export interface StreamOutputOptions extends ReadOutputOptions {
  readonly follow: boolean;
  readonly heartbeatMs: number;
  /** Null: does not hold. An empty token begins a hold, another one resumes it. */
  readonly hold: { readonly token: string } | null;
}

/** A place in the output of one run. */
export interface OutputCursor {
  readonly processId: string;
  readonly run: number;
  readonly nextOffset: number;
}

export interface StreamOutputsOptions {
  readonly filter: ProcessFilter;
  readonly start: OutputStart;
  readonly cursors: readonly OutputCursor[];
  readonly streams: readonly OutputStreamName[];
  readonly follow: boolean;
  readonly untilIdle: boolean;
  readonly until: bigint | null;
  readonly mergeWindowMs: number;
  readonly heartbeatMs: number;
  readonly currentRunOnly: boolean;
}

/** A frame of the output of many processes; `member` numbers the runs in it. */
export type OutputsFrame =
  | { readonly kind: "opened"; readonly selected: number }
  | {
      readonly kind: "memberOpened";
      readonly member: number;
      readonly processId: string;
      readonly processName: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | { readonly kind: "chunk"; readonly member: number; readonly chunk: OutputChunk }
  | { readonly kind: "gap"; readonly member: number; readonly gap: OutputGap }
  | { readonly kind: "memberEnd"; readonly member: number; readonly end: OutputEnd }
  | { readonly kind: "heartbeat"; readonly cursors: readonly OutputCursor[] };

export interface OutputAcknowledgement {
  readonly processId: string;
  readonly run: number;
  readonly token: string;
  readonly nextOffset: number;
  /** Ends the hold. */
  readonly release: boolean;
}

/** Output of processes. */
import type { CallOptions, ReconnectOptions } from "./calls.ts";
import type { ExitStatus } from "./process.ts";

/** Where a byte of output came from. */
export type OutputStreamName = "stdout" | "stderr" | "tty";

/** What is kept of one run's output. Offsets count the bytes of a run from 0 over all its streams. */
export interface OutputInfo {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** The limit in force. */
  readonly limitBytes: number;
  /** Whether a stream holds it: writers block while the limit is reached. */
  readonly held: boolean;
}

/** Where in a run's output to begin. At most one of `offset`, `tailBytes` and `tailLines`; the later place with `since`. */
export interface OutputStart {
  /** The first byte wanted. @default 0 */
  readonly offset?: number;
  /** This many bytes before the end. */
  readonly tailBytes?: number;
  /** This many lines before the end. */
  readonly tailLines?: number;
  /** The first byte that was read from the process at or after this time. */
  readonly since?: Date;
}

/** What to read of a process's output. */
export interface OutputOptions extends CallOptions {
  /** @default the current run */
  readonly run?: number;
  /** @default offset 0 */
  readonly start?: OutputStart;
  /** End before the first byte that was read at or after this time. @default no end */
  readonly until?: Date;
  /** @default all */
  readonly streams?: readonly OutputStreamName[];
}

/** How to read output at once. */
export interface OutputReadOptions extends OutputOptions {
  /** How many bytes to look at, over all streams, at most 3 MiB. @default 1 MiB */
  readonly maxBytes?: number;
}

/** A piece of output, read at one moment. */
export interface OutputRead {
  /** The process's UUID. */
  readonly processId: string;
  readonly run: number;
  /** In order of offset. */
  readonly chunks: readonly OutputChunk[];
  /** What is missing before the first chunk. */
  readonly gap?: OutputGap;
  /** Where the next read would begin. */
  readonly nextOffset: number;
  /** The run's output at the moment of the read. */
  readonly output: OutputInfo;
}

/** Output from offset `from` up to, not including, `to` that was dropped before it could be read. */
export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

/** How to stream the output of one process. */
export interface StreamOptions extends OutputOptions, ReconnectOptions {
  /** Go on until the output is complete. @default false */
  readonly follow?: boolean;
  /** Go on with the next run when the process is restarted. Needs `follow`. @default false */
  readonly followRestarts?: boolean;
  /**
   * Hold the process back instead of losing output: while its output limit is reached, its writes block until this
   * stream's consumer has taken the bytes. Needs `follow`, no `streams`, and `output.whenFull: "allowHold"` in the spec.
   *
   * @default false
   */
  readonly hold?: boolean;
  /**
   * Milliseconds between heartbeats while nothing else comes, 1000 to 3600000; two and a half of them without any frame
   * mean that the connection is dead.
   *
   * @default 15000
   */
  readonly heartbeatMs?: number;
  /**
   * The memory of a chunk's data may be used again once the next frame is asked for: for consumers that keep no data, at
   * half the processor time. `bytes()` then gives small chunks that came together as one, unless the run is held.
   * Node.js and Web streams keep some, so they never do.
   *
   * @default false: a chunk's data is the consumer's for as long as it likes
   */
  readonly reuse?: boolean;
}

/** Consecutive bytes of one stream, exactly as written. */
export interface OutputChunk {
  readonly stream: OutputStreamName;
  readonly offset: number;
  /** When the first byte was read from the process. */
  readonly time: Date;
  readonly data: Uint8Array;
}

/** Why a stream of output ended; see `OutputEndReason` in the contract. */
export type OutputEndReason = "complete" | "snapshot" | "lost" | "removed";

/** How the output of one run ended. */
export interface OutputEnd {
  /** Where a new stream would resume. */
  readonly finalOffset: number;
  readonly reason: OutputEndReason;
  readonly exit?: ExitStatus;
  /** The run that a restart has begun or is about to begin. */
  readonly nextRun?: number;
}

/** One frame of an output stream. */
export type OutputFrame =
  | {
      readonly type: "opened";
      readonly processId: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
      /** Names the hold, if the stream asked for one. The SDK acknowledges and resumes with it by itself. */
      readonly holdToken?: string;
    }
  | ({ readonly type: "chunk" } & OutputChunk)
  | ({ readonly type: "gap" } & OutputGap)
  | { readonly type: "heartbeat"; readonly nextOffset: number }
  | ({ readonly type: "end" } & OutputEnd);

/** How to stream the output of many processes. */
export interface OutputsOptions extends CallOptions, ReconnectOptions {
  /** Where each run begins. Only offset 0. `tailLines` and `tailBytes` count for each process. @default offset 0 */
  readonly start?: OutputStart;
  /** Where the members of an earlier stream stand, to resume it: see {@link OutputsStream.cursors}. @default none */
  readonly cursors?: readonly OutputCursor[];
  /** @default all */
  readonly streams?: readonly OutputStreamName[];
  /** Go on with new output, new runs, and processes that fit the filter later. @default false */
  readonly follow?: boolean;
  /** With `follow`: end once every member has ended. @default false */
  readonly untilIdle?: boolean;
  /** End before the first byte that was read at or after this time. @default no end */
  readonly until?: Date;
  /** Milliseconds that output is kept back so that what another process wrote before it comes first, 0 to 5000. @default 50 */
  readonly mergeWindowMs?: number;
  /** Only the current run of each process, none that begins later. @default false */
  readonly currentRunOnly?: boolean;
  /** Milliseconds; as {@link StreamOptions.heartbeatMs}. @default 15000 */
  readonly heartbeatMs?: number;
}

/** A place in the output of one run. */
export interface OutputCursor {
  /** The process's UUID. */
  readonly processId: string;
  readonly run: number;
  /** The first byte not yet received. */
  readonly nextOffset: number;
}

/** One run in a stream of many processes. The frames of a run share one object. */
export interface OutputMember {
  /** The process's UUID. */
  readonly processId: string;
  /** The process's name when the run joined. */
  readonly processName?: string;
  readonly run: number;
}

/** One frame of a stream of many processes. */
export type OutputsFrame =
  | { readonly type: "opened"; readonly selected: number }
  | {
      readonly type: "memberOpened";
      readonly member: OutputMember;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | ({ readonly type: "chunk"; readonly member: OutputMember } & OutputChunk)
  | ({ readonly type: "gap"; readonly member: OutputMember } & OutputGap)
  | ({ readonly type: "memberEnd"; readonly member: OutputMember } & OutputEnd)
  | { readonly type: "heartbeat" };

/** Frames of many processes. */
export interface OutputsStream extends AsyncIterableIterator<OutputsFrame, void, void> {
  /** Where each member stands after the frame last taken, for a later stream's `cursors`. */
  cursors(): readonly OutputCursor[];
}

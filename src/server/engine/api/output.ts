import type { ExitStatus, OutputInfo } from "./process.ts";

export type OutputStreamName = "stdout" | "stderr" | "tty";

export type OutputStart =
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "tailBytes"; readonly bytes: number }
  | { readonly kind: "tailLines"; readonly lines: number }
  /** Nanoseconds since the epoch. */
  | { readonly kind: "since"; readonly time: bigint };

export interface OutputChunk {
  readonly stream: OutputStreamName;
  readonly offset: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  readonly data: Uint8Array;
}

export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

export interface OutputRead {
  readonly run: number;
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | null;
  readonly nextOffset: number;
  readonly output: OutputInfo;
}

export type OutputFrame =
  | {
      readonly kind: "opened";
      readonly processId: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | { readonly kind: "chunk"; readonly chunk: OutputChunk }
  | { readonly kind: "gap"; readonly gap: OutputGap }
  | { readonly kind: "heartbeat"; readonly nextOffset: number }
  | {
      readonly kind: "end";
      readonly finalOffset: number;
      readonly reason: "complete" | "snapshot" | "lost" | "removed";
      readonly exit: ExitStatus | null;
      /** 0: none. */
      readonly nextRun: number;
    };

export interface ReadOutputOptions {
  /** 0: the current run. */
  readonly run: number;
  readonly start: OutputStart;
  /** Empty: all. */
  readonly streams: readonly OutputStreamName[];
}

export interface StreamOutputOptions extends ReadOutputOptions {
  readonly follow: boolean;
  readonly heartbeatMs: number;
}

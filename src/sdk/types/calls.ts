/** What bounds a call, and what happens when its connection is lost. */
import type { PmError } from "../errors.ts";

/** Every call takes these. */
export interface CallOptions {
  /** Ends the call; it rejects with reason `ABORTED`. @default none */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which the call rejects with reason `TIMEOUT`, all its attempts together.
   *
   * @default `ConnectOptions.timeoutMs`; none for calls that wait for a process (`wait`, `stop`, `restart`, `write`) and
   * for streams
   */
  readonly timeoutMs?: number;
}

/** What happens to a call when there is no daemon any more. */
export interface ReconnectOptions {
  /**
   * Go on with the next daemon after the connection was lost, with pauses of 100 ms to 5 s between attempts. A daemon
   * that cannot be reached at the very beginning is an error in any case, unless `ConnectOptions.onUnreachable` starts
   * one.
   *
   * @default true
   */
  readonly reconnect?: boolean;
  /**
   * Milliseconds without a daemon after which the call gives up, with the error of the last attempt. `Infinity`: never.
   *
   * @default `ConnectOptions.reconnectMs`
   */
  readonly reconnectMs?: number;
  /**
   * Told when the connection is lost, after each failed attempt, and when it is back. Must not throw.
   *
   * @default `ConnectOptions.onConnection`
   */
  readonly onConnection?: (event: ConnectionEvent) => void;
}

/** A change of the connection behind a call. */
export type ConnectionEvent =
  | {
      readonly type: "disconnected";
      readonly error: PmError;
      /** Failed attempts since the call last got through. */
      readonly attempt: number;
      readonly retryInMs: number;
    }
  | { readonly type: "reconnected"; readonly attempt: number };

/** Must hold when a request is carried out; else it is refused with `CONDITION_FAILED` and does nothing. */
export interface Precondition {
  /** The run that must be the current one. @default any */
  readonly run?: number;
  /** The `resourceVersion` that must be the current one. @default any */
  readonly resourceVersion?: string;
}

/** Calls that change a process take these. */
export interface ChangeOptions extends CallOptions {
  /** @default none */
  readonly precondition?: Precondition;
  /**
   * 1 to 64 characters that make it safe to send the request again: a daemon that knows the id does nothing a second
   * time.
   *
   * @default one that the SDK makes up, so that its own retry after a lost connection is safe
   */
  readonly requestId?: string;
}

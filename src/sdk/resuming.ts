/** A server stream that goes on after its connection was lost. */
import { isConnectionLoss, isDisconnect, type Retries } from "./retries.ts";
import { lostError } from "./transport/local-errors.ts";
import type { TransportOptions } from "./transport/transport.ts";

/** What {@link resuming} needs to know of the stream. */
export interface Resumable<Item> {
  /** Begins the RPC where the last attempt left off. */
  readonly attempt: (options: TransportOptions) => AsyncIterable<Item>;
  /** Whether the stream may end by itself now; otherwise its end is a loss of the connection. */
  readonly mayEnd: () => boolean;
  /** Milliseconds without an item after which the connection is taken for dead. */
  readonly silenceMs: number;
  readonly reconnect: boolean;
  readonly retries: Retries;
  readonly signal: AbortSignal;
}

/** Yields the items of one attempt after the other. An error that is no loss of the connection ends it. */
export async function* resuming<Item>(stream: Resumable<Item>): AsyncGenerator<Item, void, void> {
  const { retries } = stream;
  let reached = false;
  let secondChance = true;
  for (;;) {
    try {
      for await (const item of withSilenceLimit(stream)) {
        reached = true;
        retries.succeeded();
        yield item;
      }
      if (stream.mayEnd()) {
        return;
      }
      throw lostError(undefined, "the stream ended before its end");
    } catch (error) {
      if (!stream.reconnect || !isConnectionLoss(error)) {
        throw error;
      }
      if (!reached) {
        // A daemon that never answered is for the caller to know. But the call may have met a connection that was
        // about to close.
        if (!secondChance || !isDisconnect(error)) {
          throw error;
        }
        secondChance = false;
      }
      await retries.pause(error);
    }
  }
}

/** One attempt. The limit counts only while the consumer waits: its own pauses are no silence. */
async function* withSilenceLimit<Item>(stream: Resumable<Item>): AsyncGenerator<Item, void, void> {
  const silence = new AbortController();
  const { timeoutMs } = stream.retries.callOptions();
  const signal = AbortSignal.any([stream.signal, silence.signal]);
  const items = stream.attempt({ signal, timeoutMs })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), stream.silenceMs).unref();
      let result: IteratorResult<Item>;
      try {
        result = await items.next();
      } catch (error) {
        if (silence.signal.aborted && !stream.signal.aborted) {
          throw lostError(error, `no sign of life from the daemon for ${stream.silenceMs} ms`);
        }
        throw error;
      } finally {
        clearTimeout(timer);
      }
      if (result.done) {
        return;
      }
      yield result.value;
    }
  } finally {
    silence.abort();
    await items.return?.();
  }
}

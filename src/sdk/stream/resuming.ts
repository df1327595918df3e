/** A server stream that goes on after its connection was lost. */
import type { Attempts } from "../call/attempts.ts";
import { lostError } from "../transport/local-errors.ts";
import type { TransportOptions } from "../transport/transport.ts";

/** What {@link resuming} needs to know of the stream. */
export interface Resumable<Item> {
  /** Begins the RPC where the last attempt left off. */
  readonly attempt: (options: TransportOptions) => AsyncIterable<Item>;
  /** Whether the stream may end by itself now; otherwise its end is a loss of the connection. */
  readonly mayEnd: () => boolean;
  /** Milliseconds without an item after which the connection is taken for dead. Undefined: however long. */
  readonly silenceMs?: number | undefined;
  readonly attempts: Attempts;
  readonly signal: AbortSignal;
}

/** Yields the items of one attempt after the other. An error that is no loss of the connection ends it. */
export async function* resuming<Item>(stream: Resumable<Item>): AsyncGenerator<Item, void, void> {
  const { attempts } = stream;
  for (;;) {
    try {
      for await (const item of withSilenceLimit(stream)) {
        attempts.succeeded();
        yield item;
      }
      if (stream.mayEnd()) {
        return;
      }
      throw lostError(undefined, "the stream ended before its end");
    } catch (error) {
      await attempts.again(error);
    }
  }
}

/**
 * One attempt. The limit counts only while the consumer waits: its own pauses are no silence. A connection that is taken
 * for dead is made anew only if the daemon still responds.
 */
async function* withSilenceLimit<Item>(stream: Resumable<Item>): AsyncGenerator<Item, void, void> {
  const { silenceMs } = stream;
  const silence = new AbortController();
  const unresponsive = new AbortController();
  const watch = stream.attempts.watch((error) => unresponsive.abort(error));
  const { timeoutMs } = stream.attempts.callOptions();
  const signal = AbortSignal.any([stream.signal, silence.signal, unresponsive.signal]);
  const items = stream.attempt({ signal, timeoutMs })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = silenceMs === undefined ? undefined : setTimeout(() => silence.abort(), silenceMs).unref();
      let result: IteratorResult<Item>;
      try {
        result = await items.next();
      } catch (error) {
        if (unresponsive.signal.aborted && !stream.signal.aborted) {
          throw unresponsive.signal.reason;
        }
        if (silence.signal.aborted && !stream.signal.aborted) {
          await stream.attempts.expectResponse();
          throw lostError(error, `no sign of life from the daemon for ${silenceMs} ms`);
        }
        throw error;
      } finally {
        clearTimeout(timer);
      }
      if (result.done) {
        return;
      }
      watch?.heard();
      yield result.value;
      watch?.heard();
    }
  } finally {
    watch?.stop();
    silence.abort();
    await items.return?.();
  }
}

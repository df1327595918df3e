import { ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Log } from "../../log.ts";
import { toConnectError } from "../errors.ts";

/** Turns whatever a handler throws, at once or in mid-stream, into the contract's errors. */
export function translateErrors(log: Log): Interceptor {
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    const translate = (error: unknown) => {
      const { aborted, reason } = request.signal;
      // What waited for the signal may have failed with an error of its own: why the call ended says more.
      const ended = aborted && reason instanceof ConnectError && isAbort(error);
      return toConnectError(ended ? reason : error, log, method);
    };
    try {
      // A call whose deadline has passed, or whose client has gone, is not begun.
      request.signal.throwIfAborted();
      const response = await next(request);
      return response.stream ? { ...response, message: translated(response.message, translate) } : response;
    } catch (error) {
      throw translate(error);
    }
  };
}

async function* translated<T>(
  messages: AsyncIterable<T>,
  translate: (error: unknown) => ConnectError,
): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw translate(error);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

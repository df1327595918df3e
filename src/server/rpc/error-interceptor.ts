import type { Interceptor } from "@connectrpc/connect";
import type { Log } from "../log.ts";
import { toConnectError } from "./errors.ts";

/** Turns whatever a handler throws, at once or in mid-stream, into the contract's errors. */
export function errorInterceptor(log: Log): Interceptor {
  return (next) => async (request) => {
    const method = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: translated(response.message, log, method) } : response;
    } catch (error) {
      throw toConnectError(error, log, method);
    }
  };
}

async function* translated<T>(messages: AsyncIterable<T>, log: Log, method: string): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toConnectError(error, log, method);
  }
}

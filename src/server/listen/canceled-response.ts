/**
 * Tells a handler whose client has gone in mid-response that the call was
 * canceled. connect-node tells it what the write failed with instead, such as
 * an invalid stream: a mistake, to whoever logs mistakes.
 */
import { Code, ConnectError } from "@connectrpc/connect";

export function canceledWhen<Piece>(clientIsGone: () => boolean, body: AsyncIterable<Piece>): AsyncIterable<Piece> {
  const chunks = body[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Piece> = {
    next: () => chunks.next(),
    async return(value) {
      return (await chunks.return?.(value)) ?? { done: true, value };
    },
    async throw(cause) {
      const error = clientIsGone()
        ? new ConnectError("the client has gone", Code.Canceled, undefined, undefined, cause)
        : cause;
      if (chunks.throw === undefined) {
        throw error;
      }
      return await chunks.throw(error);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

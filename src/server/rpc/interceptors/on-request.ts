import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";

type Call = Parameters<ReturnType<Interceptor>>[0];

/**
 * The call, with each message of its request looked at before the handler gets
 * it. What `look` throws is what the call fails with.
 */
export function onRequest(call: Call, look: (message: MessageShape<DescMessage>) => void): Call {
  if (!call.stream) {
    look(call.message);
    return call;
  }
  return { ...call, message: looked(call.message, look) };
}

async function* looked<T extends MessageShape<DescMessage>>(
  messages: AsyncIterable<T>,
  look: (message: T) => void,
): AsyncGenerator<T> {
  for await (const message of messages) {
    look(message);
    yield message;
  }
}

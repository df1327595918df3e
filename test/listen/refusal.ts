import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";

/** What a call failed with, as its client sees it. */
export async function failureOf(call: Promise<unknown>) {
  const error = ConnectError.from(
    await call.then(
      () => "no failure",
      (cause: unknown) => cause,
    ),
  );
  const { reason, domain, metadata } = error.findDetails(ErrorInfoSchema)[0] ?? {};
  return { code: error.code, reason, domain, metadata };
}

/** What a message above the limit is refused with. */
export const tooLong = {
  code: Code.ResourceExhausted,
  reason: "LIMIT_EXCEEDED",
  domain: "pm",
  metadata: { limit: "message_bytes" },
};

import { type Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";

export interface CallFailure {
  readonly code: Code;
  readonly text: string;
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Every violation: path of the field, and reason. */
  readonly violations: readonly (readonly [string, string])[];
  readonly retrySeconds: number | undefined;
}

/** What a call failed with, as its client sees it. */
export async function failureOf(call: Promise<unknown>): Promise<CallFailure> {
  const error = await call.then(
    () => expect.fail("the call succeeded"),
    (cause: unknown) => ConnectError.from(cause),
  );
  const info = error.findDetails(ErrorInfoSchema)[0];
  const retry = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    text: error.rawMessage,
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    metadata: info?.metadata ?? {},
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field, reason }) => [field, reason] as const)),
    retrySeconds: retry === undefined ? undefined : Number(retry.seconds),
  };
}

/** All messages of a stream. */
export async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const received: T[] = [];
  for await (const message of messages) {
    received.push(message);
  }
  return received;
}

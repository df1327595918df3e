/** Calls by filter: a result for each process, through lost connections. */
import type { BatchOpenedJson } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Client } from "../call/client.ts";
import type { TransportOptions } from "../transport/transport.ts";
import type { BatchOptions } from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { resuming } from "./resuming.ts";

/** One frame of such a call. */
interface BatchFrame<ResultJson> {
  readonly opened?: BatchOpenedJson;
  readonly result?: ResultJson;
}

/** One such call. */
export interface Batch<ResultJson, Result> {
  /** What it does, for its errors. */
  readonly what: string;
  /** Makes the request, with the same request id each time: the daemon does nothing twice. */
  readonly attempt: (options: TransportOptions) => AsyncIterable<BatchFrame<ResultJson>>;
  readonly convert: (result: ResultJson) => Result;
}

/** The call is made when the results are iterated; an iteration of its own is a call of its own. */
export function batch<ResultJson, Result extends { readonly id: string }>(
  client: Client,
  options: BatchOptions,
  call: () => Batch<ResultJson, Result>,
): AsyncIterable<Result> {
  return {
    [Symbol.asyncIterator]: () => cancellable((signal) => results(client, options, call(), signal), options.signal),
  };
}

async function* results<ResultJson, Result extends { readonly id: string }>(
  client: Client,
  options: BatchOptions,
  { what, attempt, convert }: Batch<ResultJson, Result>,
  signal: AbortSignal,
): AsyncGenerator<Result, void, void> {
  const seen = new Set<string>();
  let selected: number | undefined;
  let received = 0;
  const frames = resuming<BatchFrame<ResultJson>>({
    attempt: (callOptions) => {
      selected = undefined;
      received = 0;
      return attempt(callOptions);
    },
    mayEnd: () => selected !== undefined && received >= selected,
    attempts: client.attempts({ ...options, signal }, { what, waits: true }),
    signal,
  });
  for await (const { opened, result } of frames) {
    if (opened !== undefined) {
      selected = opened.selected ?? 0;
    }
    if (result !== undefined) {
      received += 1;
      const converted = convert(result);
      if (!seen.has(converted.id)) {
        seen.add(converted.id);
        yield converted;
      }
    }
  }
}

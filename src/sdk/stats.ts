/** Sampling usage through lost connections and restarts of the daemon. */
import { cancellable } from "./cancellable.ts";
import { durationToJson } from "./json/scalars.ts";
import { resuming } from "./resuming.ts";
import { Retries } from "./retries.ts";
import type { Transport } from "./transport/transport.ts";
import type { StatsOptions, UsageSample } from "./types.ts";

const defaultIntervalMs = 1_000;
/** Samples that may fail to come before the connection is taken for dead; */
const missedSamples = 2.5;
/** but a busy machine may need this many milliseconds for one. */
const leastSilenceMs = 10_000;

/** See `ProcessManager.stats`. Each iteration is a stream of its own. */
export function sampleUsage(transport: Transport, options: StatsOptions): AsyncIterable<UsageSample> {
  const { ids, intervalMs = defaultIntervalMs, io, members, reconnect = true } = options;
  const request = {
    ...(ids !== undefined && { ids: [...ids] }),
    interval: durationToJson(intervalMs),
    ...(io && { includeIo: true }),
    ...(members && { includeMembers: true }),
  };
  const run = (signal: AbortSignal) =>
    resuming<UsageSample>({
      attempt: (callOptions) => transport.stream("pm.v1.ProcessService/StatsProcesses", request, callOptions),
      mayEnd: () => false,
      silenceMs: Math.max(intervalMs * missedSamples, leastSilenceMs),
      reconnect,
      retries: new Retries({ ...options, signal }),
      signal,
    });
  return { [Symbol.asyncIterator]: () => cancellable(run, options.signal) };
}

/** Sampling usage through lost connections and restarts of the daemon. */
import type { StatsProcessesResponseJson } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Client } from "../call/client.ts";
import { filterToJson } from "../json/requests.ts";
import { durationToJson } from "../json/scalars.ts";
import { sampleFromJson } from "../json/streamed.ts";
import type { StatsOptions, UsageSample } from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { resuming } from "./resuming.ts";
import { silenceLimit } from "./silence.ts";

const defaultIntervalMs = 1_000;
/** A busy machine may need this many milliseconds for a sample. */
const leastSilenceMs = 10_000;

/** See `Processes.stats`. Each iteration is a stream of its own. */
export function sampleUsage(client: Client, options: StatsOptions): AsyncIterable<UsageSample> {
  return { [Symbol.asyncIterator]: () => cancellable((signal) => samples(client, options, signal), options.signal) };
}

async function* samples(
  client: Client,
  options: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<UsageSample, void, void> {
  const { filter, intervalMs = defaultIntervalMs, io, members } = options;
  const request = {
    ...filterToJson(filter),
    interval: durationToJson(intervalMs, "intervalMs"),
    ...(io && { includeIo: true }),
    ...(members && { includeMembers: true }),
  };
  const responses = resuming<StatsProcessesResponseJson>({
    attempt: (callOptions) => client.stream("pm.v1.ProcessService/StatsProcesses", request, callOptions),
    mayEnd: () => false,
    silenceMs: Math.max(silenceLimit(intervalMs), leastSilenceMs),
    attempts: client.attempts({ ...options, signal }, { what: "sampling usage", waits: true }),
    signal,
  });
  for await (const { sample } of responses) {
    yield sampleFromJson(sample);
  }
}

/** Watching processes through lost connections and restarts of the daemon. */
import type { WatchProcessesResponseJson } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { Client } from "../call/client.ts";
import { PmError } from "../errors.ts";
import { filterToJson, viewToJson } from "../json/requests.ts";
import { durationToJson } from "../json/scalars.ts";
import { watchEventFromJson } from "../json/streamed.ts";
import type { WatchEvent, WatchOptions } from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { resuming } from "./resuming.ts";
import { defaultHeartbeatMs, silenceLimit } from "./silence.ts";

/** See `Processes.watch`. Each iteration is a watch of its own. */
export function watchProcesses(client: Client, options: WatchOptions): AsyncIterable<WatchEvent> {
  return { [Symbol.asyncIterator]: () => cancellable((signal) => watch(client, options, signal), options.signal) };
}

async function* watch(
  client: Client,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, void> {
  const { bookmarkMs = defaultHeartbeatMs } = options;
  const attempts = client.attempts({ ...options, signal }, { what: "watching processes", waits: true });
  let resourceVersion = options.resourceVersion ?? "";
  /** Whether this attempt begins with what there is, and has not said so. */
  let reset = false;
  for (;;) {
    const events = resuming<WatchProcessesResponseJson>({
      attempt: (callOptions) => {
        reset = resourceVersion === "";
        const request = {
          resourceVersion,
          ...filterToJson(options.filter),
          ...viewToJson(options),
          bookmarkInterval: durationToJson(bookmarkMs, "bookmarkMs"),
        };
        return client.stream("pm.v1.ProcessService/WatchProcesses", request, callOptions);
      },
      mayEnd: () => false,
      silenceMs: silenceLimit(bookmarkMs),
      attempts,
      signal,
    });
    try {
      for await (const event of events) {
        if (reset) {
          reset = false;
          yield { type: "reset" };
        }
        const known = watchEventFromJson(event);
        if (known !== undefined) {
          yield known;
        }
        // After the yield: an event that the caller has not taken is not seen.
        resourceVersion = event.resourceVersion || resourceVersion;
      }
    } catch (error) {
      if (!(error instanceof PmError) || error.reason !== "RESOURCE_VERSION_EXPIRED" || resourceVersion === "") {
        throw error;
      }
      resourceVersion = "";
    }
  }
}

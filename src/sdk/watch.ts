/** Watching processes through lost connections and restarts of the daemon. */
import type { WatchProcessesResponseJson } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { cancellable } from "./cancellable.ts";
import { PmError } from "./errors.ts";
import { processFromJson, required } from "./json/process.ts";
import { filterToJson, viewToJson } from "./json/requests.ts";
import { durationToJson } from "./json/scalars.ts";
import { resuming } from "./resuming.ts";
import { Retries } from "./retries.ts";
import type { Transport } from "./transport/transport.ts";
import type { WatchEvent, WatchOptions } from "./types.ts";

const defaultBookmarkMs = 15_000;
/** Bookmarks that may fail to come before the connection is taken for dead. */
const missedBookmarks = 2.5;

/** See `ProcessManager.watch`. Each iteration is a watch of its own. */
export function watchProcesses(transport: Transport, options: WatchOptions): AsyncIterable<WatchEvent> {
  return { [Symbol.asyncIterator]: () => cancellable((signal) => watch(transport, options, signal), options.signal) };
}

async function* watch(
  transport: Transport,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, void> {
  const { bookmarkMs = defaultBookmarkMs, reconnect = true } = options;
  const retries = new Retries({ ...options, signal });
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
          bookmarkInterval: durationToJson(bookmarkMs),
        };
        return transport.stream("pm.v1.ProcessService/WatchProcesses", request, callOptions);
      },
      mayEnd: () => false,
      silenceMs: bookmarkMs * missedBookmarks,
      reconnect,
      retries,
      signal,
    });
    try {
      for await (const event of events) {
        if (reset) {
          reset = false;
          yield { type: "reset" };
        }
        yield eventFromJson(event);
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

function eventFromJson({ type, process, resourceVersion }: WatchProcessesResponseJson): WatchEvent {
  switch (type) {
    case "WATCH_EVENT_TYPE_ADDED":
      return { type: "added", process: processFromJson(process) };
    case "WATCH_EVENT_TYPE_MODIFIED":
      return { type: "modified", process: processFromJson(process) };
    case "WATCH_EVENT_TYPE_REMOVED":
      return { type: "removed", id: required(process?.id, "process.id") };
    case "WATCH_EVENT_TYPE_BOOKMARK":
      return { type: "bookmark", resourceVersion: required(resourceVersion, "resource_version") };
    default:
      throw new PmError("PROTOCOL", `the daemon sent an event of an unknown type: ${type}`, { code: "internal" });
  }
}

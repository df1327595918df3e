/** `pm.events`: the journal. */
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { streamEvents } from "../stream/events.ts";
import type { EventFrame, EventsOptions } from "../types.ts";

/** Use `ProcessManager.events`. */
export class Events {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Streams what happened to processes, each thing, in order, with why and who asked for it: `opened` first, then events,
   * `dropped` where entries are no longer kept, heartbeats while nothing comes. After a lost connection it resumes by
   * sequence: nothing is lost or comes twice. Without `follow` it ends after what there is, else never by itself; leave
   * the loop or abort to end it.
   *
   * @throws PmError `INVALID_ARGUMENT`
   */
  stream(options: EventsOptions = {}): AsyncIterable<EventFrame> {
    refuseUnknown(options, known.events);
    return streamEvents(this.#client, options);
  }
}

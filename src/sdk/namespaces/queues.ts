/** `pm.queues`: how many processes run at a time. A process is in a queue by `SpecOptions.queue`. */
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { queueFromJson } from "../json/project.ts";
import type { CallOptions, Queue, SetQueueOptions } from "../types.ts";

/** Use `ProcessManager.queues`. Methods with a name may reject with `QUEUE_NOT_FOUND`. */
export class Queues {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Makes a queue or changes one; a smaller parallelism stops nothing.
   *
   * @throws PmError `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`
   */
  async set(name: string, options: SetQueueOptions = {}): Promise<Queue> {
    refuseUnknown(options, known.setQueue);
    const { parallelism, paused } = options;
    const request = {
      name,
      ...(parallelism !== undefined && { parallelism }),
      ...(paused !== undefined && { paused }),
    };
    const kind = { what: `setting the queue ${name}` };
    return queueFromJson((await this.#client.unary("pm.v1.QueueService/SetQueue", request, options, kind)).queue);
  }

  async get(name: string, options: CallOptions = {}): Promise<Queue> {
    refuseUnknown(options, known.call);
    const kind = { what: `reading the queue ${name}` };
    return queueFromJson((await this.#client.unary("pm.v1.QueueService/GetQueue", { name }, options, kind)).queue);
  }

  /** All of them, by name. */
  async list(options: CallOptions = {}): Promise<Queue[]> {
    refuseUnknown(options, known.call);
    const kind = { what: "listing queues" };
    const { queues = [] } = await this.#client.unary("pm.v1.QueueService/ListQueues", {}, options, kind);
    return queues.map(queueFromJson);
  }

  /**
   * Gives a process that waits in the queue another place: 1 is the next, beyond the end the last.
   *
   * @throws PmError `PROCESS_NOT_FOUND` if it does not wait in this queue
   */
  async move(name: string, processId: string, position: number, options: CallOptions = {}): Promise<Queue> {
    refuseUnknown(options, known.call);
    const kind = { what: `moving ${processId} in the queue ${name}`, repeatable: "unsent" as const };
    const request = { name, processId, position };
    return queueFromJson((await this.#client.unary("pm.v1.QueueService/MoveInQueue", request, options, kind)).queue);
  }

  /** @throws PmError `QUEUE_NOT_EMPTY` */
  async remove(name: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, known.call);
    const kind = { what: `removing the queue ${name}`, repeatable: "unsent" as const };
    await this.#client.unary("pm.v1.QueueService/RemoveQueue", { name }, options, kind);
  }
}

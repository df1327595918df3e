import { mostSimilar } from "../../../common/similar.ts";
import { SupervisionError } from "../errors.ts";
import type { Ground } from "../ground.ts";
import type { Supervisor } from "../supervisor.ts";
import { inOrder, moved, type QueueRecord } from "./order.ts";

const maxQueues = 1000;

export interface QueueStatus extends QueueRecord {
  readonly running: readonly string[];
  /** The next one first. */
  readonly waiting: readonly string[];
}

/** The queues that were set, and those that processes are in. */
export class Queues {
  readonly #ground: Ground;
  readonly #supervisor: Supervisor;

  constructor(ground: Ground, supervisor: Supervisor) {
    this.#ground = ground;
    this.#supervisor = supervisor;
  }

  get(name: string): QueueStatus {
    const names = this.#names();
    if (!names.includes(name)) {
      const similar = mostSimilar(name, names);
      throw new SupervisionError("QUEUE_NOT_FOUND", `there is no queue ${JSON.stringify(name)}`, {
        name,
        ...(similar === undefined ? {} : { suggestion: similar }),
      });
    }
    const queue = this.#supervisor.queue(name);
    const { running, waiters } = this.#supervisor.queueMembers(name);
    return { ...queue, running, waiting: inOrder(queue, waiters) };
  }

  list(): readonly QueueStatus[] {
    return this.#names().map((name) => this.get(name));
  }

  /** On disk when it resolves. Undefined: as it is. */
  async set(
    name: string,
    change: { readonly parallelism?: number | undefined; readonly paused?: boolean | undefined },
  ): Promise<QueueStatus> {
    const { queues } = this.#ground.store;
    if (queues.get(name) === undefined && queues.size >= maxQueues) {
      throw new SupervisionError("LIMIT_EXCEEDED", `there are ${maxQueues} queues already`, { limit: "queues" });
    }
    const before = this.#supervisor.queue(name);
    await queues.set(name, {
      ...before,
      parallelism: change.parallelism ?? before.parallelism,
      paused: change.paused ?? before.paused,
    });
    this.#supervisor.pump(name);
    return this.get(name);
  }

  async move(name: string, id: string, position: number): Promise<QueueStatus> {
    const { waiting } = this.get(name);
    if (!waiting.includes(id)) {
      throw new SupervisionError(
        "PROCESS_NOT_FOUND",
        `the process does not wait in the queue ${JSON.stringify(name)}`,
        {
          id,
        },
      );
    }
    const { waiters } = this.#supervisor.queueMembers(name);
    const queue = moved(this.#supervisor.queue(name), waiters, id, position);
    // Those that have left the queue are of no interest any more.
    const present = new Set(waiters.map((waiter) => waiter.id));
    await this.#ground.store.queues.set(name, { ...queue, order: queue.order.filter((one) => present.has(one)) });
    this.#supervisor.pump(name);
    return this.get(name);
  }

  async remove(name: string): Promise<void> {
    const { running, waiting } = this.get(name);
    const count = running.length + waiting.length;
    if (count > 0) {
      throw new SupervisionError(
        "QUEUE_NOT_EMPTY",
        `${count} processes run or wait in the queue ${JSON.stringify(name)}`,
        {
          name,
          processes: String(count),
        },
      );
    }
    await this.#ground.store.queues.delete(name);
  }

  #names(): readonly string[] {
    const set = this.#ground.store.queues.values().map((queue) => queue.name);
    return [...new Set([...set, ...this.#supervisor.queueNames()])].sort();
  }
}

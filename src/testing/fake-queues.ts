/** Queues: how many of their processes run at a time. */
import { create } from "@bufbuild/protobuf";
import { type Queue, QueueSchema } from "../../gen/ts/pm/v1/queue_service_pb.ts";
import { reasonError } from "./errors.ts";
import type { FakeProcess } from "./fake-process.ts";
import type { FakeWorld } from "./fake-world.ts";

interface FakeQueue {
  parallelism: number;
  paused: boolean;
  /** Ids, the next one first. */
  waiting: string[];
}

export class FakeQueues {
  readonly #world: FakeWorld;
  readonly #queues = new Map<string, FakeQueue>();

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  /** A queue that there is not is made. */
  enter(name: string, process: FakeProcess): void {
    this.#make(name).waiting.push(process.id);
    this.advance();
  }

  set(name: string, { parallelism, paused }: Partial<Pick<FakeQueue, "parallelism" | "paused">>): Queue {
    const queue = this.#make(name);
    queue.parallelism = parallelism ?? queue.parallelism;
    queue.paused = paused ?? queue.paused;
    this.advance();
    return this.get(name);
  }

  /** @throws QUEUE_NOT_FOUND */
  get(name: string): Queue {
    const { parallelism, paused, waiting } = this.#find(name);
    const running = this.#running(name);
    return create(QueueSchema, { name, parallelism, paused, running, waiting, waitingCount: waiting.length });
  }

  list(): Queue[] {
    return [...this.#queues.keys()].sort().map((name) => this.get(name));
  }

  /** @throws QUEUE_NOT_FOUND, PROCESS_NOT_FOUND */
  move(name: string, id: string, position: number): Queue {
    const queue = this.#find(name);
    if (!queue.waiting.includes(id)) {
      throw reasonError("PROCESS_NOT_FOUND", `no process ${id} waits in the queue ${name}`, { id });
    }
    queue.waiting = queue.waiting.filter((other) => other !== id);
    queue.waiting.splice(position - 1, 0, id);
    return this.get(name);
  }

  /** @throws QUEUE_NOT_FOUND, QUEUE_NOT_EMPTY */
  remove(name: string): void {
    const processes = this.#find(name).waiting.length + this.#running(name).length;
    if (processes > 0) {
      throw reasonError("QUEUE_NOT_EMPTY", `the queue ${name} is in use`, { name, processes: String(processes) });
    }
    this.#queues.delete(name);
  }

  /** Begins what may begin. Called when a run ends, or a process no longer waits. */
  advance(): void {
    for (const [name, queue] of this.#queues) {
      queue.waiting = queue.waiting.filter((id) => this.#world.processes.get(id)?.waiting !== undefined);
      while (!queue.paused && this.#running(name).length < queue.parallelism) {
        const next = this.#world.processes.get(queue.waiting.shift() ?? "");
        if (next === undefined) {
          break;
        }
        next.begin();
      }
    }
  }

  #make(name: string): FakeQueue {
    const queue = this.#queues.get(name) ?? { parallelism: 1, paused: false, waiting: [] };
    this.#queues.set(name, queue);
    return queue;
  }

  #find(name: string): FakeQueue {
    const queue = this.#queues.get(name);
    if (queue === undefined) {
      throw reasonError("QUEUE_NOT_FOUND", `there is no queue ${name}`, { name });
    }
    return queue;
  }

  #running(name: string): string[] {
    return [...this.#world.processes.values()]
      .filter((process) => process.running && process.spec.queue === name)
      .map(({ id }) => id);
  }
}

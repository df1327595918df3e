/** What all services of a fake daemon share: its processes, what happened to them, and whom to tell of it. */
import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema, EventType } from "../../gen/ts/pm/v1/event_pb.ts";
import type { Process, ProcessFilter, ProcessRef } from "../../gen/ts/pm/v1/process_pb.ts";
import type { StartProcessRequest } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { WaitingReason } from "../../gen/ts/pm/v1/supervision_pb.ts";
import { reasonError } from "./errors.ts";
import { isEmpty, matches } from "./fake-filter.ts";
import { FakeProcess, type FakeProgram } from "./fake-process.ts";
import { FakeQueues } from "./fake-queues.ts";

/** Of what a request leaves out. */
type Start = Pick<StartProcessRequest, "id" | "name" | "labels" | "spec">;

export class FakeWorld {
  readonly processes = new Map<string, FakeProcess>();
  /** What was removed, and at which version, for watches that resume. */
  readonly removed: { readonly process: Process; readonly version: bigint }[] = [];
  readonly events: Event[] = [];
  readonly queues = new FakeQueues(this);
  readonly #programs: ReadonlyMap<string, FakeProgram>;
  readonly #waiting = new Set<() => void>();
  #version = 0n;

  constructor(programs: ReadonlyMap<string, FakeProgram>) {
    this.#programs = programs;
  }

  /** Grows with each change of a process. */
  get version(): bigint {
    return this.#version;
  }

  /** Wakes everybody who waits, and answers the new version. */
  change(event?: MessageInitShape<typeof EventSchema>): bigint {
    this.#version += 1n;
    if (event !== undefined) {
      const sequence = BigInt(this.events.length + 1);
      this.events.push(create(EventSchema, { ...event, sequence, time: timestampNow() }));
    }
    for (const wake of this.#waiting) {
      wake();
    }
    return this.#version;
  }

  /**
   * Resolves at the next change.
   *
   * @returns false if `limitMs` passed without one
   * @throws what the signal is aborted with
   */
  async changed(signal: AbortSignal, limitMs?: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const wake = () => resolve(true);
    const timer = limitMs === undefined ? undefined : setTimeout(() => resolve(false), limitMs);
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    const changed = await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener("abort", wake);
    clearTimeout(timer);
    signal.throwIfAborted();
    return changed;
  }

  /** @throws PROCESS_NOT_FOUND */
  find(given: ProcessRef | undefined): FakeProcess {
    const ref = given?.ref;
    const found =
      ref?.case === "id"
        ? this.processes.get(ref.value)
        : [...this.processes.values()].findLast(({ name }) => name !== "" && name === ref?.value);
    if (found === undefined) {
      throw reasonError("PROCESS_NOT_FOUND", `there is no process ${ref?.value}`, {
        [ref?.case ?? "id"]: ref?.value ?? "",
      });
    }
    return found;
  }

  /** Oldest first. */
  select(filter: ProcessFilter | undefined): FakeProcess[] {
    return [...this.processes.values()].filter((process) => matches(process, filter));
  }

  /** As {@link select}, for calls that change what they select. @throws ALL_REQUIRED */
  selectToChange(filter: ProcessFilter | undefined, all: boolean): FakeProcess[] {
    if (isEmpty(filter) && !all) {
      throw reasonError("ALL_REQUIRED", "an empty filter selects every process: say so with all", { field: "all" });
    }
    return this.select(filter);
  }

  /** Makes a process, without a run. @throws START_FAILED, NAME_IN_USE */
  make({ id, name, labels, spec }: Start): FakeProcess {
    const program = this.#programs.get(spec?.executable ?? "");
    if (spec === undefined || program === undefined) {
      const message = `cannot start ${JSON.stringify(spec?.executable)}: the fake daemon has no such program`;
      throw reasonError("START_FAILED", message, { step: "EXEC", errno: "2", errno_name: "ENOENT" });
    }
    if ([...this.processes.values()].some((other) => name !== "" && other.name === name && other.living)) {
      throw reasonError("NAME_IN_USE", `there is a process called ${name}`, { name });
    }
    const process = new FakeProcess({ id: id || randomUUID(), name, labels, spec }, program, this);
    this.processes.set(process.id, process);
    process.note(EventType.CREATED);
    return process;
  }

  /** Begins a run, now or when its queue lets it. */
  begin(process: FakeProcess): void {
    const { queue } = process.spec;
    if (queue === "") {
      process.begin();
    } else {
      process.wait(WaitingReason.QUEUE, [queue]);
      this.queues.enter(queue, process);
    }
  }

  /** Ends a run and begins the next one. */
  restart(process: FakeProcess): void {
    process.note(EventType.RESTART_REQUESTED);
    process.exit({ signal: "SIGTERM" });
    this.begin(process);
  }

  remove(process: FakeProcess): void {
    process.cancel();
    process.exit({ signal: "SIGKILL" });
    this.processes.delete(process.id);
    const version = process.note(EventType.REMOVED);
    this.removed.push({ process: process.snapshot(), version });
  }
}

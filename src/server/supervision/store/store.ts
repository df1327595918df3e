import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DesiredState } from "../../engine/api/process.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import type { ProjectRecord } from "../project/record.ts";
import type { QueueRecord } from "../queue/order.ts";
import type { ScheduleRecord } from "../schedule/schedule.ts";
import { Collection, type UnreadableFile, writeFileDurably } from "./collection.ts";
import { prepareStateDirectory } from "./state-directory.ts";

/** A process that is meant to outlive a reboot. */
export interface KeptProcess {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly desiredState: DesiredState;
  /** Somebody asked to stop it. */
  readonly stopped: boolean;
  readonly project: string;
  readonly schedule: string;
}

/** Everything that survives a reboot. */
export class Store {
  readonly processes: Collection<KeptProcess>;
  readonly projects: Collection<ProjectRecord>;
  readonly schedules: Collection<ScheduleRecord>;
  readonly queues: Collection<QueueRecord>;
  readonly #bootPath: string;

  /** @throws a Node system error */
  constructor(directory: string) {
    prepareStateDirectory(directory);
    this.processes = new Collection(join(directory, "processes"), hasKeys<KeptProcess>("id", "spec", "desiredState"));
    this.projects = new Collection(join(directory, "projects"), hasKeys<ProjectRecord>("name", "processes", "version"));
    this.schedules = new Collection(
      join(directory, "schedules"),
      hasKeys<ScheduleRecord>("name", "processId", "timing"),
    );
    this.queues = new Collection(join(directory, "queues"), hasKeys<QueueRecord>("name", "parallelism", "order"));
    this.#bootPath = join(directory, "boot");
  }

  /** The boot of which everything was last started; empty: none. */
  get bootId(): string {
    try {
      return readFileSync(this.#bootPath, "latin1").trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        return "";
      }
      throw error;
    }
  }

  /** @throws a Node system error */
  setBootId(id: string): void {
    writeFileDurably(this.#bootPath, `${id}\n`);
  }

  get unreadable(): readonly UnreadableFile[] {
    return [this.processes, this.projects, this.schedules, this.queues].flatMap(({ unreadable }) => unreadable);
  }

  async flush(): Promise<void> {
    await Promise.all([this.processes, this.projects, this.schedules, this.queues].map((kept) => kept.flush()));
  }
}

function hasKeys<T extends object>(...keys: readonly (keyof T & string)[]): (value: unknown) => value is T {
  return (value): value is T =>
    typeof value === "object" && value !== null && keys.every((key) => Object.hasOwn(value, key));
}

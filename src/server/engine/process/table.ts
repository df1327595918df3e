import { randomBytes } from "node:crypto";
import type { ProcessInfo } from "../api/process.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "./process.ts";
import type { ReferenceIndex } from "./references.ts";

/** How many removals a watch can resume over. */
const tombstoneLimit = 10_000;

export interface Tombstone {
  readonly id: string;
  readonly createdAt: number;
  readonly removedAt: number;
}

export type TableListener = (process: ManagedProcess) => void;

/** All processes, in order of creation, with a sequence number for each change. */
export class Table implements ReferenceIndex<ManagedProcess> {
  /** Resource versions of another daemon mean nothing to this one. */
  readonly #instance = randomBytes(5).toString("hex");
  readonly #byId = new Map<string, ManagedProcess>();
  readonly #byName = new Map<string, Set<ManagedProcess>>();
  readonly #ordered: ManagedProcess[] = [];
  readonly #listeners = new Set<TableListener>();
  #tombstones: Tombstone[] = [];
  #sequence = 0;
  /** Removals up to here are forgotten. */
  #forgotten = 0;

  get size(): number {
    return this.#byId.size;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get ordered(): readonly ManagedProcess[] {
    return this.#ordered;
  }

  byId(id: string): ManagedProcess | undefined {
    return this.#byId.get(id);
  }

  /** The process of this name that has not ended, else the one started last. */
  byName(name: string): ManagedProcess | undefined {
    let best: ManagedProcess | undefined;
    for (const process of this.#byName.get(name) ?? []) {
      if (!process.ended) return process;
      if (best === undefined || lastStart(process) > lastStart(best)) best = process;
    }
    return best;
  }

  /** Who prevents `except` (or a new process) from living under this name. */
  holderOf(name: string, except?: ManagedProcess): ManagedProcess | undefined {
    for (const process of this.#byName.get(name) ?? []) {
      if (process === except) continue;
      if (!process.ended || process.starting !== null || process.restarting !== null) return process;
    }
    return undefined;
  }

  ids(): Iterable<string> {
    return this.#byId.keys();
  }

  names(): Iterable<string> {
    return this.#byName.keys();
  }

  add(process: ManagedProcess): void {
    this.#byId.set(process.id, process);
    if (process.spec.name !== "") {
      const named = this.#byName.get(process.spec.name) ?? new Set();
      named.add(process);
      this.#byName.set(process.spec.name, named);
    }
    this.#ordered.splice(this.firstAfter(process.createTime, process.id), 0, process);
    process.createdAt = ++this.#sequence;
    this.#changed(process, process.createdAt);
  }

  /** Records that something about a process changed, and wakes whoever waits for it. */
  touch(process: ManagedProcess): void {
    if (!process.removed) this.#changed(process, ++this.#sequence);
  }

  remove(process: ManagedProcess): void {
    if (process.removed) return;
    process.removed = true;
    this.#byId.delete(process.id);
    const named = this.#byName.get(process.spec.name);
    named?.delete(process);
    if (named?.size === 0) this.#byName.delete(process.spec.name);
    const at = this.#ordered.indexOf(process);
    if (at >= 0) this.#ordered.splice(at, 1);
    const removedAt = ++this.#sequence;
    this.#tombstones.push({ id: process.id, createdAt: process.createdAt, removedAt });
    // Trimmed in batches, so that a removal costs no copy of the array.
    if (this.#tombstones.length > tombstoneLimit * 1.25) {
      const dropped = this.#tombstones.splice(0, this.#tombstones.length - tombstoneLimit);
      this.#forgotten = dropped.at(-1)?.removedAt ?? this.#forgotten;
    }
    this.#changed(process, removedAt);
  }

  /** The index in `ordered` of the first process after this place. */
  firstAfter(createTime: bigint, id: string): number {
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const process = this.#ordered[middle];
      const before =
        process !== undefined &&
        (process.createTime < createTime || (process.createTime === createTime && process.id <= id));
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  info(process: ManagedProcess): ProcessInfo {
    return process.info(this.version(process.changedAt));
  }

  version(sequence: number): string {
    return `${this.#instance}-${sequence}`;
  }

  /** The sequence number of a resource version that a watch can resume from. */
  parseVersion(version: string): number {
    const match = /^([0-9a-f]{1,64})-(\d{1,15})$/.exec(version);
    if (match === null) {
      throw new EngineError("INVALID_ARGUMENT", "the resource version is malformed: use one that the daemon gave", {
        field: "resource_version",
      });
    }
    const sequence = Number(match[2]);
    if (match[1] !== this.#instance || sequence < this.#forgotten || sequence > this.#sequence) {
      throw new EngineError(
        "RESOURCE_VERSION_EXPIRED",
        "the resource version is too old, or of another daemon: list again and watch from there",
      );
    }
    return sequence;
  }

  /** Removals after a sequence number that `parseVersion` gave. */
  removedAfter(sequence: number): readonly Tombstone[] {
    return this.#tombstones.filter((tombstone) => tombstone.removedAt > sequence);
  }

  listen(listener: TableListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wakeAll(): void {
    for (const process of this.#ordered) process.changed.notify();
  }

  #changed(process: ManagedProcess, sequence: number): void {
    process.changedAt = sequence;
    for (const listener of this.#listeners) listener(process);
    process.changed.notify();
  }
}

function lastStart(process: ManagedProcess): bigint {
  const started = process.view?.header.started ?? 0n;
  return started > process.createTime ? started : process.createTime;
}

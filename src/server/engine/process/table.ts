import type { ProcessInfo } from "../api/process.ts";
import { EngineError } from "../errors.ts";
import type { Journal } from "../history/journal.ts";
import type { ManagedProcess } from "./process.ts";
import type { ReferenceIndex } from "./references.ts";

export type TableListener = (process: ManagedProcess) => void;

/** All processes, in order of creation. Their versions are numbers of the journal. */
export class Table implements ReferenceIndex<ManagedProcess> {
  readonly #journal: Journal;
  readonly #instance: string;
  readonly #byId = new Map<string, ManagedProcess>();
  readonly #byName = new Map<string, Set<ManagedProcess>>();
  readonly #ordered: ManagedProcess[] = [];
  readonly #listeners = new Set<TableListener>();

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#instance = journal.identity.replaceAll("-", "").slice(0, 12);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The number of the last change of anything. */
  get sequence(): number {
    return this.#journal.sequence;
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
      if (!process.current.ended) return process;
      if (best === undefined || process.current.sequence > best.current.sequence) best = process;
    }
    return best;
  }

  /** Who prevents `except` (or a new process) from living under this name. */
  holderOf(name: string, except?: ManagedProcess): ManagedProcess | undefined {
    for (const process of this.#byName.get(name) ?? []) {
      if (process !== except && (!process.current.ended || process.restarting !== null || process.standing !== null))
        return process;
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
    this.#addName(process);
    this.#ordered.splice(this.firstAfter(process.sequence, process.id), 0, process);
  }

  rename(process: ManagedProcess, name: string): void {
    this.#removeName(process);
    process.name = name;
    this.#addName(process);
  }

  remove(process: ManagedProcess): void {
    if (process.removed) return;
    process.removed = true;
    this.#byId.delete(process.id);
    this.#removeName(process);
    const at = this.firstAfter(process.sequence, process.id) - 1;
    if (this.#ordered[at] === process) this.#ordered.splice(at, 1);
  }

  /** The index in `ordered` of the first process after this place. */
  firstAfter(sequence: number, id: string): number {
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const process = this.#ordered[middle];
      const before =
        process !== undefined && (process.sequence < sequence || (process.sequence === sequence && process.id <= id));
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

  /** The number of a resource version that a watch can resume from. */
  parseVersion(version: string): number {
    const match = /^([0-9a-f]{1,64})-(\d{1,16})$/.exec(version);
    if (match === null) {
      throw new EngineError("INVALID_ARGUMENT", "the resource version is malformed: use one that the daemon gave", {
        field: "resource_version",
      });
    }
    const sequence = Number(match[2]);
    if (match[1] !== this.#instance || !this.#journal.knows(sequence)) {
      throw new EngineError(
        "RESOURCE_VERSION_EXPIRED",
        "the resource version is too old, or of another journal: list again and watch from there",
      );
    }
    return sequence;
  }

  /** Tells everybody that something about a process changed. */
  announce(process: ManagedProcess): void {
    for (const listener of this.#listeners) listener(process);
    process.changed.notify();
  }

  listen(listener: TableListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wakeAll(): void {
    for (const process of this.#ordered) process.changed.notify();
  }

  #addName(process: ManagedProcess): void {
    if (process.name === "") return;
    const named = this.#byName.get(process.name) ?? new Set();
    named.add(process);
    this.#byName.set(process.name, named);
  }

  #removeName(process: ManagedProcess): void {
    const named = this.#byName.get(process.name);
    named?.delete(process);
    if (named?.size === 0) this.#byName.delete(process.name);
  }
}

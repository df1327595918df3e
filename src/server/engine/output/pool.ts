import type { OutputStreamName } from "../api/output.ts";
import type { OutputRun } from "./directory.ts";
import type { OutputSource, SourceRead, SourceView } from "./source.ts";

/** Reads that followers of one run may still want. */
const recentReads = 4;

/** An open source, shared by all who read one run. */
export interface SourceLease {
  readonly source: OutputSource;
  release(): void;
}

/** Sources are open only while somebody reads them: an idle process costs no descriptor. */
export class SourcePool {
  readonly #open = new Map<OutputRun, SharedSource>();

  /**
   * Null: the run has written nothing (yet).
   *
   * @throws what `OutputRun.openSource` does.
   */
  acquire(run: OutputRun): SourceLease | null {
    let shared = this.#open.get(run);
    if (shared === undefined) {
      const source = run.openSource();
      if (source === null) return null;
      shared = new SharedSource(source);
      this.#open.set(run, shared);
    }
    const held = shared;
    held.users++;
    let released = false;
    return {
      source: held,
      release: () => {
        if (released) return;
        released = true;
        if (--held.users > 0) return;
        this.#open.delete(run);
        held.close();
      },
    };
  }
}

interface Recent {
  readonly from: number;
  readonly maxBytes: number;
  readonly read: SourceRead;
}

/**
 * What followers read at the same place is copied once. A read that was right
 * stays right: the bytes at an offset never change, they only go.
 */
class SharedSource implements OutputSource {
  users = 0;
  readonly #source: OutputSource;
  #recent: Recent[] = [];

  constructor(source: OutputSource) {
    this.#source = source;
  }

  read(from: number, maxBytes: number): SourceRead | Promise<SourceRead> {
    if (this.users < 2) {
      this.#recent = [];
      return this.#source.read(from, maxBytes);
    }
    const known = this.#recent.find((recent) => recent.from === from && recent.maxBytes === maxBytes);
    if (known !== undefined) return known.read;
    const read = this.#source.read(from, maxBytes);
    if (!(read instanceof Promise) && read.gap === null && read.nextOffset > from) {
      if (this.#recent.length >= recentReads) this.#recent.shift();
      this.#recent.push({ from, maxBytes, read });
    }
    return read;
  }

  look(): SourceView {
    return this.#source.look();
  }

  tailLines(lines: number, streams: readonly OutputStreamName[], signal?: AbortSignal): Promise<number> {
    return this.#source.tailLines(lines, streams, signal);
  }

  offsetSince(time: bigint): number {
    return this.#source.offsetSince(time);
  }

  timeAt(offset: number): number | null {
    return this.#source.timeAt(offset);
  }

  follow(): void {
    this.#source.follow();
  }

  close(): void {
    this.#recent = [];
    this.#source.close();
  }
}

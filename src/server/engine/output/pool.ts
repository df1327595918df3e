import type { OutputStreamName } from "../api/output.ts";
import type { Blocks } from "./blocks.ts";
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
  readonly read: SourceRead;
}

/**
 * What followers read at the same place is copied once. A read that was right
 * stays right: the bytes at an offset never change, they only go.
 */
class SharedSource implements OutputSource {
  users = 0;
  readonly #source: OutputSource;
  readonly #recent: Recent[] = [];

  constructor(source: OutputSource) {
    this.#source = source;
  }

  read(from: number, maxBytes: number, blocks?: Blocks): SourceRead | Promise<SourceRead> {
    if (this.users < 2) {
      this.#forget(0);
      return this.#source.read(from, maxBytes, blocks);
    }
    const known = this.#recent.find((recent) => recent.from === from && recent.read.nextOffset <= from + maxBytes);
    if (known !== undefined) {
      // Without blocks a reader never says when it is done.
      if (blocks === undefined) known.read.block?.keep();
      else known.read.block?.share();
      return known.read;
    }
    const read = this.#source.read(from, maxBytes, blocks);
    if (!(read instanceof Promise) && read.gap === null && read.nextOffset > from) {
      this.#forget(recentReads - 1);
      read.block?.share();
      this.#recent.push({ from, read });
    }
    return read;
  }

  /** All but the latest `left` reads. */
  #forget(left: number): void {
    while (this.#recent.length > left) this.#recent.shift()?.read.block?.release();
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
    this.#forget(0);
    this.#source.close();
  }
}

import { Notifier } from "../notifier.ts";
import { Ring } from "../shim/ring.ts";

/** An open ring, shared by all who follow one run. */
export interface Follower {
  readonly ring: Ring;
  /** Wakes on every event of the run. */
  readonly news: Notifier;
  readonly release: () => void;
}

interface Shared {
  readonly ring: Ring;
  readonly news: Notifier;
  users: number;
}

/** Rings are open only while somebody follows them: an idle process costs no descriptor. */
export class Followers {
  readonly #runs = new Map<string, Shared>();

  /** @throws a Node system error if the ring cannot be opened. */
  follow(id: string, run: number, path: string): Follower {
    const key = `${id}/${run}`;
    let shared = this.#runs.get(key);
    if (shared === undefined) {
      shared = { ring: Ring.open(path), news: new Notifier(), users: 0 };
      this.#runs.set(key, shared);
    }
    const held = shared;
    held.users++;
    let released = false;
    return {
      ring: held.ring,
      news: held.news,
      release: () => {
        if (released) return;
        released = true;
        if (--held.users > 0) return;
        held.ring.close();
        if (this.#runs.get(key) === held) this.#runs.delete(key);
      },
    };
  }

  notify(id: string, run: number): void {
    this.#runs.get(`${id}/${run}`)?.news.notify();
  }

  /** Wakes the followers of every run of a process, or of all processes. */
  notifyAll(id?: string): void {
    for (const [key, shared] of this.#runs) {
      if (id === undefined || key.startsWith(`${id}/`)) shared.news.notify();
    }
  }

  /**
   * Lets a removed process's rings go from the index, so that a new process of
   * the same id does not meet them. Their followers keep and free them.
   */
  forget(id: string): void {
    this.notifyAll(id);
    for (const key of [...this.#runs.keys()]) {
      if (key.startsWith(`${id}/`)) this.#runs.delete(key);
    }
  }
}

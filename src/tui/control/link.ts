import type { ProcessManager } from "../../sdk/manager.ts";
import type { ConnectionEvent, UsageSample, WatchEvent } from "../../sdk/types.ts";
import type { Action } from "../store/action.ts";
import { computeLayout } from "../store/layout.ts";
import { sortsByUsage } from "../store/sort.ts";
import type { DashboardState } from "../store/state.ts";
import { errorText, sleep } from "./errors.ts";
import { keepHeapSmall } from "./heap.ts";
import type { Source, Store } from "./store.ts";

/** Up to so many living processes all are sampled, above it those in view. */
const SAMPLE_ALL = 500;
const SAMPLE_MS = 1000;
/** Where thousands are sampled, since the table is sorted by what they use: half as often. */
const MANY = 1000;
const SAMPLE_MANY_MS = 2000;
/** A table of thousands takes changes over this often at most: each puts all of its rows together anew. */
const CHANGES_MANY_MS = 150;
/** How many processes of a sample are taken over at a time: keys come in between. */
const PIECE = 2000;
/** A selection that is still moving does not ask for samples. */
const SETTLE_MS = 150;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/** Events of the watch, collected between frames; for a table of thousands between several. */
class WatchSource implements Source {
  readonly #store: Store;
  #events: WatchEvent[] = [];
  #taken = Number.NEGATIVE_INFINITY;

  constructor(store: Store) {
    this.#store = store;
  }

  offer(event: WatchEvent): void {
    this.#events.push(event);
    this.#store.post(this);
  }

  drain(): Action | null {
    const { loaded, processes } = this.#store.state.table;
    const now = performance.now();
    if (loaded && processes.size > MANY && now - this.#taken < CHANGES_MANY_MS) {
      this.#store.post(this);
      return null;
    }
    const events = this.#events;
    this.#events = [];
    this.#taken = now;
    return events.length > 0 ? { type: "watch", events, now: Date.now() } : null;
  }
}

/** The last sample, until it has been taken; a large one is taken in pieces, a piece a frame. */
class UsageSource implements Source {
  readonly #store: Store;
  readonly #details: boolean;
  #newest: UsageSample | null = null;
  /** What is left of the sample that is being taken. */
  #left: UsageSample | null = null;

  constructor(store: Store, details: boolean) {
    this.#store = store;
    this.#details = details;
  }

  offer(sample: UsageSample): void {
    this.#newest = sample;
    this.#store.post(this);
  }

  drain(): Action | null {
    let sample = this.#left;
    if (!sample) {
      sample = this.#newest;
      this.#newest = null;
    }
    if (!sample) {
      return null;
    }
    const { usages } = sample;
    const more = usages.length > PIECE;
    this.#left = more ? { ...sample, usages: usages.slice(PIECE) } : null;
    if (more || this.#newest) {
      this.#store.post(this);
    }
    return { type: "usage", sample: { ...sample, usages: usages.slice(0, PIECE) }, details: this.#details, more };
  }
}

/** What to sample; null: nothing. */
function wantedSamples(state: DashboardState): readonly string[] | "all" | null {
  const { table } = state;
  if (state.connection.phase !== "connected" || table.processes.size === 0) {
    return null;
  }
  if (sortsByUsage(table.sortKey)) {
    return "all";
  }
  const { alive } = table.counts;
  if (alive === 0) {
    return null;
  }
  if (alive <= SAMPLE_ALL) {
    return "all";
  }
  const rows = computeLayout(state).tableRows;
  const ids = table.order.slice(table.top, table.top + rows).filter((id) => table.processes.get(id)?.treeAlive);
  if (table.selected !== null && !ids.includes(table.selected)) {
    ids.push(table.selected);
  }
  return ids.length > 0 ? ids : null;
}

/** One stream of samples, begun anew when something else is wanted. */
class Sampler {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  readonly #source: UsageSource;
  readonly #details: boolean;
  #wanted = "";
  #abort: AbortController | null = null;

  constructor(manager: ProcessManager, store: Store, details: boolean) {
    this.#manager = manager;
    this.#store = store;
    this.#details = details;
    this.#source = new UsageSource(store, details);
  }

  want(ids: readonly string[] | "all" | null): void {
    const key = ids === null ? "" : ids === "all" ? "all" : ids.join();
    if (key === this.#wanted) {
      return;
    }
    this.#wanted = key;
    this.#abort?.abort();
    this.#abort = null;
    if (ids !== null) {
      this.#abort = new AbortController();
      void this.#run(ids, this.#abort.signal);
    } else if (!this.#details && this.#store.state.connection.phase === "connected") {
      // Nothing lives that could be sampled: the total of before is no longer true.
      this.#source.offer({ time: new Date(), usages: [] });
    }
  }

  close(): void {
    this.want(null);
  }

  async #run(ids: readonly string[] | "all", signal: AbortSignal): Promise<void> {
    await sleep(this.#details ? 0 : SETTLE_MS, signal);
    while (!signal.aborted) {
      try {
        const many = ids === "all" && this.#store.state.table.processes.size > MANY;
        const options = {
          intervalMs: many ? SAMPLE_MANY_MS : SAMPLE_MS,
          signal,
          ...(ids !== "all" && { ids }),
          ...(this.#details && { members: true, io: true }),
        };
        for await (const sample of this.#manager.stats(options)) {
          this.#source.offer(sample);
        }
      } catch {
        // The watch reports what is wrong with the connection; samples are not worth a message of their own.
      }
      await sleep(SAMPLE_MS, signal);
    }
  }
}

/** The table's side of the connection to one daemon: the watch and the samples. */
export class DaemonLink {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  readonly #abort = new AbortController();
  readonly #watch: WatchSource;
  readonly #samples: Sampler;
  readonly #detailSamples: Sampler;

  constructor(manager: ProcessManager, store: Store) {
    this.#manager = manager;
    this.#store = store;
    this.#watch = new WatchSource(store);
    this.#samples = new Sampler(manager, store, false);
    this.#detailSamples = new Sampler(manager, store, true);
  }

  /** Watches until closed, however often the connection is lost. */
  open(): void {
    void this.#follow();
  }

  /** Asks for what the state shows. */
  changed(state: DashboardState): void {
    if (!this.#abort.signal.aborted) {
      keepHeapSmall(state.table.loaded && state.table.processes.size > MANY);
      this.#samples.want(wantedSamples(state));
      const { overlay } = state;
      this.#detailSamples.want(overlay?.kind === "details" ? [overlay.id] : null);
    }
  }

  close(): void {
    this.#abort.abort();
    this.#samples.close();
    this.#detailSamples.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#greet();
        attempt = 0;
        const onConnection = (event: ConnectionEvent): void => this.#connection(event);
        for await (const event of this.#manager.watch({ signal, onConnection, bookmarkMs: 5000 })) {
          this.#watch.offer(event);
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        const pause =
          Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 8)) * (0.5 + Math.random() / 2);
        this.#lost(error, attempt + 1, pause);
        await sleep(pause, signal);
      }
    }
  }

  async #greet(): Promise<void> {
    const info = await this.#manager.info({ signal: this.#abort.signal, timeoutMs: 10_000 });
    this.#store.dispatch({ type: "connected", info });
  }

  #connection(event: ConnectionEvent): void {
    if (event.type === "reconnected") {
      // It may be another daemon.
      this.#greet().catch(() => undefined);
    } else {
      this.#lost(event.error, event.attempt, event.retryInMs);
    }
  }

  #lost(error: unknown, attempt: number, pause: number): void {
    if (!this.#abort.signal.aborted) {
      this.#store.dispatch({
        type: "disconnected",
        error: errorText(error),
        attempt,
        retryAt: Date.now() + pause,
      });
    }
  }
}

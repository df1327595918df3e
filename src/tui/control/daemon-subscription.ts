import type { ProcessManager } from "../../sdk/manager.ts";
import type { ConnectionEvent, UsageSample, WatchEvent } from "../../sdk/types.ts";
import type { Action } from "../state/action.ts";
import { computeLayout } from "../state/layout.ts";
import type { DashboardState } from "../state/state.ts";
import { samplesAll } from "../state/table/sampled.ts";
import { sortsByUsage } from "../state/table/sort.ts";
import { errorText } from "./errors.ts";
import { keepHeapSmall } from "./heap.ts";
import { sleep } from "./sleep.ts";
import type { Source, Store } from "./store.ts";

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
  /** Aborted when the table belongs to another daemon. */
  readonly #closed: AbortSignal;
  #events: WatchEvent[] = [];
  #taken = Number.NEGATIVE_INFINITY;

  constructor(store: Store, closed: AbortSignal) {
    this.#store = store;
    this.#closed = closed;
  }

  offer(event: WatchEvent): void {
    this.#events.push(event);
    this.#store.post(this);
  }

  drain(): Action | null {
    if (this.#closed.aborted) {
      return null;
    }
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
  readonly #closed: AbortSignal;
  readonly #details: boolean;
  #newest: UsageSample | null = null;
  /** What is left of the sample that is being taken. */
  #left: UsageSample | null = null;

  constructor(store: Store, closed: AbortSignal, details: boolean) {
    this.#store = store;
    this.#closed = closed;
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
    if (!sample || this.#closed.aborted) {
      return null;
    }
    const { usages } = sample;
    const more = usages.length > PIECE;
    this.#left = more ? { ...sample, usages: usages.slice(PIECE) } : null;
    if (more || this.#newest) {
      this.#store.post(this);
    }
    return {
      type: "usage",
      sample: { ...sample, usages: usages.slice(0, PIECE) },
      details: this.#details,
      more,
      now: Date.now(),
    };
  }
}

/** What to sample; null: nothing. */
function wantedSamples(state: DashboardState): readonly string[] | "all" | null {
  const { table } = state;
  if (state.connection.phase !== "connected" || table.processes.size === 0) {
    return null;
  }
  if (table.counts.alive === 0 && !sortsByUsage(table.sortKey)) {
    return null;
  }
  if (samplesAll(table)) {
    return "all";
  }
  const rows = computeLayout(state).tableRows;
  const ids = table.order.slice(table.top, table.top + rows).filter((id) => table.processes.get(id)?.run?.treeAlive);
  if (table.selected !== null && !ids.includes(table.selected)) {
    ids.push(table.selected);
  }
  return ids.length > 0 ? ids : null;
}

/** The process whose details are open, while there is something to sample. */
function wantedDetails({ connection, overlay, table }: DashboardState): readonly string[] | null {
  return connection.phase === "connected" &&
    overlay?.kind === "details" &&
    table.processes.get(overlay.id)?.run?.treeAlive
    ? [overlay.id]
    : null;
}

/** One stream of samples, begun anew when something else is wanted. */
class Sampler {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  readonly #source: UsageSource;
  readonly #details: boolean;
  #wanted = "";
  #abort: AbortController | null = null;

  constructor(manager: ProcessManager, store: Store, closed: AbortSignal, details: boolean) {
    this.#manager = manager;
    this.#store = store;
    this.#details = details;
    this.#source = new UsageSource(store, closed, details);
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
          ...(ids !== "all" && { filter: { ids } }),
          ...(this.#details && { members: true, io: true }),
        };
        for await (const sample of this.#manager.processes.stats(options)) {
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
export class DaemonSubscription {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  readonly #abort = new AbortController();
  #retry = new AbortController();
  readonly #watch: WatchSource;
  readonly #samples: Sampler;
  readonly #detailSamples: Sampler;

  constructor(manager: ProcessManager, store: Store) {
    this.#manager = manager;
    this.#store = store;
    const { signal } = this.#abort;
    this.#watch = new WatchSource(store, signal);
    this.#samples = new Sampler(manager, store, signal, false);
    this.#detailSamples = new Sampler(manager, store, signal, true);
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
      this.#detailSamples.want(wantedDetails(state));
    }
  }

  close(): void {
    this.#abort.abort();
    this.#samples.close();
    this.#detailSamples.close();
  }

  /** Does not wait any longer before it tries again: the daemon has been started. */
  retry(): void {
    this.#retry.abort();
  }

  async #follow(): Promise<void> {
    const { signal: closed } = this.#abort;
    for (let attempt = 0; !closed.aborted; attempt++) {
      this.#retry = new AbortController();
      const retried = this.#retry.signal;
      const signal = AbortSignal.any([closed, retried]);
      try {
        await this.#greet();
        attempt = 0;
        const onConnection = (event: ConnectionEvent): void => this.#connection(event);
        for await (const event of this.#manager.processes.watch({
          signal,
          onConnection,
          bookmarkMs: 5000,
          reconnectMs: Number.POSITIVE_INFINITY,
        })) {
          this.#watch.offer(event);
        }
      } catch (error) {
        if (closed.aborted) {
          return;
        }
        if (retried.aborted) {
          attempt = -1;
          continue;
        }
        const pause =
          Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 8)) * (0.5 + Math.random() / 2);
        this.#lost(error, attempt + 1, pause);
        await sleep(pause, signal);
      }
    }
  }

  async #greet(): Promise<void> {
    const info = await this.#manager.daemon.info({ signal: this.#abort.signal, timeoutMs: 10_000 });
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

import type { Action, Effect } from "../state/action.ts";
import type { DashboardState } from "../state/state.ts";
import { update } from "../state/update.ts";

/** News that comes faster than it can be read: collected by its owner, taken once a frame. */
export interface Source {
  /** What has come since the last time; null: nothing. */
  drain(): Action | null;
}

/** Milliseconds between frames while only news comes; keys are drawn at once. */
export const FRAME_MS = 40;

/**
 * Holds the state, and is the one place that decides when to draw: at once
 * after a key, else at most every {@link FRAME_MS}.
 */
export class Store {
  state: DashboardState;
  readonly #run: (effect: Effect) => void;
  readonly #draw: () => void;
  readonly #changed: () => void;
  readonly #waiting = new Set<Source>();
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #lastFrame = 0;
  #flushed: (() => void)[] = [];
  #closed = false;

  /**
   * @param run carries out an effect; must not throw
   * @param draw puts the state on the screen
   * @param changed is called before a frame, when the state may ask for something else from the daemon
   */
  constructor(state: DashboardState, run: (effect: Effect) => void, draw: () => void, changed: () => void) {
    this.state = state;
    this.#run = run;
    this.#draw = draw;
    this.#changed = changed;
  }

  /** Applies something rare: a key, the result of a call. */
  dispatch(action: Action): void {
    if (this.#closed) {
      return;
    }
    const { state, effects } = update(this.state, action);
    const changed = state !== this.state;
    this.state = state;
    for (const effect of effects) {
      this.#run(effect);
    }
    if (changed) {
      this.#soon();
    }
  }

  /** Says that a source has news. */
  post(source: Source): void {
    this.#waiting.add(source);
    this.#later();
  }

  /** Resolves after the next frame: for sources that have collected enough. */
  nextFrame(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
      this.#later();
    });
  }

  /** Draws at the next turn of the event loop: keys that come together are drawn together. */
  #soon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.frame();
    });
  }

  /** Draws when the time of the next frame has come. */
  #later(): void {
    if (this.#timer || this.#immediate || this.#closed) {
      return;
    }
    const wait = Math.max(0, this.#lastFrame + FRAME_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.frame();
    }, wait);
  }

  /** Takes the news over and draws. */
  frame(): void {
    if (this.#closed) {
      return;
    }
    const now = performance.now();
    // A key in between must not make the news come faster.
    if (now - this.#lastFrame >= FRAME_MS - 1) {
      this.#lastFrame = now;
      const sources = [...this.#waiting];
      this.#waiting.clear();
      for (const source of sources) {
        const action = source.drain();
        if (action) {
          const { state, effects } = update(this.state, action);
          this.state = state;
          for (const effect of effects) {
            this.#run(effect);
          }
        }
      }
      const flushed = this.#flushed;
      this.#flushed = [];
      for (const resolve of flushed) {
        resolve();
      }
    } else if (this.#waiting.size > 0 || this.#flushed.length > 0) {
      this.#later();
    }
    this.#changed();
    this.#draw();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) {
      clearTimeout(this.#timer);
    }
    if (this.#immediate) {
      clearImmediate(this.#immediate);
    }
    for (const resolve of this.#flushed.splice(0)) {
      resolve();
    }
  }
}

import { randomBytes } from "node:crypto";
import type { OutputAcknowledgement } from "../../api/output.ts";
import { EngineError } from "../../errors.ts";
import type { OutputRun } from "../directory.ts";
import type { OutputNews } from "../news.ts";
import type { SourcePool } from "../pool.ts";
import type { SourceView } from "../source.ts";
import { checkOffset } from "../start.ts";
import { Hold } from "./hold.ts";
import { readHoldFile, removeHoldFile, writeHoldFile } from "./hold-file.ts";

/** A stream's part in a hold. */
export interface HoldLease {
  readonly token: string;
  /** The run's source is there: the shim can be told. Rejects if it cannot. */
  begin(): Promise<void>;
  /** The stream has ended. 30 seconds remain to resume it; after the daemon's death 5 minutes and some seconds. */
  release(): void;
}

/**
 * Who holds which run. The ring says how far the holder is and until when it
 * holds; the token stands in a file beside the ring.
 */
export class Holds {
  readonly #pool: SourcePool;
  readonly #news: OutputNews;
  readonly #holds = new WeakMap<OutputRun, Hold>();

  constructor(pool: SourcePool, news: OutputNews) {
    this.#pool = pool;
    this.#news = news;
  }

  /**
   * Begins a hold, or resumes the one that a token names.
   *
   * @param from Where the stream begins: everything before it counts as taken.
   * @throws EngineError OUTPUT_HELD, HOLD_REFUSED; a Node system error if the token cannot be recorded.
   */
  attach(run: OutputRun, token: string, from: number): HoldLease {
    if (!run.allowsHold) throw refused(run, "its spec does not allow a stream to hold its output");
    const view = this.#look(run);
    const hold = token === "" ? this.#begin(run, view, from) : this.#resume(run, view, token);
    // Also of a stream that is resumed: what it had acknowledged may never have reached the shim.
    hold.advance(from);
    hold.attach();
    const wake = () => this.#onNews(run, hold);
    this.#news.subscribe(run, wake);
    let released = false;
    return {
      token: hold.token,
      begin: () => this.#tell(run, hold),
      release: () => {
        if (released) return;
        released = true;
        this.#news.unsubscribe(run, wake);
        hold.detach();
      },
    };
  }

  /** Nothing is held unless the shim has been told once. */
  async #tell(run: OutputRun, hold: Hold): Promise<void> {
    if (isFinal(run, this.#look(run))) return;
    try {
      await hold.told();
    } catch (error) {
      if (isFinal(run, this.#look(run))) return;
      if (!hold.begun && this.#holds.get(run) === hold) {
        this.#holds.delete(run);
        removeHoldFile(run.holdFile);
      }
      throw error;
    }
  }

  #begin(run: OutputRun, view: SourceView | null, from: number): Hold {
    const known = this.#holds.get(run);
    // An open stream holds even if the shim has not been told yet.
    if (known?.attached === true) throw held(run);
    // A ring that is held without a token waits for its first holder.
    if (isHeld(run, view) && (known !== undefined || readHoldFile(run.holdFile) !== null)) throw held(run);
    const hold = new Hold(run, randomBytes(16).toString("hex"), from);
    // On record before the shim waits for anybody.
    writeHoldFile(run.holdFile, hold.token);
    this.#holds.set(run, hold);
    return hold;
  }

  #resume(run: OutputRun, view: SourceView | null, token: string): Hold {
    const hold = this.#find(run, view, token);
    if (hold !== null) return hold;
    if (isHeld(run, view) && this.#tokenOf(run) !== null && this.#tokenOf(run) !== token) throw held(run);
    throw refused(run, "the hold has ended");
  }

  /** Null: the token names no hold, or one that has run out. */
  #find(run: OutputRun, view: SourceView | null, token: string): Hold | null {
    const known = this.#holds.get(run);
    if (known !== undefined) {
      if (known.token !== token) return null;
      return known.attached || isHeld(run, view) || isFinal(run, view) ? known : null;
    }
    if (readHoldFile(run.holdFile) !== token || !(isHeld(run, view) || isFinal(run, view))) return null;
    const hold = new Hold(run, token, view?.hold?.offset ?? 0, view?.hold?.offset ?? 0);
    this.#holds.set(run, hold);
    return hold;
  }

  #tokenOf(run: OutputRun): string | null {
    return this.#holds.get(run)?.token ?? readHoldFile(run.holdFile);
  }

  /** @throws EngineError HOLD_REFUSED, OFFSET_OUT_OF_RANGE */
  async acknowledge(run: OutputRun, { token, nextOffset, release }: OutputAcknowledgement): Promise<void> {
    const view = this.#look(run);
    const hold = token === "" ? null : this.#find(run, view, token);
    if (hold === null) throw refused(run, "no hold of this token, or it has ended");
    checkOffset(nextOffset, view?.nextOffset ?? 0);
    hold.advance(nextOffset);
    const final = isFinal(run, view);
    if (release) {
      this.#holds.delete(run);
      removeHoldFile(run.holdFile);
      if (final) hold.end();
      else await hold.release();
      return;
    }
    if (final || view === null) return;
    if (hold.untold >= view.capacityBytes / 4 || (view.hold?.blocking === true && hold.untold > 0)) hold.tell();
  }

  /** The shim says that it waits, or that the run is over. */
  #onNews(run: OutputRun, hold: Hold): void {
    let view: SourceView | null;
    try {
      view = this.#look(run);
    } catch {
      // Whoever reads the run is told.
      return;
    }
    if (isFinal(run, view)) hold.end();
    else if (hold.untold > 0 && view?.hold?.blocking === true) hold.tell();
  }

  #look(run: OutputRun): SourceView | null {
    const lease = this.#pool.acquire(run);
    try {
      return lease?.source.look() ?? null;
    } finally {
      lease?.release();
    }
  }
}

/** Nothing can be dropped any more, so that there is nothing to hold. */
function isFinal(run: OutputRun, view: SourceView | null): boolean {
  return run.over !== null || view?.complete === true;
}

function isHeld(run: OutputRun, view: SourceView | null): boolean {
  return !isFinal(run, view) && view !== null && view.hold !== null;
}

function held(run: OutputRun): EngineError {
  return new EngineError(
    "OUTPUT_HELD",
    `another stream holds the output of run ${run.number} of process ${run.processId}`,
    identify(run),
  );
}

function refused(run: OutputRun, why: string): EngineError {
  return new EngineError(
    "HOLD_REFUSED",
    `cannot hold the output of run ${run.number} of process ${run.processId}: ${why}`,
    identify(run),
  );
}

function identify(run: OutputRun): Record<string, string> {
  return { id: run.processId, run: String(run.number) };
}

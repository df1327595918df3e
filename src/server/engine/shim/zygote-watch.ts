import { lockHolders } from "./lock-holders.ts";
import { procStat } from "./proc-stat.ts";

/** After this time it is looked whether somebody stopped what does not respond. */
const suspiciousMs = 250;
/** So long a new zygote waits for the lock before it is looked who has it. */
const lockMs = 1_000;
/** A zygote responds at once; one that says nothing for so long is replaced, which loses nothing. */
const patienceMs = 10_000;

export interface ZygoteWatchOptions {
  readonly lockPath: string;
  /** The zygote's process id; null: none runs. */
  readonly pid: () => number | null;
  /** It has said that it serves, and has not ended since. */
  readonly ready: () => boolean;
  /** Something was asked of it that it does at once, and it has not said that it is done. */
  readonly owes: () => boolean;
  readonly onWarning: (message: string) => void;
  /** Milliseconds without a word until it is replaced. Default: 10 seconds. */
  readonly patienceMs?: number;
}

/**
 * Sees to it that a zygote which was stopped, or does not respond, keeps nobody
 * waiting: it is continued, then killed. Neither loses anything: what was asked
 * of it is asked of the next one. Looks only while something is awaited.
 */
export class ZygoteWatch {
  readonly #options: ZygoteWatchOptions;
  readonly #patienceMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** When it last said something, or something was first awaited from it. */
  #since = 0;

  constructor(options: ZygoteWatchOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? patienceMs;
  }

  /** Something is awaited from it. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#since = performance.now();
    this.#next(suspiciousMs);
  }

  /** It has said something. */
  heard(): void {
    this.#since = performance.now();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#timer = undefined;
    const { ready, owes, pid, onWarning } = this.#options;
    if (ready() && !owes()) return;
    const silentMs = performance.now() - this.#since;
    const own = pid();
    const isOver = silentMs >= this.#patienceMs;
    if (isOver) this.#since = performance.now();
    if (ready()) {
      if (own !== null && isStopped(own)) this.#continue(own);
      else if (own !== null && isOver) {
        onWarning(`the zygote, process ${own}, does not respond; it is replaced`);
        signal(own, "SIGKILL");
      }
    } else if (own !== null && silentMs >= lockMs) {
      // It waits for the lock: of an earlier zygote, or of a shim that has not published its ring.
      this.#hurry(own, isOver);
    }
    this.#next(Math.min(suspiciousMs * 2, this.#patienceMs));
  }

  #hurry(own: number | null, isOver: boolean): void {
    for (const holder of lockHolders(this.#options.lockPath)) {
      if (holder.stopped) this.#continue(holder.pid);
      else if (isOver && holder.pid !== own) {
        this.#options.onWarning(`process ${holder.pid} does not release the zygote lock; it is killed`);
        signal(holder.pid, "SIGKILL");
      }
    }
  }

  #continue(pid: number): void {
    this.#options.onWarning(`somebody stopped process ${pid}, a helper that starts processes; it is continued`);
    signal(pid, "SIGCONT");
  }
}

function isStopped(pid: number): boolean {
  return procStat(pid)?.state === "T";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

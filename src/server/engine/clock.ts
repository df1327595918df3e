import { uptime } from "node:os";

/** The time as people know it, which may step, and one that only grows. */
export interface Clock {
  /** Nanoseconds since the epoch (CLOCK_REALTIME, in milliseconds at best). For showing. */
  wall(): bigint;
  /**
   * Milliseconds since the machine booted, suspension included
   * (CLOCK_BOOTTIME). For ages and deadlines: it outlives the daemon, as the
   * runtime directory does, and no clock step moves it.
   */
  boot(): number;
}

/** How long the offset between the two counters is believed: a suspension moves it. */
const offsetMs = 1_000;

/** libuv reads /proc/uptime, which costs 10 µs: too much for every entry of the journal. */
class SystemClock implements Clock {
  #offset = 0;
  #measured = Number.NEGATIVE_INFINITY;

  wall(): bigint {
    return BigInt(Date.now()) * 1_000_000n;
  }

  boot(): number {
    const now = performance.now();
    if (now - this.#measured > offsetMs) {
      this.#offset = uptime() * 1000 - now;
      this.#measured = now;
    }
    return Math.round(now + this.#offset);
  }
}

export const systemClock: Clock = new SystemClock();

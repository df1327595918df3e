import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineLogger } from "../logger.ts";

/** The socket, the process id file, the records and FIFOs of a daemon that starts: inodes and pages. */
const files = 16;
const bytesEach = 4096;
/** Below this the reserve is given back for the start of a daemon. */
const scarceFiles = 32;
const scarceBytes = 512 * 1024;
/** By then a daemon that starts has made its files. */
const refillMs = 1_000;

/**
 * Room that is kept in the runtime directory, so that a daemon can come back
 * where processes have filled it: nothing else could clean it up.
 */
export class Reserve {
  readonly #directory: string;
  readonly #logger: EngineLogger;
  #timer: NodeJS.Timeout | null = null;

  constructor(runtimeDir: string, logger: EngineLogger) {
    this.#directory = join(runtimeDir, "reserve");
    this.#logger = logger;
  }

  /** Gives it back if room is scarce, and makes it again soon; else it is there at once. */
  release(): void {
    const { bavail, bsize, ffree, files: total } = statfsSync(join(this.#directory, ".."));
    const isScarce = bavail * bsize < scarceBytes || (total > 0 && ffree < scarceFiles);
    if (!isScarce) {
      this.refill();
      return;
    }
    this.#logger.warn({ path: this.#directory }, "the runtime directory is nearly full; using the reserve");
    rmSync(this.#directory, { recursive: true, force: true });
    this.#timer = setTimeout(() => this.refill(), refillMs);
    this.#timer.unref();
  }

  /** As far as there is room. */
  refill(): void {
    try {
      // Not the runtime directory too, if that is gone.
      if (!existsSync(this.#directory)) mkdirSync(this.#directory, { mode: 0o700 });
      const there = new Set(readdirSync(this.#directory));
      for (let number = 1; number <= files; number++) {
        if (!there.has(String(number))) writeFileSync(join(this.#directory, String(number)), Buffer.alloc(bytesEach));
      }
    } catch (error) {
      this.#logger.debug({ error: String(error) }, "no room for the whole reserve");
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.refill();
  }
}

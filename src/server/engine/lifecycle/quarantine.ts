import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import type { EngineLogger } from "../options.ts";

/** Something in the runtime directory that this daemon cannot use. */
export interface UnreadableFile {
  /** Where it lies now. */
  readonly path: string;
  /** Why, in words. Empty for what an earlier daemon set aside. */
  readonly reason: string;
  /** False: it stays where it was, as it may be of use to a newer daemon. */
  readonly moved: boolean;
}

/** How many are named at once; the directory holds them all. */
const maxListed = 1_000;

/**
 * What cannot be read is never deleted: it is moved aside, so that it harms
 * nothing, and named in the log and in the daemon's status.
 */
export class Quarantine {
  readonly #directory: string;
  readonly #logger: EngineLogger;
  readonly #files: UnreadableFile[] = [];
  #made = false;

  constructor(runtimeDir: string, logger: EngineLogger) {
    this.#directory = join(runtimeDir, "quarantine");
    this.#logger = logger;
    for (const name of this.#names()) this.#list({ path: join(this.#directory, name), reason: "", moved: true });
  }

  get files(): readonly UnreadableFile[] {
    return this.#files;
  }

  /** Moves a file or directory out of the way. Where even that fails it stays, and is named. */
  setAside(path: string, reason: string): void {
    try {
      this.#make();
      const target = this.#free(basename(path));
      renameSync(path, target);
      this.#logger.warn({ path, movedTo: target, reason }, "something unreadable was set aside; nothing was deleted");
      this.#list({ path: target, reason, moved: true });
    } catch (error) {
      this.#logger.warn({ path, reason, error: String(error) }, "something unreadable cannot be set aside; it stays");
      this.#list({ path, reason, moved: false });
    }
  }

  /** Names what stays where it is, such as the files of a newer version. */
  leave(path: string, reason: string): void {
    this.#logger.warn({ path, reason }, "something unreadable is left alone");
    this.#list({ path, reason, moved: false });
  }

  #list(file: UnreadableFile): void {
    if (this.#files.length < maxListed) this.#files.push(file);
  }

  #names(): string[] {
    try {
      const names = readdirSync(this.#directory);
      this.#made = true;
      return names;
    } catch {
      // Nothing was ever set aside.
      return [];
    }
  }

  #make(): void {
    if (this.#made) return;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#made = true;
  }

  /** rename(2) replaces what is there. */
  #free(name: string): string {
    const taken = new Set(this.#names());
    if (!taken.has(name)) return join(this.#directory, name);
    for (let number = 2; ; number++) {
      if (!taken.has(`${name}.${number}`)) return join(this.#directory, `${name}.${number}`);
    }
  }
}

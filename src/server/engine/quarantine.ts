import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import type { SetAside } from "./api/engine.ts";
import type { EngineLogger } from "./logger.ts";

/** How many are named at once; the directory holds them all. */
const maxListed = 100;
const unknown = { processId: "", newer: false } as const;

/**
 * What cannot be read is never deleted: it is moved aside, so that it harms
 * nothing, and named in the log and in the daemon's status.
 */
export class Quarantine {
  readonly #directory: string;
  readonly #logger: EngineLogger;
  readonly #files = new Map<string, SetAside>();
  #count = 0;
  #made = false;

  constructor(runtimeDir: string, logger: EngineLogger) {
    this.#directory = join(runtimeDir, "quarantine");
    this.#logger = logger;
    for (const name of this.#names()) {
      this.#list({ path: join(this.#directory, name), problem: "an earlier daemon could not read it", ...unknown });
    }
  }

  /** The first ones. */
  get files(): readonly SetAside[] {
    return [...this.#files.values()];
  }

  /** All of them. */
  get count(): number {
    return this.#count;
  }

  /** Moves a file or directory out of the way. Where even that fails it stays, and is named. */
  setAside(path: string, problem: string, processId = ""): void {
    try {
      this.#make();
      const target = this.#free(basename(path));
      renameSync(path, target);
      this.#logger.warn({ path, movedTo: target, problem }, "something unreadable was set aside; nothing was deleted");
      this.#list({ path: target, problem, processId, newer: false });
    } catch (error) {
      this.#logger.warn({ path, problem, error: String(error) }, "something unreadable cannot be set aside; it stays");
      this.#list({ path, problem, processId, newer: false });
    }
  }

  /** Names what stays where it is, such as the files of a newer version. */
  leave(path: string, problem: string, about: Partial<Pick<SetAside, "processId" | "newer">> = {}): void {
    if (this.#files.has(path)) return;
    this.#logger.warn({ path, problem }, "something unreadable is left alone");
    this.#list({ path, problem, ...unknown, ...about });
  }

  #list(file: SetAside): void {
    this.#count++;
    if (this.#files.size < maxListed) this.#files.set(file.path, file);
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

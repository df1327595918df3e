/**
 * A value read from files and read again when they change. What cannot be read
 * is refused: it is logged, and the value before it stays in force.
 */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** The part of a pino logger that is used here. */
export interface ReloadLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ReloadableOptions<T> {
  /** What it is, for the log: "users", "TLS files". */
  readonly what: string;
  /** Watched for changes, replacement by rename(2) included. Behind a symbolic link only the link is watched. */
  readonly files: readonly string[];
  readonly load: () => Promise<T>;
  readonly log: ReloadLog;
  /** Told of each new value; if it throws, that value is refused too. */
  readonly apply?: (value: T) => void;
}

/** Editors and `pm user` write in several steps; one read after the last is enough. */
const settleMs = 100;

export class Reloadable<T> implements Disposable {
  readonly #options: ReloadableOptions<T>;
  readonly #watchers: FSWatcher[] = [];
  #current: T;
  #timer: NodeJS.Timeout | undefined;
  #reloading: Promise<boolean> | undefined;
  #again = false;
  #closed = false;

  /**
   * Reads the first value and begins to watch.
   *
   * @throws what `load` throws: at first there is no earlier value to keep
   */
  static async open<T>(options: ReloadableOptions<T>): Promise<Reloadable<T>> {
    return new Reloadable(options, await options.load());
  }

  private constructor(options: ReloadableOptions<T>, first: T) {
    this.#options = options;
    this.#current = first;
    const namesByDirectory = new Map<string, Set<string>>();
    for (const file of options.files) {
      const names = namesByDirectory.get(dirname(file)) ?? new Set();
      namesByDirectory.set(dirname(file), names.add(basename(file)));
    }
    for (const [directory, names] of namesByDirectory) {
      try {
        const watcher = watch(directory, { persistent: false }, (_event, name) => {
          if (name === null || names.has(name)) {
            this.#schedule();
          }
        });
        watcher.on("error", (error) => this.#cannotWatch(directory, error));
        this.#watchers.push(watcher);
      } catch (error) {
        this.#cannotWatch(directory, error);
      }
    }
  }

  /** The value in force. */
  get current(): T {
    return this.#current;
  }

  /** Reads the files now; whether a new value is in force. Never rejects. */
  async reload(): Promise<boolean> {
    if (this.#reloading !== undefined) {
      // A read under way may have seen the state before the change.
      this.#again = true;
      return this.#reloading;
    }
    this.#reloading = this.#readUntilSettled();
    try {
      return await this.#reloading;
    } finally {
      this.#reloading = undefined;
    }
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) {
      watcher.close();
    }
  }

  async #readUntilSettled(): Promise<boolean> {
    let changed: boolean;
    do {
      this.#again = false;
      changed = await this.#readOnce();
    } while (this.#again && !this.#closed);
    return changed;
  }

  async #readOnce(): Promise<boolean> {
    const { what, files, load, log, apply } = this.#options;
    try {
      const value = await load();
      if (this.#closed) {
        return false;
      }
      apply?.(value);
      this.#current = value;
      log.info({ files }, `${what} reloaded`);
      return true;
    } catch (error) {
      log.error({ files, error: (error as Error).message }, `${what} refused; the earlier state stays in force`);
      return false;
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#closed) {
      this.#timer = setTimeout(() => void this.reload(), settleMs).unref();
    }
  }

  #cannotWatch(directory: string, error: unknown): void {
    this.#options.log.warn(
      { directory, error: (error as Error).message },
      `cannot watch for changes of the ${this.#options.what}; send SIGHUP after a change`,
    );
  }
}

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** A file that cannot be used. It is kept. */
export interface UnreadableFile {
  /** Where it lies now. */
  readonly path: string;
  readonly problem: string;
  /** A newer version of pm wrote it; it was not moved. */
  readonly newer: boolean;
}

interface Envelope {
  readonly version: number;
  readonly value: unknown;
}

/** Raised when a format changes; the older one is then read and rewritten. */
const version = 1;
const suffix = ".json";
const unreadable = ".unreadable";

/**
 * Values of one kind on disk, a file each, mode 0600: they hold environments.
 * A file is replaced as a whole, and is on disk when the writing resolves.
 * Writes of one key that come faster than the disk are written as the last of
 * them.
 */
export class Collection<T> {
  readonly #directory: string;
  readonly #values = new Map<string, T>();
  /** What is to be written next; null: the file is to go. */
  readonly #pending = new Map<string, T | null>();
  #writing: Promise<void> | undefined;
  readonly unreadable: UnreadableFile[] = [];

  /**
   * @param accepts Whether a value that was read is one of these.
   * @throws a Node system error
   */
  constructor(directory: string, accepts: (value: unknown) => value is T) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) {
      if (name.endsWith(".tmp")) {
        // Left by a daemon that died while it wrote; the file itself is whole.
        rmSync(join(directory, name), { force: true });
      } else if (name.endsWith(suffix)) {
        this.#read(name.slice(0, -suffix.length), accepts);
      }
    }
  }

  #read(key: string, accepts: (value: unknown) => value is T): void {
    const path = join(this.#directory, key + suffix);
    let problem: string;
    try {
      const envelope = JSON.parse(readFileSync(path, "utf8"), revive) as Partial<Envelope> | null;
      if (typeof envelope?.version === "number" && envelope.version > version) {
        this.unreadable.push({ path, problem: `format ${envelope.version} is newer than ${version}`, newer: true });
        return;
      }
      if (envelope?.version === version && accepts(envelope.value)) {
        this.#values.set(key, envelope.value);
        return;
      }
      problem = "it is not what pm writes";
    } catch (error) {
      if (!(error instanceof SyntaxError)) {
        // It may be readable another time.
        const { code = "unknown error" } = error as NodeJS.ErrnoException;
        this.unreadable.push({ path, problem: code, newer: false });
        return;
      }
      problem = error.message;
    }
    renameSync(path, path + unreadable);
    this.unreadable.push({ path: path + unreadable, problem, newer: false });
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  /** In order of the keys. */
  values(): readonly T[] {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
  }

  get size(): number {
    return this.#values.size;
  }

  /** Resolves when it is on disk; it is known at once. @throws a Node system error */
  set(key: string, value: T): Promise<void> {
    this.#values.set(key, value);
    return this.#write(key, value);
  }

  /** Resolves when it is gone from the disk; it is gone from here at once. @throws a Node system error */
  delete(key: string): Promise<void> {
    // Most processes are never kept here. One that went a moment ago is in the round that is being written.
    if (!this.#values.delete(key) && !this.#pending.has(key)) return this.flush();
    return this.#write(key, null);
  }

  #write(key: string, value: T | null): Promise<void> {
    this.#pending.set(key, value);
    return this.flush();
  }

  /** Resolves when everything is on disk. @throws a Node system error */
  async flush(): Promise<void> {
    // What comes while a round is being written is in the next one.
    await this.#writing?.catch(() => undefined);
    if (this.#pending.size > 0) {
      this.#writing ??= this.#writeRound().finally(() => {
        this.#writing = undefined;
      });
    }
    await this.#writing;
  }

  async #writeRound(): Promise<void> {
    const round = new Map(this.#pending);
    this.#pending.clear();
    try {
      await this.#writeFiles(round);
    } catch (error) {
      // It is tried again with the next write, unless that is of the same key.
      for (const [key, value] of round) {
        if (!this.#pending.has(key)) {
          this.#pending.set(key, value);
        }
      }
      throw error;
    }
  }

  async #writeFiles(round: ReadonlyMap<string, T | null>): Promise<void> {
    for (const [key, value] of round) {
      const path = join(this.#directory, key + suffix);
      if (value === null) {
        await rm(path, { force: true });
        continue;
      }
      const temporary = `${path}.tmp`;
      const file = await open(temporary, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify({ version, value } satisfies Envelope, replace));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    }
    const directory = await open(this.#directory, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Writes a small file as a whole; it is on disk when this returns. @throws a Node system error */
export function writeFileDurably(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** JSON has neither bytes nor 64-bit numbers: both as an object of one key, with a NUL that no name can have. */
const largeNumber = "\0n";
const bytes = "\0b";

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    return { [largeNumber]: value.toString() };
  }
  // Uint8Array has no toJSON, unlike Buffer.
  if (value instanceof Uint8Array) {
    return { [bytes]: Buffer.from(value).toString("base64") };
  }
  return value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    const { [largeNumber]: number, [bytes]: base64 } = value as Record<string, unknown>;
    if (typeof number === "string") {
      return BigInt(number);
    }
    if (typeof base64 === "string") {
      return new Uint8Array(Buffer.from(base64, "base64"));
    }
  }
  return value;
}

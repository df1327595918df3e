import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestContext } from "../api/control.ts";
import type { Clock } from "../clock.ts";
import { EngineError } from "../errors.ts";
import type { EngineLogger } from "../logger.ts";

const version = 1;
const hourMs = 3_600_000;
/** Of all files together, in whole pages: some thousand requests, or more than a hundred thousand ids. */
const defaultMaxBytes = 8 * 1024 * 1024;
const pageBytes = 4096;

interface Selection {
  readonly version: typeof version;
  readonly fingerprint: string;
  /** Milliseconds since the machine booted. */
  readonly bootMs: number;
  readonly ids: readonly string[];
}

interface Kept {
  readonly bytes: number;
  readonly bootMs: number;
  /** Where it could not be written. */
  readonly selection?: Selection;
}

/**
 * What calls by filter with a request id selected, so that the same request
 * again is about the same processes, and not about others that fit its filter
 * by then. In files, since the next daemon may be the one that is asked again.
 * Kept for an hour; the oldest go first where there are too many.
 */
export class Selections {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #logger: EngineLogger;
  readonly #maxBytes: number;
  /** By file name, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #found = false;

  /** @param directory is made when it is needed */
  constructor(directory: string, clock: Clock, logger: EngineLogger, maxBytes = defaultMaxBytes) {
    this.#directory = directory;
    this.#clock = clock;
    this.#logger = logger;
    this.#maxBytes = maxBytes;
  }

  /**
   * @param fingerprint tells this request from others
   * @throws EngineError REQUEST_ID_REUSED if another request had this id
   */
  select(
    { principal, requestId }: Pick<RequestContext, "principal" | "requestId">,
    fingerprint: string,
    select: () => readonly string[],
  ): readonly string[] {
    if (requestId === "") return select();
    if (!this.#found) this.#find();
    this.#drop(0);
    const name = createHash("sha256").update(`${principal}\0${requestId}`).digest("hex");
    const kept = this.#kept.get(name);
    const known = kept === undefined ? null : (kept.selection ?? this.#read(name));
    if (known === null) {
      const ids = select();
      this.#write(name, { version, fingerprint, bootMs: this.#clock.boot(), ids });
      return ids;
    }
    if (known.fingerprint !== fingerprint) {
      throw new EngineError("REQUEST_ID_REUSED", "this request id was used for another request", {
        request_id: requestId,
      });
    }
    return known.ids;
  }

  /** What earlier daemons left. */
  #find(): void {
    this.#found = true;
    const found: [string, Kept][] = [];
    let names: string[] = [];
    try {
      names = readdirSync(this.#directory);
    } catch {
      // There is none yet.
    }
    for (const name of names) {
      const selection = this.#read(name);
      if (selection === null) this.#delete(name);
      else found.push([name, { bytes: pages(statSync(join(this.#directory, name)).size), bootMs: selection.bootMs }]);
    }
    for (const [name, kept] of found.sort(([, a], [, b]) => a.bootMs - b.bootMs)) this.#keep(name, kept);
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.set(name, kept);
    this.#bytes += kept.bytes;
  }

  /** What is too old, and what makes room for so many bytes. */
  #drop(room: number): void {
    const oldest = this.#clock.boot() - hourMs;
    for (const [name, { bytes, bootMs }] of this.#kept) {
      if (bootMs > oldest && this.#bytes + room <= this.#maxBytes) return;
      this.#kept.delete(name);
      this.#bytes -= bytes;
      this.#delete(name);
    }
  }

  /** On record before the first process is touched, where the file system has room. */
  #write(name: string, selection: Selection): void {
    const text = JSON.stringify(selection);
    const bytes = pages(text.length);
    this.#drop(bytes);
    const path = join(this.#directory, name);
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, text, { mode: 0o600 });
      renameSync(`${path}.new`, path);
      this.#keep(name, { bytes, bootMs: selection.bootMs });
    } catch (error) {
      this.#logger.warn({ error: String(error) }, "cannot record what a call by filter selected for the next daemon");
      this.#keep(name, { bytes, bootMs: selection.bootMs, selection });
      this.#delete(`${name}.new`);
    }
  }

  #delete(name: string): void {
    try {
      rmSync(join(this.#directory, name), { force: true, recursive: true });
    } catch {
      // The directory is none. What is left is found by the next daemon.
    }
  }

  /** Null: it is not there, or not of this version. */
  #read(name: string): Selection | null {
    try {
      const value: unknown = JSON.parse(readFileSync(join(this.#directory, name), "utf8"));
      return isSelection(value) ? value : null;
    } catch {
      return null;
    }
  }
}

function pages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

function isSelection(value: unknown): value is Selection {
  if (typeof value !== "object" || value === null) return false;
  const { version: found, fingerprint, bootMs, ids } = value as Record<string, unknown>;
  return (
    found === version &&
    typeof fingerprint === "string" &&
    typeof bootMs === "number" &&
    Array.isArray(ids) &&
    ids.every((id) => typeof id === "string")
  );
}

const BUCKETS = 1024;
/** How many characters choose the bucket: the end of a UUID is random. */
const HASHED = 4;

type Buckets<V> = readonly ReadonlyMap<string, V>[];

function bucketOf(key: string): number {
  let hash = 0;
  for (let i = Math.max(0, key.length - HASHED); i < key.length; i++) {
    hash = (hash * 31 + key.charCodeAt(i)) | 0;
  }
  return hash & (BUCKETS - 1);
}

/**
 * A map by text that never changes: an edited one shares with it what was not
 * touched. With 10,000 entries a change copies about ten.
 */
export class PersistentMap<V> {
  readonly size: number;
  readonly #buckets: Buckets<V>;

  constructor(buckets: Buckets<V> = new Array<ReadonlyMap<string, V>>(BUCKETS).fill(new Map()), size = 0) {
    this.#buckets = buckets;
    this.size = size;
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** In no particular order. */
  *values(): Generator<V> {
    for (const bucket of this.#buckets) {
      yield* bucket.values();
    }
  }

  edit(): MapEditor<V> {
    return new MapEditor(this, this.#buckets);
  }
}

/** Collects changes to a {@link PersistentMap}. */
export class MapEditor<V> {
  readonly #original: PersistentMap<V>;
  readonly #buckets: ReadonlyMap<string, V>[];
  /** Those of the buckets that are copies. */
  readonly #owned: (Map<string, V> | undefined)[] = [];
  #size: number;

  constructor(original: PersistentMap<V>, buckets: Buckets<V>) {
    this.#original = original;
    this.#buckets = [...buckets];
    this.#size = original.size;
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  set(key: string, value: V): void {
    const bucket = this.#own(bucketOf(key));
    const before = bucket.size;
    bucket.set(key, value);
    this.#size += bucket.size - before;
  }

  delete(key: string): void {
    if (this.get(key) !== undefined) {
      this.#own(bucketOf(key)).delete(key);
      this.#size--;
    }
  }

  /** The map with the changes, the same one if there are none. The editor is of no use after it. */
  done(): PersistentMap<V> {
    return this.#owned.length === 0 ? this.#original : new PersistentMap(this.#buckets, this.#size);
  }

  #own(index: number): Map<string, V> {
    let bucket = this.#owned[index];
    if (!bucket) {
      bucket = new Map(this.#buckets[index]);
      this.#owned[index] = bucket;
      this.#buckets[index] = bucket;
    }
    return bucket;
  }
}

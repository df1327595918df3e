/**
 * A ring that cannot be believed: garbled, truncated, or no ring at all. It
 * names the first field that is wrong.
 */
export class RingUnreadableError extends Error {
  override readonly name = "RingUnreadableError";
  /** A field of `struct pm_ring`, or "file size", "index entry". */
  readonly field: string;
  readonly found: string;
  readonly expected: string;

  constructor(field: string, found: string | number | bigint, expected: string) {
    super(`the ring cannot be read: ${field} is ${found}, expected ${expected}`);
    this.field = field;
    this.found = String(found);
    this.expected = expected;
  }
}

/** A ring of another protocol version. Who is who in it is known nevertheless. */
export class RingVersionError extends Error {
  override readonly name = "RingVersionError";
  readonly version: number;
  /** The version that this program reads. */
  readonly supported: number;
  readonly shimPid: number;
  /** Clock ticks since boot. */
  readonly shimStart: bigint;
  readonly childPid: number;
  /** Clock ticks since boot. */
  readonly childStart: bigint;

  constructor(
    version: number,
    supported: number,
    who: { shimPid: number; shimStart: bigint; childPid: number; childStart: bigint },
  ) {
    super(`the ring has version ${version}, this program reads version ${supported}`);
    this.version = version;
    this.supported = supported;
    this.shimPid = who.shimPid;
    this.shimStart = who.shimStart;
    this.childPid = who.childPid;
    this.childStart = who.childStart;
  }

  /** Whether a newer program wrote it. */
  get isNewer(): boolean {
    return this.version > this.supported;
  }
}

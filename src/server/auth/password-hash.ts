/**
 * Password hashes: scrypt (RFC 7914) in the PHC string format
 * `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, salt and hash in base64 without padding.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

/** What scrypt costs: N = 2^ln, r, p; memory is 128·N·r bytes. */
export interface ScryptCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** A parsed hash. */
export interface PasswordHash {
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/**
 * 32 MiB and three passes: one of the equally strong settings of the OWASP
 * Password Storage Cheat Sheet, and the one that a small daemon can afford
 * twice at once.
 */
export const defaultCost: ScryptCost = { ln: 15, r: 8, p: 3 };

/** The longest password, in bytes of UTF-8. */
export const maxPasswordBytes = 1024;

const saltBytes = 16;
const hashBytes = 32;
/** A hash that asks for more memory is refused: the file must not be able to exhaust the daemon. */
const maxMemoryBytes = 256 * 2 ** 20;

/** Hashes `password` with a fresh salt. */
export async function hashPassword(password: string, cost: ScryptCost = defaultCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  return formatHash({ cost, salt, hash: await derive(password, salt, hashBytes, cost) });
}

/** Whether `password` has this hash; compared in constant time. */
export async function verifyPassword(password: string, expected: PasswordHash): Promise<boolean> {
  const actual = await derive(password, expected.salt, expected.hash.length, expected.cost);
  return timingSafeEqual(actual, expected.hash);
}

/** Whether both are the same hash: of the same password, salted and made alike. */
export function sameHash(a: PasswordHash, b: PasswordHash): boolean {
  const { cost } = a;
  const sameCost = cost.ln === b.cost.ln && cost.r === b.cost.r && cost.p === b.cost.p;
  return sameCost && a.salt.equals(b.salt) && a.hash.equals(b.hash);
}

/** A hash of this cost that no password is known to have; verifying against it takes as long as any other. */
export function decoyHash(cost: ScryptCost): PasswordHash {
  return { cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) };
}

/**
 * Reads a PHC string.
 *
 * @throws Error that says what is wrong, without repeating salt or hash
 */
export function parseHash(text: string): PasswordHash {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text);
  if (match === null) {
    throw new Error("expected a hash of the form $scrypt$ln=…,r=…,p=…$salt$hash");
  }
  const [, ln, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  if (cost.ln < 10 || cost.r < 1 || cost.p < 1 || cost.p > 16 || memoryBytes(cost) > maxMemoryBytes) {
    throw new Error("the cost must be ln ≥ 10, r ≥ 1, 1 ≤ p ≤ 16, and at most 256 MiB of memory");
  }
  const parsed = { cost, salt: decode(salt), hash: decode(hash) };
  if (parsed.salt.length < 8 || parsed.salt.length > 64 || parsed.hash.length < 16 || parsed.hash.length > 64) {
    throw new Error("the salt must have 8 to 64 bytes and the hash 16 to 64");
  }
  return parsed;
}

function formatHash({ cost, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${encode(salt)}$${encode(hash)}`;
}

function memoryBytes(cost: ScryptCost): number {
  return 128 * 2 ** cost.ln * cost.r;
}

function derive(password: string, salt: Buffer, length: number, cost: ScryptCost): Promise<Buffer> {
  // `maxmem` must also cover scrypt's small buffers beside the large one.
  const options: ScryptOptions = {
    N: 2 ** cost.ln,
    r: cost.r,
    p: cost.p,
    maxmem: memoryBytes(cost) + 256 * cost.r * cost.p + 2 ** 20,
  };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, length, options, (error, key) => {
      if (error === null) {
        resolve(key);
      } else {
        reject(error);
      }
    });
  });
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

function decode(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (encode(bytes) !== text) {
    throw new Error("salt and hash must be base64 without padding");
  }
  return bytes;
}

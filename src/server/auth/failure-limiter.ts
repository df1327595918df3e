/**
 * How often a peer may fail: a token bucket each, in bounded memory. IPv6
 * peers share a bucket by /64, the least that one host is given (RFC 6177);
 * those behind one address who show different certificates share none.
 */
import { isIPv6, SocketAddress } from "node:net";

export interface FailureLimits {
  /** Failures at once. @default 10 */
  readonly burst?: number;
  /** Milliseconds after which one more is allowed. @default 6000 */
  readonly refillMs?: number;
  /** Peers remembered; beyond it the one that failed longest ago is forgotten. @default 4096 */
  readonly maxPeers?: number;
}

interface Bucket {
  tokens: number;
  updated: number;
}

export class FailureLimiter {
  readonly #burst: number;
  readonly #refillMs: number;
  readonly #maxPeers: number;
  readonly #now: () => number;
  /** In the order of the last failure, oldest first. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now` is a monotonic clock in milliseconds. */
  constructor(limits: FailureLimits = {}, now: () => number = () => performance.now()) {
    this.#burst = limits.burst ?? 10;
    this.#refillMs = limits.refillMs ?? 6000;
    this.#maxPeers = limits.maxPeers ?? 4096;
    this.#now = now;
  }

  /** Milliseconds until this peer may try again; 0 if it may now. */
  retryAfterMs(peer: string, certificate = ""): number {
    const bucket = this.#buckets.get(bucketKey(peer, certificate));
    if (bucket === undefined) {
      return 0;
    }
    const tokens = this.#refilled(bucket);
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * this.#refillMs);
  }

  /** Takes a token before the attempt is judged, so that attempts in parallel count too. */
  charge(peer: string, certificate = ""): void {
    const key = bucketKey(peer, certificate);
    const bucket = this.#buckets.get(key);
    const tokens = bucket === undefined ? this.#burst : this.#refilled(bucket);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: Math.max(0, tokens - 1), updated: this.#now() });
    if (this.#buckets.size > this.#maxPeers) {
      const oldest = this.#buckets.keys().next();
      this.#buckets.delete(oldest.value as string);
    }
  }

  /** Gives the token back: the attempt did not fail. */
  refund(peer: string, certificate = ""): void {
    const key = bucketKey(peer, certificate);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      return;
    }
    const tokens = this.#refilled(bucket) + 1;
    if (tokens >= this.#burst) {
      this.#buckets.delete(key);
    } else {
      bucket.tokens = tokens;
      bucket.updated = this.#now();
    }
  }

  /** How many peers are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  #refilled(bucket: Bucket): number {
    return Math.min(this.#burst, bucket.tokens + (this.#now() - bucket.updated) / this.#refillMs);
  }
}

const bucketKey = (peer: string, certificate: string): string => `${peerKey(peer)} ${certificate}`;

function peerKey(peer: string): string {
  if (!isIPv6(peer)) {
    return peer;
  }
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(peer);
  if (mapped !== null) {
    return mapped[1] as string;
  }
  // SocketAddress writes the address canonically; the first four groups are the /64.
  const { address } = new SocketAddress({ address: peer.replace(/%.*$/, ""), family: "ipv6" });
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const full = [...groups, ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill("0"), ...rest];
  return `${full.slice(0, 4).join(":")}::/64`;
}

/**
 * Decides about basic authentication (RFC 7617).
 *
 * A guess costs one scrypt whether or not the user exists, at most two run at
 * once, and a peer that fails too often is turned away before it costs
 * anything. Credentials that were right are remembered for five minutes, as
 * a keyed digest, so that a client does not pay scrypt for each request.
 */
import { createHmac, randomBytes } from "node:crypto";
import { FailureLimiter, type FailureLimits } from "./failure-limiter.ts";
import {
  decoyHash,
  defaultCost,
  maxPasswordBytes,
  type PasswordHash,
  sameHash,
  verifyPassword,
} from "./password-hash.ts";
import { isUserName, type Users } from "./users-file.ts";

/** What became of a request's credentials. */
export type AuthResult =
  | { readonly outcome: "accepted"; readonly user: string }
  /** None were given. */
  | { readonly outcome: "missing" }
  /** They are wrong. `user` is set only if such a user exists, so that a log never holds a mistyped password. */
  | { readonly outcome: "refused"; readonly user: string | undefined }
  /** This peer failed too often. */
  | { readonly outcome: "limited"; readonly retryAfterMs: number }
  /** Too many verifications wait already. */
  | { readonly outcome: "busy" };

export interface AuthenticatorOptions {
  /** The users now in force. */
  readonly users: () => Users;
  readonly failures?: FailureLimits;
  /** Verifications at once. @default 2 */
  readonly concurrency?: number;
  /** Verifications that may wait for their turn. @default 64 */
  readonly maxWaiting?: number;
  /** Milliseconds for which right credentials are remembered. @default 300000 */
  readonly rememberMs?: number;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/** Longer headers are refused unread: no user and password within our limits need more. */
const maxHeaderLength = 4096;
const maxRemembered = 1024;

export class Authenticator {
  readonly #users: () => Users;
  readonly #failures: FailureLimiter;
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #rememberMs: number;
  readonly #now: () => number;

  readonly #key = randomBytes(32);
  /** Right credentials by digest, each with the hash that they were found right against. */
  readonly #remembered = new Map<string, { readonly hash: PasswordHash; readonly until: number }>();
  /** Verifications under way by digest: the same credentials at the same time are verified once. */
  readonly #underWay = new Map<
    string,
    { readonly hash: PasswordHash | undefined; readonly matches: Promise<boolean> }
  >();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: AuthenticatorOptions) {
    this.#users = options.users;
    this.#now = options.now ?? (() => performance.now());
    this.#failures = new FailureLimiter(options.failures, this.#now);
    this.#concurrency = options.concurrency ?? 2;
    this.#maxWaiting = options.maxWaiting ?? 64;
    this.#rememberMs = options.rememberMs ?? 300_000;
  }

  /**
   * Judges the value of an `authorization` header.
   *
   * @param peer IP address that it came from
   * @param certificate fingerprint of the certificate that the client showed: failures count against both
   */
  async authenticate(peer: string, header: string | undefined, certificate?: string): Promise<AuthResult> {
    if (header === undefined || !/^basic(?: |$)/i.test(header)) {
      return { outcome: "missing" };
    }
    const users = this.#users();
    const credentials = parseBasic(header);
    const digest = credentials && this.#digest(credentials);
    const hash = credentials && users.get(credentials.user);
    if (digest !== undefined && this.#isRemembered(digest, hash)) {
      return { outcome: "accepted", user: (credentials as Credentials).user };
    }
    const same = digest === undefined ? undefined : this.#underWay.get(digest);
    if (same !== undefined && isSame(same.hash, hash)) {
      // The same guess at the same time is one guess: many calls may begin together.
      return this.#judge(credentials as Credentials, hash, await same.matches);
    }
    const retryAfterMs = this.#failures.retryAfterMs(peer, certificate);
    if (retryAfterMs > 0) {
      return { outcome: "limited", retryAfterMs };
    }
    this.#failures.charge(peer, certificate);
    if (credentials === undefined || digest === undefined) {
      return { outcome: "refused", user: undefined };
    }
    if (this.#running >= this.#concurrency && this.#waiting.length >= this.#maxWaiting) {
      this.#failures.refund(peer, certificate);
      return { outcome: "busy" };
    }
    const verification = {
      hash,
      matches: this.#verify(credentials, hash ?? this.#decoy(users, credentials.user)).finally(() => {
        if (this.#underWay.get(digest) === verification) {
          this.#underWay.delete(digest);
        }
      }),
    };
    this.#underWay.set(digest, verification);
    const result = this.#judge(credentials, hash, await verification.matches);
    if (result.outcome === "accepted" && hash !== undefined) {
      this.#failures.refund(peer, certificate);
      this.#remember(digest, hash);
    }
    return result;
  }

  /** `hash` is what `matches` was found against; if the users changed meanwhile, it no longer counts. */
  #judge({ user }: Credentials, hash: PasswordHash | undefined, matches: boolean): AuthResult {
    return matches && hash !== undefined && isSame(this.#users().get(user), hash)
      ? { outcome: "accepted", user }
      : { outcome: "refused", user: hash === undefined ? undefined : user };
  }

  async #verify(credentials: Credentials, hash: PasswordHash): Promise<boolean> {
    if (this.#running < this.#concurrency) {
      this.#running++;
    } else {
      // Whoever finishes hands its place on.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await verifyPassword(credentials.password, hash);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#running--;
      } else {
        next();
      }
    }
  }

  /** What an unknown user is verified against: as costly as one of the users, the same at each attempt. */
  #decoy(users: Users, name: string): PasswordHash {
    const hashes = [...users.values()];
    const index = createHmac("sha256", this.#key).update(name).digest().readUInt32BE() % Math.max(1, hashes.length);
    return decoyHash(hashes[index]?.cost ?? defaultCost);
  }

  #digest({ user, password }: Credentials): string {
    return createHmac("sha256", this.#key).update(`${user}:${password}`).digest("base64");
  }

  /** A change of other users changes nothing: neighbors who fail cannot lock out whom the daemon knows. */
  #isRemembered(digest: string, hash: PasswordHash | undefined): boolean {
    const remembered = this.#remembered.get(digest);
    return remembered !== undefined && remembered.until > this.#now() && isSame(remembered.hash, hash);
  }

  #remember(digest: string, hash: PasswordHash): void {
    this.#remembered.delete(digest);
    this.#remembered.set(digest, { hash, until: this.#now() + this.#rememberMs });
    if (this.#remembered.size > maxRemembered) {
      this.#remembered.delete(this.#remembered.keys().next().value as string);
    }
  }
}

/** Users that are read again have new objects for the same hashes. */
function isSame(a: PasswordHash | undefined, b: PasswordHash | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameHash(a, b));
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

function parseBasic(header: string): Credentials | undefined {
  const encoded = header.slice("basic ".length).trim();
  if (header.length > maxHeaderLength || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
    return undefined;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (colon < 0 || !isUserName(user) || Buffer.byteLength(password) > maxPasswordBytes) {
    return undefined;
  }
  return { user, password };
}

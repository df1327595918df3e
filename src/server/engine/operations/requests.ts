import { createHash } from "node:crypto";
import type { Cause } from "../api/cause.ts";
import type { RequestContext } from "../api/control.ts";
import type { Clock } from "../clock.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";

const maxRemembered = 10_000;
const rememberedMs = 3600 * 1000;

interface Remembered {
  /** Null: an earlier daemon carried it out, and what exactly was asked for is not known. */
  readonly fingerprint: string | null;
  /** Null: it was carried out, and its response is not known any more. */
  readonly response: Promise<unknown> | null;
  readonly bootMs: number;
}

/**
 * Requests with an id are carried out once: sent again, they get the response
 * of the first. What an earlier daemon carried out is known from the journal,
 * and from the records, which are written first: their intents are carried on.
 */
export class Requests {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor({ options, journal, table }: Pick<Core, "options" | "journal" | "table">) {
    this.#clock = options.clock;
    for (const { cause, bootMs } of journal.all()) this.#recall(cause, bootMs);
    const now = this.#clock.boot();
    for (const process of table.ordered) {
      for (const { cause } of [...process.intents, ...process.runs]) this.#recall(cause, now);
    }
  }

  #recall(cause: Cause, bootMs: number): void {
    const id = key(cause);
    if (cause.requestId === "" || cause.kind !== "request" || this.#remembered.has(id)) return;
    this.#remembered.set(id, { fingerprint: null, response: null, bootMs });
  }

  /**
   * @param what Everything that makes the request the one it is.
   * @param again Answers for a request that an earlier daemon carried out.
   */
  async once<T>(
    context: RequestContext,
    what: readonly unknown[],
    work: () => Promise<T>,
    again: () => Promise<T>,
  ): Promise<T> {
    if (context.requestId === "") return await work();
    const id = key(context);
    const fingerprint = createHash("sha256").update(JSON.stringify(what, stable)).digest("base64");
    this.#expire();
    const known = this.#remembered.get(id);
    if (known !== undefined) {
      if (known.fingerprint !== null && known.fingerprint !== fingerprint) {
        throw new EngineError("REQUEST_ID_REUSED", `the request id ${context.requestId} was used for another request`, {
          request_id: context.requestId,
        });
      }
      return known.response === null ? await again() : ((await known.response) as T);
    }
    const response = work();
    this.#remember(id, { fingerprint, response, bootMs: this.#clock.boot() });
    try {
      return await response;
    } catch (error) {
      // What failed did nothing, or may be tried again.
      if (this.#remembered.get(id)?.response === response) this.#remembered.delete(id);
      throw error;
    }
  }

  #remember(id: string, request: Remembered): void {
    this.#remembered.delete(id);
    this.#remembered.set(id, request);
  }

  #expire(): void {
    const oldest = this.#clock.boot() - rememberedMs;
    for (const [id, { bootMs }] of this.#remembered) {
      if (bootMs >= oldest && this.#remembered.size <= maxRemembered) break;
      this.#remembered.delete(id);
    }
  }
}

function key({ principal, requestId }: { readonly principal: string; readonly requestId: string }): string {
  return `${principal}\0${requestId}`;
}

function stable(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** Holding a run: telling the daemon how far its output was taken, so that the process may write on. */
import type { Client } from "../call/client.ts";

/** The part of the output limit after which is acknowledged at once. */
const share = 1 / 4;
/** Milliseconds after which is acknowledged what was taken last, however little. */
const pauseMs = 50;
/** Milliseconds for one acknowledgment. */
const timeoutMs = 10_000;

/** What is held. */
export interface Held {
  readonly processId: string;
  readonly run: number;
  readonly token: string;
  readonly limitBytes: number;
}

/** Acknowledges as the consumer takes bytes: one acknowledgment at a time, of the newest offset. */
export class Hold {
  readonly #client: Client;
  readonly #held: Held;
  #taken: number;
  #acknowledged: number;
  #underWay: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /** @param offset everything before it was taken */
  constructor(client: Client, held: Held, offset: number) {
    this.#client = client;
    this.#held = held;
    this.#taken = offset;
    this.#acknowledged = offset;
  }

  get token(): string {
    return this.#held.token;
  }

  /** The consumer has taken everything before `offset`. */
  taken(offset: number): void {
    if (offset <= this.#taken || this.#ended) {
      return;
    }
    this.#taken = offset;
    if (offset - this.#acknowledged >= this.#held.limitBytes * share) {
      this.#acknowledge();
    } else {
      this.#timer ??= setTimeout(() => this.#acknowledge(), pauseMs);
    }
  }

  /** Ends the hold: the process writes on whether somebody reads or not. Does not wait for it. */
  release(): void {
    if (this.#ended) {
      return;
    }
    this.drop();
    const { processId, run, token } = this.#held;
    const request = { processId, run, holdToken: token, nextOffset: String(this.#taken), release: true };
    // If it fails, the hold ends by itself when the daemon notices that the stream is gone.
    this.#send(request).catch(() => {});
  }

  /** Says nothing more: the run is over, or the daemon has ended the hold. */
  drop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#underWay !== undefined || this.#ended) {
      return; // What was taken meanwhile is acknowledged after it.
    }
    const { processId, run, token } = this.#held;
    const offset = this.#taken;
    const request = { processId, run, holdToken: token, nextOffset: String(offset) };
    this.#underWay = this.#send(request)
      .then(
        () => {
          this.#acknowledged = offset;
        },
        // A lost connection or a hold that has ended shows in the stream itself, which resumes or reports a gap.
        () => {},
      )
      .finally(() => {
        this.#underWay = undefined;
        if (this.#taken > offset && !this.#ended) {
          this.#timer ??= setTimeout(() => this.#acknowledge(), pauseMs);
          if (this.#taken - offset >= this.#held.limitBytes * share) {
            this.#acknowledge();
          }
        }
      });
  }

  #send(request: {
    processId: string;
    run: number;
    holdToken: string;
    nextOffset: string;
    release?: boolean;
  }): Promise<unknown> {
    return this.#client.unary(
      "pm.v1.ProcessService/AcknowledgeOutput",
      request,
      { timeoutMs, reconnect: false },
      { what: "acknowledging output", thisDaemonOnly: true },
    );
  }
}

import type { OutputCursor, OutputsFrame } from "../../api/output.ts";
import type { Member } from "./member.ts";

/** Keeps a heartbeat of thousands of members below what clients accept in one message. */
const cursorsInHeartbeat = 1000;

/** Where members stand, and what a client knows of it. */
export class Places {
  /** Since the heartbeat before. */
  readonly #moved = new Set<Member>();
  /** Of those: a client cannot tell from the frames that it has. */
  readonly #untold = new Set<Member>();
  readonly #intervalMs: number;
  #lastFrame = performance.now();
  #lastHeartbeat = performance.now();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds since the last frame of any kind. */
  get quietMs(): number {
    return performance.now() - this.#lastFrame;
  }

  /** Milliseconds until a heartbeat is due, 0 or less if one is. */
  get untilHeartbeat(): number {
    const since = this.#untold.size > 0 ? Math.min(this.#lastFrame, this.#lastHeartbeat) : this.#lastFrame;
    return since + this.#intervalMs - performance.now();
  }

  sent(): void {
    this.#lastFrame = performance.now();
  }

  /** @param toldPlace What the last frame of the member says; none given: there was no frame. */
  moved(member: Member, toldPlace = member.toldPlace): void {
    member.toldPlace = toldPlace;
    this.#moved.add(member);
    if (member.place === toldPlace) this.#untold.delete(member);
    else this.#untold.add(member);
  }

  ended(member: Member): void {
    this.#moved.delete(member);
    this.#untold.delete(member);
  }

  /** The heartbeat that is due, if one is. */
  *heartbeat(): Generator<OutputsFrame, void, undefined> {
    if (this.untilHeartbeat > 0) return;
    this.#lastFrame = performance.now();
    this.#lastHeartbeat = this.#lastFrame;
    const cursors: OutputCursor[] = [];
    for (const member of this.#moved) {
      member.toldPlace = member.place;
      cursors.push({ processId: member.run.processId, run: member.run.number, nextOffset: member.place });
    }
    this.#moved.clear();
    this.#untold.clear();
    for (let at = 0; at === 0 || at < cursors.length; at += cursorsInHeartbeat) {
      yield { kind: "heartbeat", cursors: cursors.slice(at, at + cursorsInHeartbeat) };
    }
  }
}

import { setImmediate, setTimeout } from "node:timers/promises";
import type { OutputEnd, OutputsFrame, StreamOutputsOptions } from "../../api/output.ts";
import { Notifier } from "../../notifier.ts";
import type { OutputContext } from "../context.ts";
import type { OutputProcess, OutputRun } from "../directory.ts";
import { untilPassedMs } from "../reader.ts";
import { exitHoldMs } from "../stream.ts";
import { Heap } from "./heap.ts";
import { RecentLeases } from "./leases.ts";
import type { Member, Merging, Piece } from "./member.ts";
import { isUnreadable, Members } from "./members.ts";
import { Places } from "./places.ts";

/** A member sends this much, and then the others have their turn. */
const turnBytes = 64 * 1024;
/** What is kept of all members together, beyond a small piece of each. */
const keptBytes = 16 * 1024 * 1024;
const smallPieceBytes = 4 * 1024;
const openSources = 64;
/** Others of the daemon have their turn at least after so many bytes or frames. */
const yieldBytes = 1024 * 1024;
const yieldFrames = 512;
/** Even while what was there at the beginning is being sent, others may join after so many bytes. */
const backlogBytes = 16 * 1024 * 1024;
/** While output trickles in, several small pieces are taken at once. */
const lingerMs = 3;

/**
 * The output of many runs, merged by time.
 *
 * Members that may have unread output are read a piece each; the pieces wait in
 * a heap until the merge window has passed, and go out in order of time. What
 * was there when a member joined is sent strictly by time. Of what comes later
 * each member sends at most 64 KiB before those behind it have had their turn:
 * so a flood delays nobody for longer than two turns of all members take. An
 * idle member is woken by its run's news; it has no timer and no descriptor.
 */
export async function* streamOutputs(
  context: OutputContext,
  options: StreamOutputsOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputsFrame, void, undefined> {
  const merge = new Merge(context, options, signal);
  try {
    yield* merge.frames();
  } finally {
    merge.close();
  }
}

class Merge {
  readonly #context: OutputContext;
  readonly #options: StreamOutputsOptions;
  readonly #signal: AbortSignal;
  readonly #leases: RecentLeases;
  readonly #members: Members;
  readonly #places: Places;
  readonly #merging: Merging;
  readonly #changed = new Notifier();
  readonly #changedProcesses = new Set<OutputProcess>();
  /** Members that may have something unread. */
  readonly #readable = new Set<Member>();
  /** Members of which pieces wait. */
  readonly #queue = new Heap<Member>(before);
  /** Members that have been read to what may be their end. */
  readonly #ending = new Set<Member>();
  /** Members that have sent something in this turn. */
  readonly #senders = new Set<Member>();
  #unlisten = () => {};
  #keptBytes = 0;
  #untilPassed = false;
  #bytesSinceYield = 0;
  #framesSinceYield = 0;

  constructor(context: OutputContext, options: StreamOutputsOptions, signal: AbortSignal) {
    this.#context = context;
    this.#options = options;
    this.#signal = signal;
    this.#leases = new RecentLeases(context.pool, openSources);
    this.#members = new Members(context, options, this.#leases, (run) => this.#wake(run));
    this.#places = new Places(options.heartbeatMs);
    // Without following, everything is known before the first piece is sent.
    this.#merging = { windowMs: options.follow ? options.mergeWindowMs : 0, openedMicros: Date.now() * 1000 };
  }

  close(): void {
    this.#unlisten();
    this.#members.close();
    this.#leases.closeAll();
  }

  async *frames(): AsyncGenerator<OutputsFrame, void, undefined> {
    this.#check();
    const { follow, untilIdle } = this.#options;
    const cursors = this.#members.cursorsByProcess();
    const selected = this.#members.selected();
    const unlisten = this.#context.directory.listen((process) => {
      this.#changedProcesses.add(process);
      this.#changed.notify();
    });
    // Without members nobody else would tell it that the engine closes.
    const unwatch = this.#context.news.onAll(() => this.#changed.notify());
    this.#unlisten = () => {
      unlisten();
      unwatch();
    };
    yield { kind: "opened", selected: selected.length };
    for (const [processId, ofProcess] of cursors) yield* this.#joined(this.#members.resume(processId, ofProcess));
    for (const process of selected) yield* this.#joined(this.#members.begin(process));

    for (;;) {
      this.#check();
      yield* this.#takeChanges();
      await this.#fillAll();
      yield* this.#send();
      yield* this.#end();
      yield* this.#places.heartbeat();
      const over = this.#untilPassed || !follow || untilIdle;
      if (over && this.#changedProcesses.size === 0 && this.#members.idle) return;
      if (this.#hasWork()) {
        await setImmediate();
        continue;
      }
      // Whatever has changed since these were looked at has left a mark, or wakes.
      await this.#changed.wait(this.#signal, this.#patienceMs());
      if (this.#places.quietMs < lingerMs) await setTimeout(lingerMs);
    }
  }

  #check(): void {
    this.#signal.throwIfAborted();
    this.#context.checkOpen();
  }

  #wake(run: OutputRun): void {
    const member = this.#members.get(run);
    if (member === undefined) return;
    this.#mayRead(member);
    this.#changed.notify();
  }

  #mayRead(member: Member): void {
    member.readable = true;
    this.#readable.add(member);
  }

  async *#takeChanges(): AsyncGenerator<OutputsFrame, void, undefined> {
    const processes = [...this.#changedProcesses];
    this.#changedProcesses.clear();
    for (const process of processes) {
      // A removal, or a restart that was decided, may be what a member waited for.
      for (const member of this.#members.of(process)) this.#mayRead(member);
      if (this.#options.follow && !this.#untilPassed) yield* this.#joined(this.#members.changed(process));
    }
    if (this.#untilPassed || untilPassedMs(this.#options.until) > 0) return;
    this.#untilPassed = true;
    for (const member of this.#members) this.#mayRead(member);
  }

  async *#joined(frames: AsyncIterable<OutputsFrame>): AsyncGenerator<OutputsFrame, void, undefined> {
    for await (const frame of frames) {
      if (frame.kind === "memberOpened") {
        const member = this.#members.latest;
        if (member?.number === frame.member) this.#readable.add(member);
      }
      yield this.#sent(frame, 0);
      await this.#letOthers();
      this.#check();
    }
  }

  /** Whether another turn would do something. */
  #hasWork(): boolean {
    if (this.#changedProcesses.size > 0) return true;
    const first = this.#queue.peek()?.first;
    if (first !== undefined && first.due <= performance.now()) return true;
    for (const member of this.#readable) if (this.#room(member) > 0) return true;
    return false;
  }

  /** Milliseconds until there is something to do without having been woken. */
  #patienceMs(): number {
    const now = performance.now();
    let at = Math.min(now + this.#places.untilHeartbeat, this.#queue.peek()?.first?.due ?? Number.POSITIVE_INFINITY);
    if (!this.#untilPassed) at = Math.min(at, now + untilPassedMs(this.#options.until));
    for (const { completeSince } of this.#ending) {
      if (completeSince + exitHoldMs > now) at = Math.min(at, completeSince + exitHoldMs);
    }
    return Math.max(0, at - now);
  }

  /** How much more of a member may be kept. */
  #room(member: Member): number {
    const share = Math.max(smallPieceBytes, Math.floor(keptBytes / Math.max(1, this.#readable.size)));
    const room = Math.min(turnBytes, share - member.keptBytes, keptBytes - this.#keptBytes);
    if (room >= smallPieceBytes) return room;
    return member.first === undefined ? smallPieceBytes : 0;
  }

  /** A piece of everybody who has something unread, as far as there is room for it. */
  async #fillAll(): Promise<void> {
    for (const member of [...this.#readable]) {
      await this.#fill(member);
      await this.#letOthers();
    }
  }

  /**
   * Reads a piece of a member. Of what was there when it joined something must
   * be known before others go on, so it reads on if nothing of that was wanted.
   */
  async #fill(member: Member): Promise<void> {
    do {
      const room = this.#room(member);
      if (room <= 0 || member.ended) break;
      await this.#read(member, room);
      await this.#letOthers();
    } while (member.readable && member.first === undefined && member.reader.position < member.backlogEnd);
    if (member.ended || !member.readable) this.#readable.delete(member);
    if (!member.queued && member.first !== undefined) {
      member.queued = true;
      this.#queue.push(member);
    }
  }

  async #read(member: Member, maxBytes: number): Promise<void> {
    try {
      await this.#readOn(member, maxBytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      member.unreadable = true;
      this.#caughtUp(member, true);
    }
  }

  async #readOn(member: Member, maxBytes: number): Promise<void> {
    const { reader, run } = member;
    const source = this.#leases.open(run);
    if (source === null) {
      this.#caughtUp(member, false);
      return;
    }
    const keptBefore = member.keptBytes;
    const placeBefore = member.place;
    const moved = await member.fill(source, maxBytes, this.#merging);
    this.#keptBytes += member.keptBytes - keptBefore;
    if (member.place !== placeBefore) this.#places.moved(member);
    if (moved && !reader.done) return;
    // Asked first and looked at afterwards, so that no growth falls in between.
    if (this.#options.follow) source.follow();
    const view = source.look();
    if (reader.done || view.nextOffset <= reader.position) this.#caughtUp(member, view.complete);
  }

  /** Everything that there is at present was read. */
  #caughtUp(member: Member, complete: boolean): void {
    member.readable = false;
    member.complete = complete;
    const { run, reader } = member;
    if (complete || run.over !== null || run.removed || reader.done || this.#untilPassed || !this.#options.follow) {
      this.#ending.add(member);
    }
  }

  /** Sends what is due, in order of time, as far as each member's turn reaches. */
  async *#send(): AsyncGenerator<OutputsFrame, void, undefined> {
    const set: Member[] = [];
    let backlog = 0;
    for (let member = this.#queue.peek(); member !== undefined; member = this.#queue.peek()) {
      const piece = member.first;
      if (piece !== undefined) {
        if (piece.due > performance.now() || backlog >= backlogBytes) break;
        const isBacklog = offsetOf(piece) < member.backlogEnd;
        if (!isBacklog && member.spent >= turnBytes) {
          this.#queue.pop();
          set.push(member);
          continue;
        }
        if (isBacklog) backlog += sizeOf(piece);
        yield this.#take(member, piece);
        if (member.first === undefined && member.readable) await this.#fill(member);
      }
      if (member.first === undefined) {
        this.#queue.pop();
        member.queued = false;
      } else {
        this.#queue.sink();
      }
      await this.#letOthers();
      this.#check();
    }
    for (const member of set) this.#queue.push(member);
    for (const member of this.#senders) member.spent = 0;
    this.#senders.clear();
  }

  #take(member: Member, piece: Piece): OutputsFrame {
    const bytes = sizeOf(piece);
    member.take();
    member.spent += bytes;
    this.#senders.add(member);
    this.#keptBytes -= bytes;
    this.#places.moved(member, piece.gap?.to ?? offsetOf(piece) + bytes);
    const frame: OutputsFrame =
      piece.chunk === null
        ? { kind: "gap", member: member.number, gap: piece.gap }
        : { kind: "chunk", member: member.number, chunk: piece.chunk };
    return this.#sent(frame, bytes);
  }

  *#end(): Generator<OutputsFrame, void, undefined> {
    for (const member of this.#ending) {
      if (member.first !== undefined) continue;
      if (member.readable) {
        // Woken since: it is read again first.
        this.#ending.delete(member);
        continue;
      }
      const reason = this.#endReason(member);
      if (reason === null) continue;
      this.#ending.delete(member);
      const { run, reader } = member;
      const nextRun = run.nextRun === "undecided" ? null : run.nextRun;
      this.#members.end(member);
      this.#places.ended(member);
      const end: OutputEnd = { finalOffset: reader.position, reason, exit: run.exit, nextRun };
      yield this.#sent({ kind: "memberEnd", member: member.number, end }, 0);
    }
  }

  /** Null: its end has to be waited for. */
  #endReason(member: Member): OutputEnd["reason"] | null {
    const { run, reader, complete } = member;
    if (member.unreadable) return "lost";
    if (reader.done || !this.#options.follow) return "snapshot";
    if (run.removed) return "removed";
    if (complete || run.over !== null) {
      if (run.nextRun === "undecided") return null;
      if (run.over === null && run.running) {
        const now = performance.now();
        if (member.completeSince === 0) member.completeSince = now;
        if (now - member.completeSince < exitHoldMs) return null;
      }
      return complete || run.over === "failed" ? "complete" : "lost";
    }
    return this.#untilPassed ? "snapshot" : null;
  }

  #sent(frame: OutputsFrame, bytes: number): OutputsFrame {
    this.#places.sent();
    this.#bytesSinceYield += bytes;
    this.#framesSinceYield++;
    return frame;
  }

  /** Reading is synchronous, and a fast client takes frames without a pause: others must have their turn. */
  async #letOthers(): Promise<void> {
    if (this.#bytesSinceYield < yieldBytes && this.#framesSinceYield < yieldFrames) return;
    this.#bytesSinceYield = 0;
    this.#framesSinceYield = 0;
    await setImmediate();
  }
}

function before(a: Member, b: Member): boolean {
  const [first, second] = [a.first?.time ?? 0, b.first?.time ?? 0];
  return first < second || (first === second && a.number < b.number);
}

function offsetOf(piece: Piece): number {
  return piece.chunk === null ? piece.gap.from : piece.chunk.offset;
}

function sizeOf(piece: Piece): number {
  return piece.chunk?.data.length ?? 0;
}

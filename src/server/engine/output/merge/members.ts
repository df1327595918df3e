import type { OutputCursor, OutputStart, OutputsFrame, StreamOutputsOptions } from "../../api/output.ts";
import type { OutputInfo } from "../../api/run.ts";
import { EngineError } from "../../errors.ts";
import type { OutputContext } from "../context.ts";
import { describeOutput, outputInfo } from "../describe.ts";
import type { OutputProcess, OutputRun } from "../directory.ts";
import { RunReader } from "../reader.ts";
import type { OutputSource } from "../source.ts";
import { checkOffset, startOffset } from "../start.ts";
import type { RecentLeases } from "./leases.ts";
import { Member } from "./member.ts";

/** What a new member begins with. */
interface Begin {
  /** "start": where the request says. */
  readonly at: number | "start";
  /** What it has already counts as there at the beginning of the stream. */
  readonly backlog: boolean;
}

/** A run that began while the stream was open, or while its client was away. */
const fromItsBeginning: Begin = { at: 0, backlog: false };

/** Who is in a stream of many runs: who joins, and how each begins. */
export class Members {
  /** Called when something about a member has changed. */
  readonly #wake: (run: OutputRun) => void;
  readonly #context: OutputContext;
  readonly #options: StreamOutputsOptions;
  readonly #leases: RecentLeases;
  readonly #fits: (process: OutputProcess) => boolean;
  readonly #open = new Map<OutputRun, Member>();
  /** The latest run that has joined, of each process that has one in the stream. */
  readonly #latest = new Map<OutputProcess, number>();
  /** Ended with a restart under way, whose run has not joined yet. */
  readonly #awaited = new Set<OutputProcess>();
  /** Processes accepted later begin while the stream is open. */
  readonly #openedAt: number;
  #lastNumber = 0;
  /** The one that joined last. */
  latest: Member | null = null;

  constructor(
    context: OutputContext,
    options: StreamOutputsOptions,
    leases: RecentLeases,
    wake: (run: OutputRun) => void,
  ) {
    this.#context = context;
    this.#options = options;
    this.#leases = leases;
    this.#wake = wake;
    this.#fits = context.directory.compile(options.filter);
    this.#openedAt = context.directory.lastSequence;
  }

  get(run: OutputRun): Member | undefined {
    return this.#open.get(run);
  }

  /** Every member has ended, and none is about to join. */
  get idle(): boolean {
    return this.#open.size === 0 && this.#awaited.size === 0;
  }

  /** Those of the open members that belong to a process. */
  of(process: OutputProcess): Member[] {
    return process.runs.flatMap((run) => this.#open.get(run) ?? []);
  }

  *[Symbol.iterator](): Iterator<Member> {
    yield* this.#open.values();
  }

  selected(): OutputProcess[] {
    return [...this.#context.directory.processes].filter((process) => !process.removed && this.#fits(process));
  }

  /** @throws EngineError INVALID_ARGUMENT for a run that has two cursors. */
  cursorsByProcess(): Map<string, OutputCursor[]> {
    const cursors = new Map<string, OutputCursor[]>();
    for (const cursor of this.#options.cursors) {
      const others = cursors.get(cursor.processId) ?? [];
      if (others.some(({ run }) => run === cursor.run)) {
        throw new EngineError("INVALID_ARGUMENT", `run ${cursor.run} of process ${cursor.processId} has two cursors`, {
          field: "cursors",
        });
      }
      others.push(cursor);
      cursors.set(cursor.processId, others);
    }
    return cursors;
  }

  /** Resumes the runs that a client has cursors of, and adds those that began since. */
  async *resume(processId: string, cursors: readonly OutputCursor[]): AsyncGenerator<OutputsFrame, void, undefined> {
    const process = this.#context.directory.find(processId);
    for (const cursor of cursors) {
      const run = process?.runs.find(({ number }) => number === cursor.run);
      if (process === undefined || run === undefined) yield* this.#gone(cursor, process?.name ?? "");
      else yield await this.#join(process, run, { at: cursor.nextOffset, backlog: true });
    }
    if (process === undefined) return;
    const latest = Math.max(...cursors.map(({ run }) => run));
    this.#latest.set(process, latest);
    yield* this.#joinLater(process, latest);
  }

  /** Adds the current run of a process. */
  async *begin(process: OutputProcess, backlog = true): AsyncGenerator<OutputsFrame, void, undefined> {
    const [run] = process.runs;
    if (run === undefined || this.#latest.has(process)) return;
    this.#latest.set(process, run.number);
    yield await this.#join(process, run, { at: "start", backlog });
  }

  /** A process has changed while the stream was open: whoever fits now joins. */
  async *changed(process: OutputProcess): AsyncGenerator<OutputsFrame, void, undefined> {
    if (process.removed) {
      this.#latest.delete(process);
      this.#awaited.delete(process);
      return;
    }
    const latest = this.#latest.get(process);
    if (latest === undefined) {
      if (!this.#fits(process)) return;
      if (process.sequence <= this.#openedAt) {
        yield* this.begin(process, false);
        return;
      }
      const first = process.runs.at(-1);
      if (first === undefined) return;
      this.#latest.set(process, first.number);
      yield await this.#join(process, first, fromItsBeginning);
      yield* this.#joinLater(process, first.number);
      return;
    }
    if (this.#fits(process)) yield* this.#joinLater(process, latest);
    if (this.#awaited.has(process) && !this.#awaits(process)) this.#awaited.delete(process);
  }

  async *#joinLater(process: OutputProcess, latest: number): AsyncGenerator<OutputsFrame, void, undefined> {
    if (this.#options.currentRunOnly) return;
    for (const run of process.runs.filter(({ number }) => number > latest).reverse()) {
      this.#latest.set(process, run.number);
      this.#awaited.delete(process);
      yield await this.#join(process, run, fromItsBeginning);
    }
  }

  /** A restart has begun or is about to begin a run that is not in the stream. */
  #awaits(process: OutputProcess): boolean {
    const next = process.runs[0]?.nextRun ?? null;
    return !process.removed && !this.#options.currentRunOnly && next !== null && this.#fits(process);
  }

  end(member: Member): void {
    member.ended = true;
    this.#open.delete(member.run);
    this.#context.news.unsubscribe(member.run, this.#wake);
    this.#leases.close(member.run);
    const process = this.#context.directory.find(member.run.processId);
    if (process !== undefined && this.#latest.get(process) === member.run.number && this.#awaits(process)) {
      this.#awaited.add(process);
    }
  }

  /** Forgets everybody. */
  close(): void {
    for (const run of this.#open.keys()) this.#context.news.unsubscribe(run, this.#wake);
    this.#open.clear();
  }

  async #join(process: OutputProcess, run: OutputRun, begin: Begin): Promise<OutputsFrame> {
    const { start, streams, until, follow } = this.#options;
    // What is written from here on is told.
    this.#context.news.subscribe(run, this.#wake);
    let member: Member;
    let position: number;
    let output: OutputInfo;
    try {
      let source: OutputSource | null;
      try {
        source = this.#leases.open(run);
        output = describeOutput(run, source);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        source = null;
        output = outputInfo(run, null);
      }
      // A cursor is exact; a tail may begin with what is kept.
      const from: OutputStart =
        begin.at === "start" ? start : { ...start, position: { kind: "offset", offset: begin.at } };
      position = begin.at === "start" ? await startOffset(source, start, streams) : begin.at;
      if (source !== null) checkOffset(position, source.look().nextOffset);
      const limit = follow ? Number.POSITIVE_INFINITY : output.nextOffset;
      const reader = new RunReader(position, limit, { start: from, streams, until });
      member = new Member(++this.#lastNumber, run, reader, begin.backlog ? output.nextOffset : 0);
    } catch (error) {
      this.#context.news.unsubscribe(run, this.#wake);
      throw error;
    }
    this.#open.set(run, member);
    this.latest = member;
    return {
      kind: "memberOpened",
      member: member.number,
      processId: process.id,
      processName: process.name,
      run: run.number,
      startOffset: position,
      output,
    };
  }

  *#gone(cursor: OutputCursor, processName: string): Generator<OutputsFrame, void, undefined> {
    const member = ++this.#lastNumber;
    const { processId, run, nextOffset } = cursor;
    yield {
      kind: "memberOpened",
      member,
      processId,
      processName,
      run,
      startOffset: nextOffset,
      output: {
        firstOffset: nextOffset,
        nextOffset,
        complete: true,
        stdoutBytes: 0,
        stderrBytes: 0,
        limitBytes: 0,
        held: false,
      },
    };
    const end = { finalOffset: nextOffset, reason: "removed", exit: null, nextRun: null } as const;
    yield { kind: "memberEnd", member, end };
  }
}

/** A run whose output cannot be read ends as if it were lost: the others of the stream are not to suffer from it. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof EngineError && error.reason === "OUTPUT_UNREADABLE";
}

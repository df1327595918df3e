/** A process that runs nowhere: a test says what it writes and how it ends. */
import { constants } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampNow } from "@bufbuild/protobuf/wkt";
import { CauseKind, CauseSchema } from "../../gen/ts/pm/v1/cause_pb.ts";
import { EventType } from "../../gen/ts/pm/v1/event_pb.ts";
import { type OutputChunk, OutputChunkSchema, OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { DesiredState, type Process, ProcessSchema, ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { type ExitStatus, ExitStatusSchema, type Run, RunSchema, RunState } from "../../gen/ts/pm/v1/run_pb.ts";
import type { ProcessSpec } from "../../gen/ts/pm/v1/spec_pb.ts";
import type { WaitingReason } from "../../gen/ts/pm/v1/supervision_pb.ts";
import { reasonError } from "./errors.ts";
import type { FakeWorld } from "./fake-world.ts";

/** How a process ends: an exit code, or a signal by its name. */
export type FakeExit = { readonly code: number } | { readonly signal: string };

/** What a program of a fake daemon does; called for each run. If it throws, the process exits with code 1. */
export type FakeProgram = (process: FakeProcess) => void | Promise<void>;

const streams = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;
const fatal: ReadonlySet<string> = new Set(["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT"]);
/** As many as a daemon keeps by default. */
const keptRuns = 5;

/** One execution, and its output. */
interface FakeRun {
  readonly number: number;
  readonly started: Timestamp;
  readonly chunks: OutputChunk[];
  size: number;
  exited?: Timestamp;
  exit?: ExitStatus;
}

export class FakeProcess {
  readonly id: string;
  /** Signals that were sent to it, by name, in their order. */
  readonly signals: string[] = [];
  /** What was written to its standard input. */
  readonly input: Buffer[] = [];
  /** Decides what a signal does. @default those that end most programs end it */
  onSignal: (signal: string) => void = (signal) => {
    if (fatal.has(signal)) {
      this.exit({ signal });
    }
  };
  /** Told of bytes written to its standard input. */
  onInput: (data: Uint8Array) => void = () => {};

  readonly #program: FakeProgram;
  readonly #world: FakeWorld;
  readonly #created = timestampNow();
  #name: string;
  #labels: Readonly<Record<string, string>>;
  #spec: ProcessSpec;
  /** Oldest first; empty before the first one began. */
  #runs: FakeRun[] = [];
  #waiting: { readonly reason: WaitingReason; readonly for: readonly string[] } | undefined;
  #sequence = 0n;
  #version = 0n;

  /** Made by `FakeDaemon`. */
  constructor(
    options: { id: string; name: string; labels: Readonly<Record<string, string>>; spec: ProcessSpec },
    program: FakeProgram,
    world: FakeWorld,
  ) {
    this.id = options.id;
    this.#name = options.name;
    this.#labels = { ...options.labels };
    this.#spec = options.spec;
    this.#program = program;
    this.#world = world;
  }

  get name(): string {
    return this.#name;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#labels;
  }

  /** As it was sent. */
  get spec(): ProcessSpec {
    return this.#spec;
  }

  /** Whether a run is under way. */
  get running(): boolean {
    const run = this.#run;
    return run !== undefined && run.exit === undefined;
  }

  /** What it waits for before its next run. */
  get waiting(): WaitingReason | undefined {
    return this.#waiting?.reason;
  }

  /** Whether it runs or waits for its next run. */
  get living(): boolean {
    return this.running || this.#waiting !== undefined;
  }

  /** Number of its last run; the first is 1, and 0 stands for none. */
  get run(): number {
    return this.#run?.number ?? 0;
  }

  get #run(): FakeRun | undefined {
    return this.#runs.at(-1);
  }

  /** Appends to its output. Does nothing after the end of the run. */
  write(data: string | Uint8Array, stream: keyof typeof streams = "stdout"): void {
    const run = this.#run;
    const bytes = Buffer.from(data);
    if (run === undefined || run.exit !== undefined || bytes.length === 0) {
      return;
    }
    const offset = BigInt(run.size);
    run.chunks.push(create(OutputChunkSchema, { stream: streams[stream], offset, time: timestampNow(), data: bytes }));
    run.size += bytes.length;
    this.#world.change();
  }

  /** Ends its run; the first end counts. */
  exit(how: FakeExit | number = 0): void {
    const run = this.#run;
    if (run === undefined || run.exit !== undefined) {
      return;
    }
    const exit = typeof how === "number" ? { code: how } : how;
    run.exited = timestampNow();
    run.exit =
      "code" in exit
        ? create(ExitStatusSchema, { result: { case: "code", value: exit.code } })
        : create(ExitStatusSchema, {
            result: { case: "signal", value: constants.signals[exit.signal as NodeJS.Signals] ?? 0 },
            signalName: exit.signal,
          });
    this.#moved(ProcessState.RUNNING, CauseKind.EXIT);
    this.#world.queues.advance();
  }

  /** Begins a run, with no output yet. */
  begin(): void {
    const from = this.#state;
    this.#waiting = undefined;
    const number = this.run + 1;
    this.#runs = [...this.#runs, { number, started: timestampNow(), chunks: [], size: 0 }].slice(-keptRuns);
    this.#moved(from, CauseKind.REQUEST);
    (async () => this.#program(this))().catch(() => {
      if (this.run === number) {
        this.exit(1);
      }
    });
  }

  /** Has no run before somebody begins it. */
  wait(reason: WaitingReason, what: readonly string[]): void {
    const from = this.#state;
    this.#waiting = { reason, for: what };
    this.#moved(from, CauseKind.REQUEST);
  }

  /** Waits no longer. */
  cancel(): void {
    if (this.#waiting !== undefined) {
      this.#waiting = undefined;
      this.#moved(ProcessState.WAITING, CauseKind.REQUEST);
      this.#world.queues.advance();
    }
  }

  signal(name: string): void {
    this.signals.push(name);
    this.note(EventType.SIGNALED);
    this.onSignal(name);
  }

  /** Changes what it is called, its labels or its specification. */
  update(change: { name?: string; labels?: Readonly<Record<string, string>>; spec?: ProcessSpec }): void {
    this.#name = change.name ?? this.#name;
    this.#labels = change.labels === undefined ? this.#labels : { ...change.labels };
    this.#spec = change.spec ?? this.#spec;
    this.note(EventType.UPDATED);
  }

  /** Records that something happened to it; the version after it. */
  note(type: EventType): bigint {
    return this.#record({ type, cause: cause(CauseKind.REQUEST) });
  }

  /** Output of a run from an offset on, and where it ends now. @throws RUN_NOT_FOUND */
  output(
    from: number,
    number = this.run,
  ): { readonly chunks: readonly OutputChunk[]; readonly next: number; readonly exit?: ExitStatus } {
    const run = this.#runs.find((one) => one.number === number);
    if (run === undefined) {
      throw reasonError("RUN_NOT_FOUND", `there is no run ${number}`, { id: this.id, run: String(number) });
    }
    const chunks = run.chunks
      .filter(({ offset, data }) => Number(offset) + data.length > from)
      .map((chunk) => {
        const skip = Math.max(0, from - Number(chunk.offset));
        return skip === 0
          ? chunk
          : create(OutputChunkSchema, { ...chunk, offset: BigInt(from), data: chunk.data.subarray(skip) });
      });
    return { chunks, next: run.size, ...(run.exit && { exit: run.exit }) };
  }

  /** Its runs as the contract shows them, newest first. */
  runs(): Run[] {
    return this.#runs.map(shown).reverse();
  }

  /** As the contract shows it. */
  snapshot(): Process {
    const run = this.#run;
    return create(ProcessSchema, {
      id: this.id,
      name: this.#name,
      labels: { ...this.#labels },
      spec: this.#spec,
      state: this.#state,
      desiredState: this.living ? DesiredState.RUNNING : DesiredState.STOPPED,
      createTime: this.#created,
      sequence: this.#sequence,
      resourceVersion: String(this.#version),
      ...(run && { run: shown(run) }),
      ...(this.#waiting && {
        supervision: { waitingReason: this.#waiting.reason, waitingFor: [...this.#waiting.for] },
      }),
    });
  }

  get #state(): ProcessState {
    if (this.#waiting !== undefined) {
      return ProcessState.WAITING;
    }
    return this.running ? ProcessState.RUNNING : ProcessState.EXITED;
  }

  #moved(from: ProcessState, kind: CauseKind): void {
    const exit = this.#run?.exit;
    this.#record({ type: EventType.STATE_CHANGED, from, to: this.#state, cause: cause(kind), ...(exit && { exit }) });
  }

  #record(event: Parameters<FakeWorld["change"]>[0]): bigint {
    this.#sequence += 1n;
    const run = this.run === 0 ? {} : { run: this.run };
    this.#version = this.#world.version + 1n;
    return this.#world.change({ ...event, processId: this.id, processName: this.#name, ...run });
  }
}

function cause(kind: CauseKind) {
  return create(CauseSchema, { kind, ...(kind === CauseKind.REQUEST && { principal: "local" }) });
}

function shown({ number, started, exited, exit, size, chunks }: FakeRun): Run {
  const sizeOf = (stream: OutputStream): bigint =>
    BigInt(chunks.reduce((sum, chunk) => sum + (chunk.stream === stream ? chunk.data.length : 0), 0));
  const ended = exit !== undefined;
  return create(RunSchema, {
    number,
    state: ended ? RunState.EXITED : RunState.RUNNING,
    cause: cause(CauseKind.REQUEST),
    createTime: started,
    startTime: started,
    ...(exited && { exitTime: exited }),
    ...(exit && { exit }),
    treeAlive: !ended,
    output: {
      nextOffset: BigInt(size),
      complete: ended,
      limitBytes: 2n ** 20n,
      stdoutBytes: sizeOf(OutputStream.STDOUT),
      stderrBytes: sizeOf(OutputStream.STDERR),
    },
  });
}

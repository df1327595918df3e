/** A process that runs nowhere: a test says what it writes and how it ends. */
import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampNow } from "@bufbuild/protobuf/wkt";
import { CauseKind, CauseSchema } from "../../gen/ts/pm/v1/cause_pb.ts";
import { type OutputChunk, OutputChunkSchema, OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { DesiredState, type Process, ProcessSchema, ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { type ExitStatus, ExitStatusSchema, RunSchema, RunState } from "../../gen/ts/pm/v1/run_pb.ts";
import type { ProcessSpec } from "../../gen/ts/pm/v1/spec_pb.ts";

/** How a process ends: an exit code, or a signal by its name. */
export type FakeExit = { readonly code: number } | { readonly signal: string };

/** What a program of a fake daemon does; called for each run. If it throws, the process exits with code 1. */
export type FakeProgram = (process: FakeProcess) => void | Promise<void>;

const streams = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;
const fatal: ReadonlySet<string> = new Set(["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGQUIT"]);

export class FakeProcess {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As it was sent. */
  readonly spec: ProcessSpec;
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
  readonly #created = timestampNow();
  readonly #waiting = new Set<() => void>();
  #chunks: OutputChunk[] = [];
  #size = 0;
  #run = 0;
  #started: Timestamp = this.#created;
  #exited: Timestamp | undefined;
  #exit: ExitStatus | undefined;
  #sequence = 0n;

  /** Made by `FakeDaemon`. */
  constructor(
    options: { id: string; name: string; labels: Readonly<Record<string, string>>; spec: ProcessSpec },
    program: FakeProgram,
  ) {
    this.id = options.id || randomUUID();
    this.name = options.name;
    this.labels = { ...options.labels };
    this.spec = options.spec;
    this.#program = program;
  }

  /** Whether its run has not ended. */
  get running(): boolean {
    return this.#exit === undefined;
  }

  /** Number of its run; the first is 1. */
  get run(): number {
    return this.#run;
  }

  /** Appends to its output. Does nothing after the end of the run. */
  write(data: string | Uint8Array, stream: keyof typeof streams = "stdout"): void {
    const bytes = Buffer.from(data);
    if (!this.running || bytes.length === 0) {
      return;
    }
    this.#chunks.push(
      create(OutputChunkSchema, {
        stream: streams[stream],
        offset: BigInt(this.#size),
        time: timestampNow(),
        data: bytes,
      }),
    );
    this.#size += bytes.length;
    this.#changed();
  }

  /** Ends its run; the first end counts. */
  exit(how: FakeExit | number = 0): void {
    if (!this.running) {
      return;
    }
    const exit = typeof how === "number" ? { code: how } : how;
    this.#exited = timestampNow();
    this.#exit =
      "code" in exit
        ? create(ExitStatusSchema, { result: { case: "code", value: exit.code } })
        : create(ExitStatusSchema, {
            result: { case: "signal", value: constants.signals[exit.signal as NodeJS.Signals] ?? 0 },
            signalName: exit.signal,
          });
    this.#changed();
  }

  /** Begins a run, with no output yet. */
  begin(): void {
    this.#run += 1;
    this.#chunks = [];
    this.#size = 0;
    this.#exit = undefined;
    this.#exited = undefined;
    this.#started = timestampNow();
    this.#changed();
    const run = this.#run;
    (async () => this.#program(this))().catch(() => {
      if (this.#run === run) {
        this.exit(1);
      }
    });
  }

  signal(name: string): void {
    this.signals.push(name);
    this.onSignal(name);
  }

  /** Output from an offset on, and where it ends now. */
  output(from: number): { readonly chunks: readonly OutputChunk[]; readonly next: number; readonly exit?: ExitStatus } {
    const chunks = this.#chunks
      .filter(({ offset, data }) => Number(offset) + data.length > from)
      .map((chunk) => {
        const skip = Math.max(0, from - Number(chunk.offset));
        return skip === 0
          ? chunk
          : create(OutputChunkSchema, { ...chunk, offset: BigInt(from), data: chunk.data.subarray(skip) });
      });
    return { chunks, next: this.#size, ...(this.#exit && { exit: this.#exit }) };
  }

  /** Resolves at the next change, or when the caller gives up. */
  async changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
    signal.throwIfAborted();
  }

  /** As the contract shows it. */
  snapshot(): Process {
    const ended = this.#exit !== undefined;
    const cause = create(CauseSchema, { kind: CauseKind.REQUEST, principal: "local" });
    return create(ProcessSchema, {
      id: this.id,
      name: this.name,
      labels: { ...this.labels },
      spec: this.spec,
      state: ended ? ProcessState.EXITED : ProcessState.RUNNING,
      desiredState: ended ? DesiredState.STOPPED : DesiredState.RUNNING,
      createTime: this.#created,
      sequence: this.#sequence,
      resourceVersion: String(this.#sequence),
      run: create(RunSchema, {
        number: this.#run,
        state: ended ? RunState.EXITED : RunState.RUNNING,
        cause,
        createTime: this.#started,
        startTime: this.#started,
        ...(this.#exited && { exitTime: this.#exited }),
        ...(this.#exit && { exit: this.#exit }),
        treeAlive: !ended,
        output: {
          nextOffset: BigInt(this.#size),
          complete: ended,
          limitBytes: 2n ** 20n,
          stdoutBytes: this.#sizeOf(OutputStream.STDOUT),
          stderrBytes: this.#sizeOf(OutputStream.STDERR),
        },
      }),
    });
  }

  #sizeOf(stream: OutputStream): bigint {
    return BigInt(this.#chunks.reduce((sum, chunk) => sum + (chunk.stream === stream ? chunk.data.length : 0), 0));
  }

  #changed(): void {
    this.#sequence += 1n;
    for (const wake of this.#waiting) {
      wake();
    }
  }
}

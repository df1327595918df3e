import { EventEmitter } from "node:events";
import type { ProcessFilter } from "../../../../src/server/engine/api/list.ts";
import type { OutputChunk, OutputStreamName } from "../../../../src/server/engine/api/output.ts";
import type { ExitStatus } from "../../../../src/server/engine/api/run.ts";
import type { OutputProcess, OutputRun, RunDirectory } from "../../../../src/server/engine/output/directory.ts";
import { Outputs } from "../../../../src/server/engine/output/outputs.ts";
import type { OutputSource, SourceHold, SourceRead, SourceView } from "../../../../src/server/engine/output/source.ts";

export const success: ExitStatus = {
  code: 0,
  signal: null,
  signalName: "",
  coreDumped: false,
  oomKilled: null,
  usage: { userMicros: 0, systemMicros: 0, maxResidentBytes: 0 },
};

/** Output of one run in memory; the oldest chunks are dropped beyond its capacity, as a ring does. */
export class FakeRun implements OutputRun {
  readonly processId: string;
  readonly number: number;
  limitBytes = 1 << 30;
  allowsHold = false;
  holdFile = "";
  over: "failed" | "lost" | null = null;
  running = true;
  exit: ExitStatus | null = null;
  nextRun: number | "undecided" | null = null;
  removed = false;
  complete = false;
  hold: SourceHold | null = null;
  readonly holdsSent: { offset: number; milliseconds: number }[] = [];
  /** How many sources of it are open, and were opened. */
  open = 0;
  opened = 0;
  chunks: OutputChunk[] = [];
  written = 0;
  following = false;
  readonly #world: World;

  constructor(world: World, processId: string, number: number) {
    this.#world = world;
    this.processId = processId;
    this.number = number;
  }

  write(text: string | Uint8Array, timeMicros = Date.now() * 1000, stream: OutputStreamName = "stdout"): void {
    const data = typeof text === "string" ? Buffer.from(text) : text;
    if (data.length === 0) return;
    this.chunks.push({ stream, offset: this.written, timeMicros, data });
    this.written += data.length;
    while (this.written - this.first > this.limitBytes) this.chunks.shift();
    if (!this.following) return;
    this.following = false;
    this.#world.outputs.notify(this);
  }

  /** Drops everything that was written so far. */
  drop(): void {
    this.chunks = [];
  }

  end(exit: ExitStatus | null = success): void {
    this.complete = true;
    this.running = false;
    this.exit = exit;
    this.#world.outputs.notify(this);
  }

  get first(): number {
    return this.chunks[0]?.offset ?? this.written;
  }

  openSource(): OutputSource | null {
    if (this.removed) return null;
    this.open++;
    this.opened++;
    return new FakeSource(this);
  }

  async sendHold(offset: number, milliseconds: number): Promise<void> {
    this.holdsSent.push({ offset, milliseconds });
    this.hold = milliseconds === 0 ? null : { offset, blocking: false };
  }
}

class FakeSource implements OutputSource {
  readonly #run: FakeRun;
  #closed = false;

  constructor(run: FakeRun) {
    this.#run = run;
  }

  look(): SourceView {
    const { written, chunks, complete, limitBytes, hold, first } = this.#run;
    const sum = (stream: OutputStreamName) =>
      chunks.reduce((all, chunk) => all + (chunk.stream === stream ? chunk.data.length : 0), 0);
    return {
      firstOffset: first,
      nextOffset: written,
      complete,
      stdoutBytes: sum("stdout"),
      stderrBytes: sum("stderr"),
      capacityBytes: limitBytes,
      hold,
    };
  }

  read(from: number, maxBytes: number): SourceRead {
    if (this.#closed) throw new Error("read after close");
    const start = Math.max(from, this.#run.first);
    const end = Math.min(this.#run.written, start + maxBytes);
    const chunks = this.#run.chunks.flatMap((chunk) => {
      const begin = Math.max(0, start - chunk.offset);
      const data = chunk.data.subarray(begin, Math.max(begin, end - chunk.offset));
      return data.length === 0 ? [] : [{ ...chunk, offset: chunk.offset + begin, data }];
    });
    return { gap: start > from ? { from, to: start } : null, chunks, nextOffset: Math.max(start, end) };
  }

  async tailLines(lines: number): Promise<number> {
    const text = Buffer.concat(this.#run.chunks.map(({ data }) => data)).toString("latin1");
    const all = text.split(/(?<=\n)/);
    return this.#run.written - all.slice(-lines).join("").length;
  }

  offsetSince(time: bigint): number {
    return this.#run.chunks.find(({ timeMicros }) => BigInt(timeMicros) * 1000n >= time)?.offset ?? this.#run.written;
  }

  timeAt(offset: number): number | null {
    return this.read(offset, 1).chunks[0]?.timeMicros ?? null;
  }

  follow(): void {
    this.#run.following = true;
  }

  close(): void {
    if (!this.#closed) this.#run.open--;
    this.#closed = true;
  }
}

export class FakeProcess implements OutputProcess {
  readonly id: string;
  name: string;
  readonly sequence: number;
  labels: Record<string, string> = {};
  removed = false;
  runs: FakeRun[] = [];

  constructor(id: string, name: string, sequence: number) {
    this.id = id;
    this.name = name;
    this.sequence = sequence;
  }

  /** The current run. */
  get run(): FakeRun {
    const [run] = this.runs;
    if (run === undefined) throw new Error("no run");
    return run;
  }
}

/** Processes that write when a test says so. */
export class World implements RunDirectory {
  readonly #changes = new EventEmitter();
  readonly #byId = new Map<string, FakeProcess>();
  lastSequence = 0;
  closed: Error | null = null;
  outputs = this.#open();

  constructor() {
    this.#changes.setMaxListeners(0);
  }

  #open(): Outputs {
    return new Outputs(this, () => {
      if (this.closed !== null) throw this.closed;
    });
  }

  /** The next daemon finds the same runs, and knows nothing else. */
  nextDaemon(): void {
    this.outputs = this.#open();
  }

  get processes(): Iterable<FakeProcess> {
    return this.#byId.values();
  }

  get listeners(): number {
    return this.#changes.listenerCount("change");
  }

  find(id: string): FakeProcess | undefined {
    return this.#byId.get(id);
  }

  compile(filter: ProcessFilter): (process: OutputProcess) => boolean {
    return (process) =>
      process instanceof FakeProcess &&
      (filter.ids.length === 0 || filter.ids.includes(process.id)) &&
      filter.labels.every(({ key, value }) => process.labels[key] === value);
  }

  listen(listener: (process: OutputProcess) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }

  start(id: string, labels: Record<string, string> = {}): FakeProcess {
    const process = new FakeProcess(id, id, ++this.lastSequence);
    process.labels = labels;
    process.runs.unshift(new FakeRun(this, id, 1));
    this.#byId.set(id, process);
    this.changed(process);
    return process;
  }

  restart(process: FakeProcess): FakeRun {
    const run = new FakeRun(this, process.id, process.run.number + 1);
    process.run.nextRun = run.number;
    process.runs.unshift(run);
    this.changed(process);
    return run;
  }

  remove(process: FakeProcess): void {
    process.removed = true;
    this.#byId.delete(process.id);
    for (const run of process.runs) run.removed = true;
    this.changed(process);
    for (const run of process.runs) this.outputs.notify(run);
  }

  changed(process: FakeProcess): void {
    this.#changes.emit("change", process);
  }

  close(error: Error): void {
    this.closed = error;
    this.outputs.wakeAll();
  }
}

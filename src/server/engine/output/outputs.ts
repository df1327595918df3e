import type {
  OutputAcknowledgement,
  OutputFrame,
  OutputRead,
  OutputsFrame,
  ReadOutputOptions,
  StreamOutputOptions,
  StreamOutputsOptions,
} from "../api/output.ts";
import { Blocks } from "./blocks.ts";
import type { OutputContext } from "./context.ts";
import { chooseRun } from "./describe.ts";
import type { OutputProcess, OutputRun, RunDirectory } from "./directory.ts";
import { Holds } from "./hold/holds.ts";
import { streamOutputs } from "./merge/stream.ts";
import { OutputNews } from "./news.ts";
import { SourcePool } from "./pool.ts";
import { readOutput } from "./read.ts";
import { streamOutput } from "./stream.ts";

/** All that is done with the output of runs, over the engine's directory of them. */
export class Outputs {
  readonly #context: OutputContext;

  /** @param checkOpen Throws SHUTTING_DOWN once the engine closes. */
  constructor(directory: RunDirectory, checkOpen: () => void) {
    const pool = new SourcePool();
    const news = new OutputNews();
    this.#context = { directory, pool, blocks: new Blocks(), news, holds: new Holds(pool, news), checkOpen };
  }

  /**
   * To be called at every event of a run's shim, and when `over`, `exit`,
   * `running`, `nextRun` or `removed` of a run have changed.
   */
  notify(run: OutputRun): void {
    this.#context.news.notify(run);
  }

  /** Wakes everybody, to see that the engine closes. */
  wakeAll(): void {
    this.#context.news.notifyAll();
  }

  /** @throws EngineError RUN_NOT_FOUND, OFFSET_OUT_OF_RANGE, OUTPUT_UNREADABLE */
  read(process: OutputProcess, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead> {
    return readOutput(this.#context.pool, process, options);
  }

  /** @throws EngineError RUN_NOT_FOUND, OFFSET_OUT_OF_RANGE, OUTPUT_UNREADABLE, OUTPUT_HELD, HOLD_REFUSED */
  stream(
    process: OutputProcess,
    options: StreamOutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputFrame, void, undefined> {
    return streamOutput(this.#context, process, options, signal);
  }

  /** @throws EngineError INVALID_ARGUMENT, OFFSET_OUT_OF_RANGE */
  streamMany(options: StreamOutputsOptions, signal: AbortSignal): AsyncGenerator<OutputsFrame, void, undefined> {
    return streamOutputs(this.#context, options, signal);
  }

  /** @throws EngineError RUN_NOT_FOUND, OFFSET_OUT_OF_RANGE, HOLD_REFUSED */
  async acknowledge(process: OutputProcess, acknowledgement: OutputAcknowledgement): Promise<void> {
    await this.#context.holds.acknowledge(chooseRun(process, acknowledgement.run), acknowledgement);
  }
}

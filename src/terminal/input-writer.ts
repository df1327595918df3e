/** Writing to a process, each byte once, also where the daemon dies meanwhile. */
import { PmError, type ProcessManager, type WriteOptions } from "../sdk/index.ts";

/** How the writes are made. */
export interface InputWriterOptions extends Pick<WriteOptions, "precondition" | "signal"> {
  /** What was written to the run's input before. @default the daemon is asked */
  readonly written?: number;
}

/**
 * Writes one piece after the other. Where the connection is lost during a write, the next daemon is asked for the rest of
 * it: what has come to the process since the piece before is its beginning, unless somebody else writes just then.
 */
export class InputWriter {
  readonly #manager: ProcessManager;
  readonly #id: string;
  readonly #options: Omit<InputWriterOptions, "written">;
  #written: number | undefined;

  constructor(manager: ProcessManager, id: string, { written, ...options }: InputWriterOptions = {}) {
    this.#manager = manager;
    this.#id = id;
    this.#options = options;
    this.#written = written;
  }

  /**
   * To be called again when it has resolved.
   *
   * @throws PmError as `Processes.write`
   */
  async write(data: string | Uint8Array, { close = false }: Pick<WriteOptions, "close"> = {}): Promise<void> {
    this.#written ??= await this.#send("", { inputOffset: 0 });
    try {
      // Without an offset: what others have written must not be taken for this.
      this.#written = await this.#send(data, { close });
    } catch (error) {
      if (!isCutShort(error)) {
        throw error;
      }
      this.#written = await this.#send(data, { close, inputOffset: this.#written });
    }
  }

  async #send(data: string | Uint8Array, options: WriteOptions): Promise<number> {
    const { inputOffset } = await this.#manager.processes.write(this.#id, data, { ...this.#options, ...options });
    return inputOffset;
  }
}

/** A part of it may be written, and another daemon may come. */
function isCutShort(error: unknown): boolean {
  return error instanceof PmError && (error.reason === "DISCONNECTED" || error.reason === "SHUTTING_DOWN");
}

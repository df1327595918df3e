/** Passing standard input on to a process. */
import { PmError, type Process } from "../sdk/index.ts";

/**
 * Writes to the input of one process, each byte once, whatever daemons come and go meanwhile: a write that was cut off
 * is made again from where this writer was. Only then, since the input may have other writers, whose bytes count too.
 */
export class ProcessInput {
  readonly #write: Process["write"];
  #offset: number | undefined;

  /** @param offset How many bytes were written to the run before. Undefined: it is asked for. */
  constructor(write: Process["write"], offset?: number) {
    this.#write = write;
    this.#offset = offset;
  }

  /** @throws PmError as `Processes.write` */
  async write(data: string | Uint8Array, { close = false } = {}): Promise<void> {
    this.#offset ??= (await this.#write("", { inputOffset: 0 })).inputOffset;
    const inputOffset = this.#offset;
    const written = await this.#write(data, { close }).catch((error: unknown) => {
      if (!(error instanceof PmError) || !wasCutOff.has(error.reason)) {
        throw error;
      }
      return this.#write(data, { close, inputOffset });
    });
    this.#offset = written.inputOffset;
  }
}

/** The connection was lost, or the daemon ended: what of the write is done is not known. */
const wasCutOff: ReadonlySet<string> = new Set(["DISCONNECTED", "SHUTTING_DOWN"]);

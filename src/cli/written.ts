/** Output that the launcher has written already, of a command that the host broke off and that is run again. */

/** How much of the end of it is compared (src/launcher/launcher.h). */
const tailBytes = 4096;

export class AlreadyWritten {
  #left: number;
  readonly #hash: string;
  #tail = Buffer.alloc(0);

  private constructor(bytes: number, hash: string) {
    this.#left = bytes;
    this.#hash = hash;
  }

  /** Takes the variable out of the environment: it is for this process alone. Undefined if nothing is written. */
  static takeFrom(env: NodeJS.ProcessEnv): AlreadyWritten | undefined {
    const { PM_WRITTEN: text } = env;
    delete env["PM_WRITTEN"];
    const [, bytes, hash = ""] = /^(\d+):([0-9a-f]{8})$/.exec(text ?? "") ?? [];
    return bytes === undefined || Number(bytes) === 0 ? undefined : new AlreadyWritten(Number(bytes), hash);
  }

  /** Whether the command has not come as far again. */
  get isBehind(): boolean {
    return this.#left > 0;
  }

  /**
   * What of the data is still to be written; undefined if the command does not say the same as before, so that going on
   * would be wrong.
   */
  rest(data: Uint8Array): Uint8Array | undefined {
    const known = data.subarray(0, this.#left);
    this.#left -= known.length;
    this.#tail = Buffer.concat([this.#tail, known.subarray(-tailBytes)]).subarray(-tailBytes);
    if (this.#left === 0 && known.length > 0 && fnv1a(this.#tail) !== this.#hash) {
      return undefined;
    }
    return data.subarray(known.length);
  }
}

function fnv1a(data: Uint8Array): string {
  let hash = 2166136261;
  for (const byte of data) {
    hash = Math.imul(hash ^ byte, 16777619);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

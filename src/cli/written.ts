/** Output that the launcher has written already, of a command that the host broke off and that is run again. */

/** How much of the end of it is compared (src/launcher/launcher.h). */
const tailBytes = 4096;

export interface AlreadyWritten {
  /** Whether the command ended before it had said again what is written. */
  readonly isBehind: boolean;
  /**
   * What of the data is still to be written; undefined if the command does not say the same as before, so that going on
   * would be wrong.
   */
  rest(data: Uint8Array): Uint8Array | undefined;
}

/** Takes the variable out of the environment: it is for this process alone. Undefined if nothing is written. */
export function takeWritten(env: NodeJS.ProcessEnv): AlreadyWritten | undefined {
  const { PM_WRITTEN: text = "" } = env;
  delete env["PM_WRITTEN"];
  if (text.startsWith("lines:")) {
    return new WrittenLines(text.slice("lines:".length));
  }
  const [, bytes, hash = ""] = /^(\d+):([0-9a-f]{8})$/.exec(text) ?? [];
  return bytes === undefined || Number(bytes) === 0 ? undefined : new WrittenBytes(Number(bytes), hash);
}

/** The beginning of an output that is the same each time. */
class WrittenBytes implements AlreadyWritten {
  #left: number;
  readonly #hash: string;
  #tail = Buffer.alloc(0);

  constructor(bytes: number, hash: string) {
    this.#left = bytes;
    this.#hash = hash;
  }

  get isBehind(): boolean {
    return this.#left > 0;
  }

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

/** Results, a line each, that come in any order. One that was told may not come again: what is done is no news. */
class WrittenLines implements AlreadyWritten {
  readonly isBehind = false;
  readonly #lines: Set<string>;

  constructor(text: string) {
    this.#lines = new Set(text.split("\n").slice(0, -1));
  }

  rest(data: Uint8Array): Uint8Array {
    const lines = Buffer.from(data)
      .toString("latin1")
      .split(/(?<=\n)/);
    const unwritten = lines.filter((line) => !this.#lines.delete(line.replace(/\n$/, "")));
    return unwritten.length === lines.length ? data : Buffer.from(unwritten.join(""), "latin1");
  }
}

function fnv1a(data: Uint8Array): string {
  let hash = 2166136261;
  for (const byte of data) {
    hash = Math.imul(hash ^ byte, 16777619);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

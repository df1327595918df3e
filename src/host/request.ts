/** What a launcher asks for: src/launcher/protocol.h, decoded. */
import type { Inherited, Rlimit, Terminal } from "../cli/caller.ts";
import { rlimitNames } from "../cli/rlimits.ts";

/** A longer request is refused before it is read. */
export const maxRequestBytes = 16 * 1024 * 1024;

const gone = 0xffffffff;
const infinity = 0xffffffffffffffffn;

export interface HostRequest {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly terminal: Terminal;
  readonly inherited: Inherited;
}

/** The request is not one of this protocol. */
export class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}

/**
 * Decodes a request, without its length in front.
 *
 * @throws MalformedRequest
 */
export function decodeRequest(bytes: Buffer): HostRequest {
  const reader = new Reader(bytes);
  const umask = reader.u32();
  const nice = reader.u32() | 0;
  const terminals = reader.u32();
  const rows = reader.u16();
  const columns = reader.u16();
  const rlimits: Record<string, Rlimit> = {};
  for (const name of Object.values(rlimitNames)) {
    rlimits[name] = { soft: boundOf(reader.u64()), hard: boundOf(reader.u64()) };
  }
  const cwd = reader.stringUnlessGone();
  const args = reader.strings();
  const env = reader.strings();
  reader.end();
  return {
    args: args.map(textOf),
    env: environment(env),
    cwd: cwd === undefined ? undefined : textOf(cwd),
    terminal: {
      stdin: (terminals & 1) !== 0,
      stdout: (terminals & 2) !== 0,
      stderr: (terminals & 4) !== 0,
      size: rows > 0 && columns > 0 ? { rows, columns } : undefined,
    },
    inherited: { args, env, cwd, umask, nice, rlimits },
  };
}

function boundOf(value: bigint): bigint | undefined {
  return value === infinity ? undefined : value;
}

function textOf(bytes: Buffer): string {
  return bytes.toString("utf8");
}

/** As `process.env` has it: of a name that is there twice, the first counts; what has no "=" is no variable. */
function environment(entries: readonly Buffer[]): Record<string, string> {
  const variables = new Map<string, string>();
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    const name = entry.toString("utf8", 0, Math.max(0, equals));
    if (equals > 0 && !variables.has(name)) {
      variables.set(name, entry.toString("utf8", equals + 1));
    }
  }
  // Not by assignment: "__proto__" is a name like any other.
  return Object.fromEntries(variables);
}

/** Numbers are little-endian, as on every machine that the launcher is built for. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  stringUnlessGone(): Buffer | undefined {
    const length = this.u32();
    return length === gone ? undefined : this.#slice(length);
  }

  strings(): Buffer[] {
    const count = this.u32();
    const strings: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      strings.push(this.#slice(this.u32()));
    }
    return strings;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw new MalformedRequest("bytes behind the request");
    }
  }

  #slice(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) {
      throw new MalformedRequest("the request is too short");
    }
    this.#at = at + length;
    return at;
  }
}

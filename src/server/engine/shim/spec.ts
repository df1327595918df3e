import { HOLD_MOST_MS, PAGE, PROTOCOL_VERSION, rlimitLayout, SPEC_MAGIC, SpecFlag, specLayout } from "./layout.ts";

/** What execve(2) takes: a string is written as UTF-8, bytes as they are. */
export type ByteString = string | Uint8Array;

export interface ShimSpec {
  /** Bytes of output to keep; rounded up to a page. */
  readonly outputLimit: number;
  readonly stdin: "null" | "pipe";
  /** Milliseconds from the first on that the output is held for a holder to come, at most 60,000; 0: it is not. */
  readonly holdMs: number;
  /** A pseudo-terminal for all three streams; `stdin` is then ignored. */
  readonly terminal: { readonly rows: number; readonly columns: number } | null;
  /** `resource` is RLIMIT_*'s number; `null` means unlimited. What is not listed is the zygote's. */
  readonly rlimits: readonly {
    readonly resource: number;
    readonly soft: bigint | null;
    readonly hard: bigint | null;
  }[];
  /** 0 to 0o777. */
  readonly umask: number;
  /** -20 to 19; `null`: the zygote's. */
  readonly nice: number | null;
  /** -1000 to 1000; `null`: the zygote's. */
  readonly oomScoreAdj: number | null;
  /** Make the notify socket. That the process learns its name is the caller's work. */
  readonly notify: boolean;
  /** Absolute. */
  readonly cwd: ByteString;
  /** An existing cgroup v2 directory to join; empty: none. */
  readonly cgroup: string;
  /** At least one: what execve(2) is tried with, in order. */
  readonly paths: readonly ByteString[];
  /** argv, with argv[0]. */
  readonly args: readonly ByteString[];
  /** "KEY=VALUE". */
  readonly env: readonly ByteString[];
}

const UNLIMITED = 0xffff_ffff_ffff_ffffn;

function encodeStrings(strings: readonly ByteString[]): Buffer {
  const parts: Uint8Array[] = [];
  // Strings side by side are encoded together: an environment in one go.
  let text = "";
  for (const string of strings) {
    if (typeof string === "string" ? string.includes("\0") : string.includes(0)) {
      throw new TypeError("a string for execve(2) cannot hold a NUL byte");
    }
    if (typeof string === "string") {
      text += `${string}\0`;
    } else {
      parts.push(Buffer.from(text, "utf8"), string);
      text = "\0";
    }
  }
  parts.push(Buffer.from(text, "utf8"));
  return Buffer.concat(parts);
}

function flagsOf(spec: ShimSpec): number {
  const stream = spec.terminal ? SpecFlag.tty : spec.stdin === "pipe" ? SpecFlag.stdin : 0;
  return (
    stream |
    (spec.nice === null ? 0 : SpecFlag.nice) |
    (spec.oomScoreAdj === null ? 0 : SpecFlag.oom) |
    (spec.notify ? SpecFlag.notify : 0)
  );
}

function limitValue(limit: bigint | null): bigint {
  if (limit === null) return UNLIMITED;
  if (limit < 0n || limit > UNLIMITED) throw new RangeError(`not a resource limit: ${limit}`);
  return limit;
}

/**
 * The contents of a run's spec file.
 *
 * @throws TypeError if a string holds a NUL, or paths or args are empty;
 * RangeError if a number does not fit.
 */
export function encodeSpec(spec: ShimSpec): Buffer {
  if (spec.paths.length === 0 || spec.args.length === 0) {
    throw new TypeError("a spec needs at least one path and argv[0]");
  }
  if (!(spec.umask >= 0 && spec.umask <= 0o777)) {
    throw new RangeError(`not a umask: ${spec.umask}`);
  }
  if (!(spec.holdMs >= 0 && spec.holdMs <= HOLD_MOST_MS)) {
    throw new RangeError(`not a time to wait for a holder: ${spec.holdMs}`);
  }
  const tail = encodeStrings([spec.cwd, spec.cgroup, ...spec.paths, ...spec.args, ...spec.env]);
  const head = Buffer.alloc(specLayout.size + spec.rlimits.length * rlimitLayout.size);
  head.writeBigUInt64LE(SPEC_MAGIC, specLayout.magic);
  head.writeUInt32LE(PROTOCOL_VERSION, specLayout.version);
  head.writeUInt32LE(head.length + tail.length, specLayout.file_size);
  head.writeUInt32LE(flagsOf(spec), specLayout.flags);
  head.writeUInt16LE(spec.terminal?.rows ?? 0, specLayout.rows);
  head.writeUInt16LE(spec.terminal?.columns ?? 0, specLayout.columns);
  head.writeBigUInt64LE(BigInt(Math.max(1, Math.ceil(spec.outputLimit / PAGE)) * PAGE), specLayout.output_limit);
  head.writeUInt32LE(spec.umask, specLayout.umask);
  head.writeInt32LE(spec.nice ?? 0, specLayout.nice);
  head.writeInt32LE(spec.oomScoreAdj ?? 0, specLayout.oom_score_adj);
  head.writeUInt32LE(spec.rlimits.length, specLayout.rlimit_count);
  head.writeUInt32LE(spec.paths.length, specLayout.path_count);
  head.writeUInt32LE(spec.args.length, specLayout.argument_count);
  head.writeUInt32LE(spec.env.length, specLayout.environment_count);
  head.writeUInt32LE(spec.holdMs, specLayout.hold_ms);
  // By a view: Buffer's own methods take a 64-bit number apart into new ones, and there are two for each limit.
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  let at = specLayout.size;
  for (const { resource, soft, hard } of spec.rlimits) {
    head.writeUInt32LE(resource, at + rlimitLayout.resource);
    view.setBigUint64(at + rlimitLayout.soft, limitValue(soft), true);
    view.setBigUint64(at + rlimitLayout.hard, limitValue(hard), true);
    at += rlimitLayout.size;
  }
  return Buffer.concat([head, tail]);
}

import { PAGE, rlimitLayout, SPEC_MAGIC, SpecFlag, specLayout } from "./layout.ts";

export interface ShimSpec {
  /** Bytes of output to keep; rounded up to a page. */
  readonly outputLimit: number;
  readonly stdin: "null" | "pipe";
  /** A pseudo-terminal for all three streams; `stdin` is then ignored. */
  readonly terminal: { readonly rows: number; readonly columns: number } | null;
  /** `resource` is RLIMIT_*'s number; `null` means unlimited. */
  readonly rlimits: readonly {
    readonly resource: number;
    readonly soft: bigint | null;
    readonly hard: bigint | null;
  }[];
  /** Absolute. */
  readonly cwd: string;
  /** An existing cgroup v2 directory to join; empty: none. */
  readonly cgroup: string;
  /** At least one: what execve(2) is tried with, in order. */
  readonly paths: readonly string[];
  /** argv, with argv[0]. */
  readonly args: readonly string[];
  /** "KEY=VALUE". */
  readonly env: readonly string[];
}

const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/**
 * The contents of a run's spec file.
 *
 * @throws TypeError if a string holds a NUL, or paths or args are empty.
 */
export function encodeSpec(spec: ShimSpec): Buffer {
  if (spec.paths.length === 0 || spec.args.length === 0) {
    throw new TypeError("a spec needs at least one path and argv[0]");
  }
  const strings = [spec.cwd, spec.cgroup, ...spec.paths, ...spec.args, ...spec.env];
  for (const string of strings) {
    if (string.includes("\0")) {
      throw new TypeError("a string for execve(2) cannot hold a NUL byte");
    }
  }
  const tail = Buffer.from(`${strings.join("\0")}\0`, "utf8");
  const head = Buffer.alloc(specLayout.size + spec.rlimits.length * rlimitLayout.size);
  const flags = spec.terminal ? SpecFlag.tty : spec.stdin === "pipe" ? SpecFlag.stdin : 0;
  head.writeBigUInt64LE(SPEC_MAGIC, specLayout.magic);
  head.writeUInt32LE(head.length + tail.length, specLayout.file_size);
  head.writeUInt32LE(flags, specLayout.flags);
  head.writeBigUInt64LE(BigInt(Math.max(1, Math.ceil(spec.outputLimit / PAGE)) * PAGE), specLayout.output_limit);
  head.writeUInt16LE(spec.terminal?.rows ?? 0, specLayout.rows);
  head.writeUInt16LE(spec.terminal?.columns ?? 0, specLayout.columns);
  head.writeUInt32LE(spec.rlimits.length, specLayout.rlimit_count);
  head.writeUInt32LE(spec.paths.length, specLayout.path_count);
  head.writeUInt32LE(spec.args.length, specLayout.argument_count);
  head.writeUInt32LE(spec.env.length, specLayout.environment_count);
  for (const [index, limit] of spec.rlimits.entries()) {
    const at = specLayout.size + index * rlimitLayout.size;
    head.writeUInt32LE(limit.resource, at + rlimitLayout.resource);
    head.writeBigUInt64LE(limit.soft ?? UNLIMITED, at + rlimitLayout.soft);
    head.writeBigUInt64LE(limit.hard ?? UNLIMITED, at + rlimitLayout.hard);
  }
  return Buffer.concat([head, tail]);
}

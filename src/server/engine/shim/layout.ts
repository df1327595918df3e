/**
 * The constants and struct offsets of `src/shim/protocol.h`, which documents
 * what they mean. `pm-shim layout` prints the same table; a test compares them.
 */

export const PROTOCOL_VERSION = 1;
export const PAGE = 4096;

export const Request = { start: 1, adopt: 2 } as const;
export const Reply = { ready: 1, forked: 2, failed: 3, gone: 4 } as const;
export const SpecFlag = { stdin: 1, tty: 2 } as const;
export const RunState = { starting: 1, running: 2, exited: 3, failed: 4 } as const;
export const RingFlag = { outputComplete: 1, treeGone: 2, done: 4, stdinClosed: 8, shrunk: 16 } as const;
export const Stream = { stdout: 1, stderr: 2, tty: 3 } as const;
export const EventKind = { state: 1, output: 2, control: 4 } as const;
export const Control = { signal: 1, killTree: 2, resize: 3, closeStdin: 4, release: 5 } as const;
export const Target = { group: 1, main: 2, tree: 3 } as const;
export const Step = {
  prepare: 1,
  shim: 2,
  output: 3,
  pipe: 4,
  fork: 5,
  session: 6,
  cgroup: 7,
  limits: 8,
  chdir: 9,
  stdio: 10,
  exec: 11,
} as const;

/** One of {@link Stream}'s values. */
export type StreamNumber = 1 | 2 | 3;
/** One of {@link Step}'s values. */
export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;

export const SPEC_MAGIC = 0x3143455053204d50n;
export const RING_MAGIC = 0x31474e4952204d50n;

export const requestLayout = { size: 40, type: 0, run: 4, uuid: 8, shim_start: 24, shim_pid: 32 } as const;
export const replyLayout = { size: 40, type: 0, run: 4, uuid: 8, pid: 24, error: 28, step: 32 } as const;
export const specLayout = {
  size: 48,
  magic: 0,
  file_size: 8,
  flags: 12,
  output_limit: 16,
  rows: 24,
  columns: 26,
  rlimit_count: 28,
  path_count: 32,
  argument_count: 36,
  environment_count: 40,
} as const;
export const rlimitLayout = { size: 24, resource: 0, soft: 8, hard: 16 } as const;
export const ringLayout = {
  size: 216,
  magic: 0,
  version: 8,
  seq: 12,
  want: 16,
  state: 20,
  flags: 24,
  run: 28,
  uuid: 32,
  shim_pid: 48,
  child_pid: 52,
  shim_start: 56,
  child_start: 64,
  reserve: 72,
  written: 80,
  data_offset: 88,
  data_size: 96,
  index_offset: 104,
  index_size: 112,
  entry_count: 120,
  stdout_bytes: 128,
  stderr_bytes: 136,
  started: 144,
  exited: 152,
  finished: 160,
  wait_status: 168,
  fail_step: 172,
  fail_errno: 176,
  fail_path: 180,
  user_usec: 184,
  system_usec: 192,
  max_rss_kib: 200,
  control_seq: 208,
  control_errno: 212,
} as const;
export const entryLayout = { size: 16, offset: 0, time_stream: 8 } as const;
export const eventLayout = { size: 24, uuid: 0, run: 16, kinds: 20 } as const;
export const controlLayout = { size: 16, type: 0, seq: 4, a: 8, b: 12 } as const;

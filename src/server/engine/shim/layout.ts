/**
 * The constants and struct offsets of `src/shim/protocol.h`, which documents
 * what they mean. `pm-shim layout` prints the same table; a test compares them.
 */

export const PROTOCOL_VERSION = 2;
export const PAGE = 4096;
export const STATUS_SIZE = 128;
export const PROBES_MOST = 64;
export const PROBE_OUTPUT_MOST = 4096;
export const HOLD_MOST_MS = 60_000;

export const Request = { start: 1, adopt: 2, probe: 3, cancel: 4 } as const;
export const Reply = { ready: 1, forked: 2, failed: 3, gone: 4, probed: 5 } as const;
export const ProbeFlag = { timedOut: 1, canceled: 2, cut: 4 } as const;
export const SpecFlag = { stdin: 1, tty: 2, nice: 4, oom: 8, notify: 16 } as const;
export const RunState = { starting: 1, running: 2, exited: 3, failed: 4 } as const;
export const RingFlag = {
  outputComplete: 1,
  treeGone: 2,
  done: 4,
  stdinClosed: 8,
  shrunk: 16,
  stopped: 32,
  holding: 64,
} as const;
export const Stream = { stdout: 1, stderr: 2, tty: 3 } as const;
export const NotifyFlag = { ready: 1, stopping: 2 } as const;
export const EventKind = { state: 1, output: 2, control: 4, notify: 8, hold: 16 } as const;
export const Control = {
  signal: 1,
  killTree: 2,
  resize: 3,
  closeStdin: 4,
  release: 5,
  hold: 6,
  countInput: 7,
} as const;
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
  priority: 12,
} as const;

/** One of {@link Stream}'s values. */
export type StreamNumber = 1 | 2 | 3;
/** One of {@link Step}'s values. */
export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

export const SPEC_MAGIC = 0x0043455053204d50n;
export const RING_MAGIC = 0x31474e4952204d50n;

export const requestLayout = {
  size: 40,
  type: 0,
  run: 4,
  uuid: 8,
  shim_start: 24,
  shim_pid: 32,
  timeout_ms: 36,
} as const;
export const replyLayout = {
  size: 48,
  type: 0,
  run: 4,
  uuid: 8,
  pid: 24,
  error: 28,
  step: 32,
  wait_status: 36,
  flags: 40,
  length: 44,
} as const;
export const specLayout = {
  size: 64,
  magic: 0,
  version: 8,
  file_size: 12,
  flags: 16,
  rows: 20,
  columns: 22,
  output_limit: 24,
  umask: 32,
  nice: 36,
  oom_score_adj: 40,
  rlimit_count: 44,
  path_count: 48,
  argument_count: 52,
  environment_count: 56,
  hold_ms: 60,
} as const;
export const rlimitLayout = { size: 24, resource: 0, soft: 8, hard: 16 } as const;
export const ringLayout = {
  size: 424,
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
  started_boot: 168,
  exited_boot: 176,
  finished_boot: 184,
  wait_status: 192,
  fail_step: 196,
  fail_errno: 200,
  fail_path: 204,
  user_usec: 208,
  system_usec: 216,
  max_rss_kib: 224,
  control_seq: 232,
  control_errno: 236,
  hold_offset: 240,
  hold_deadline: 248,
  watchdog_boot: 256,
  watchdog_usec: 264,
  notify_flags: 272,
  status: 280,
  input_written: 408,
  input_end: 416,
} as const;
export const entryLayout = { size: 16, offset: 0, time_stream: 8 } as const;
export const eventLayout = { size: 24, uuid: 0, run: 16, kinds: 20 } as const;
export const controlLayout = { size: 32, type: 0, seq: 4, a: 8, b: 12, value: 16, expires: 24 } as const;

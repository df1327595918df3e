import {
  entryLayout,
  NotifyFlag,
  PAGE,
  PROTOCOL_VERSION,
  RING_MAGIC,
  RingFlag,
  RunState,
  ringLayout,
  STATUS_SIZE,
  Step,
} from "./layout.ts";
import { RingUnreadableError, RingVersionError } from "./ring-errors.ts";
import { uuidFromBytes } from "./uuid.ts";

/** The header of a ring; `struct pm_ring` says what each field means. */
export interface RingHeader {
  /** False until the shim has published the ring: every other field is then 0. */
  readonly published: boolean;
  readonly version: number;
  /** One of `RunState`. */
  readonly state: number;
  /** Bits of `RingFlag`. */
  readonly flags: number;
  readonly outputComplete: boolean;
  readonly treeGone: boolean;
  readonly done: boolean;
  readonly stdinClosed: boolean;
  readonly shrunk: boolean;
  /** The main process is stopped, by SIGSTOP or the like. */
  readonly stopped: boolean;
  /** The shim does not read the output, because the holder has not taken what is kept. */
  readonly holding: boolean;
  readonly run: number;
  readonly uuid: string;
  readonly shimPid: number;
  readonly childPid: number;
  /** Clock ticks since boot. */
  readonly shimStart: bigint;
  /** Clock ticks since boot. */
  readonly childStart: bigint;
  readonly reserve: number;
  /** The offset that the next byte of output will have. */
  readonly written: number;
  readonly dataOffset: number;
  readonly dataSize: number;
  readonly indexOffset: number;
  readonly indexSize: number;
  readonly entryCount: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Nanoseconds since the epoch; 0n: not yet. So are `exited` and `finished`. */
  readonly started: bigint;
  readonly exited: bigint;
  readonly finished: bigint;
  /** The same moments on CLOCK_BOOTTIME, in nanoseconds: their differences are durations. */
  readonly startedBoot: bigint;
  readonly exitedBoot: bigint;
  readonly finishedBoot: bigint;
  /** As wait4(2) gave it. */
  readonly waitStatus: number;
  /** One of `Step`, 0: none. */
  readonly failStep: number;
  readonly failErrno: number;
  readonly failPath: number;
  readonly userMicros: number;
  readonly systemMicros: number;
  readonly maxResidentKib: number;
  readonly controlSeq: number;
  readonly controlErrno: number;
  /** Where the holder stands, while `holdDeadline` is not 0n. */
  readonly holdOffset: number;
  /** CLOCK_BOOTTIME in nanoseconds; 0n: nobody holds. */
  readonly holdDeadline: bigint;
  /** When the process last said WATCHDOG=1, CLOCK_BOOTTIME in nanoseconds; 0n: never. */
  readonly watchdogBoot: bigint;
  /** The WATCHDOG_USEC that it asked for; 0n: none. */
  readonly watchdogMicros: bigint;
  /** It said READY=1, STOPPING=1. */
  readonly notifyReady: boolean;
  readonly notifyStopping: boolean;
  /** Its last STATUS, cut to 127 bytes. */
  readonly status: string;
  /** Bytes ever written to its standard input, as of `Control.countInput` or of its closing. */
  readonly inputWritten: number;
  /** The same when its end was last asked for; null: it never was. */
  readonly inputEnd: number | null;
}

/** What of a header says where output lies. */
export type RingPlaces = Pick<
  RingHeader,
  "reserve" | "written" | "dataOffset" | "dataSize" | "indexOffset" | "indexSize" | "entryCount"
>;

const ALL_FLAGS = Object.values(RingFlag).reduce((all, flag) => all | flag, 0);
const ALL_NOTIFY_FLAGS = Object.values(NotifyFlag).reduce((all, flag) => all | flag, 0);
/** PID_MAX_LIMIT of Linux. */
const PID_MOST = 4_194_304;
const LAST_STATE = RunState.failed;
const LAST_STEP = Step.priority;

/** Whether a header's first bytes say that the shim has published it. @throws RingUnreadableError */
export function isPublished(bytes: Buffer): boolean {
  const magic = bytes.readBigUInt64LE(ringLayout.magic);
  if (magic !== 0n && magic !== RING_MAGIC) {
    throw new RingUnreadableError("magic", `0x${magic.toString(16)}`, `0x${RING_MAGIC.toString(16)}`);
  }
  return magic === RING_MAGIC;
}

/** @throws RingVersionError */
export function checkVersion(bytes: Buffer): void {
  const version = bytes.readUInt32LE(ringLayout.version);
  if (version !== PROTOCOL_VERSION) {
    throw new RingVersionError(version, PROTOCOL_VERSION, {
      shimPid: bytes.readUInt32LE(ringLayout.shim_pid),
      shimStart: bytes.readBigUInt64LE(ringLayout.shim_start),
      childPid: bytes.readUInt32LE(ringLayout.child_pid),
      childStart: bytes.readBigUInt64LE(ringLayout.child_start),
    });
  }
}

/** `decodeHeader` makes some twenty times as much of a header; output is read several times a millisecond. */
export function decodePlaces(b: Buffer): RingPlaces {
  const l = ringLayout;
  return {
    reserve: readNumber(b, l.reserve),
    written: readNumber(b, l.written),
    dataOffset: readNumber(b, l.data_offset),
    dataSize: readNumber(b, l.data_size),
    indexOffset: readNumber(b, l.index_offset),
    indexSize: readNumber(b, l.index_size),
    entryCount: readNumber(b, l.entry_count),
  };
}

/** A uint64; not exact beyond 2^53. */
export function readNumber(b: Buffer, at: number): number {
  return b.readUInt32LE(at) + b.readUInt32LE(at + 4) * 0x1_0000_0000;
}

export function decodeHeader(b: Buffer): RingHeader {
  const l = ringLayout;
  const number = (at: number): number => readNumber(b, at);
  const flags = b.readUInt32LE(l.flags);
  const notifyFlags = b.readUInt32LE(l.notify_flags);
  return {
    published: b.readBigUInt64LE(l.magic) === RING_MAGIC,
    version: b.readUInt32LE(l.version),
    state: b.readUInt32LE(l.state),
    flags,
    outputComplete: (flags & RingFlag.outputComplete) !== 0,
    treeGone: (flags & RingFlag.treeGone) !== 0,
    done: (flags & RingFlag.done) !== 0,
    stdinClosed: (flags & RingFlag.stdinClosed) !== 0,
    shrunk: (flags & RingFlag.shrunk) !== 0,
    stopped: (flags & RingFlag.stopped) !== 0,
    holding: (flags & RingFlag.holding) !== 0,
    run: b.readUInt32LE(l.run),
    uuid: uuidFromBytes(b, l.uuid),
    shimPid: b.readUInt32LE(l.shim_pid),
    childPid: b.readUInt32LE(l.child_pid),
    shimStart: b.readBigUInt64LE(l.shim_start),
    childStart: b.readBigUInt64LE(l.child_start),
    reserve: number(l.reserve),
    written: number(l.written),
    dataOffset: number(l.data_offset),
    dataSize: number(l.data_size),
    indexOffset: number(l.index_offset),
    indexSize: number(l.index_size),
    entryCount: number(l.entry_count),
    stdoutBytes: number(l.stdout_bytes),
    stderrBytes: number(l.stderr_bytes),
    started: b.readBigUInt64LE(l.started),
    exited: b.readBigUInt64LE(l.exited),
    finished: b.readBigUInt64LE(l.finished),
    startedBoot: b.readBigUInt64LE(l.started_boot),
    exitedBoot: b.readBigUInt64LE(l.exited_boot),
    finishedBoot: b.readBigUInt64LE(l.finished_boot),
    waitStatus: b.readInt32LE(l.wait_status),
    failStep: b.readUInt32LE(l.fail_step),
    failErrno: b.readInt32LE(l.fail_errno),
    failPath: b.readUInt32LE(l.fail_path),
    userMicros: number(l.user_usec),
    systemMicros: number(l.system_usec),
    maxResidentKib: number(l.max_rss_kib),
    controlSeq: b.readUInt32LE(l.control_seq),
    controlErrno: b.readInt32LE(l.control_errno),
    holdOffset: number(l.hold_offset),
    holdDeadline: b.readBigUInt64LE(l.hold_deadline),
    watchdogBoot: b.readBigUInt64LE(l.watchdog_boot),
    watchdogMicros: b.readBigUInt64LE(l.watchdog_usec),
    notifyReady: (notifyFlags & NotifyFlag.ready) !== 0,
    notifyStopping: (notifyFlags & NotifyFlag.stopping) !== 0,
    status: decodeStatus(b),
    inputWritten: number(l.input_written),
    inputEnd: number(l.input_end) === 0 ? null : number(l.input_end) - 1,
  };
}

function decodeStatus(b: Buffer): string {
  const at = ringLayout.status;
  if (b[at] === 0) {
    return "";
  }
  const end = b.indexOf(0, at);
  return b.toString("utf8", at, end < 0 ? at + STATUS_SIZE : end);
}

/** `expected` is a function, since a header is looked at several times for each piece of output. */
function expect(field: string, isRight: boolean, found: number | bigint, expected: () => string): void {
  if (!isRight) {
    throw new RingUnreadableError(field, found, expected());
  }
}

/**
 * Compares every field of a published header with what it may be, so that
 * whatever reads the ring after this ends.
 *
 * @param torn The shim was caught in the middle of a change: what changes
 * together may not fit together.
 * @throws RingUnreadableError
 */
export function checkHeader(h: RingHeader, bytes: Buffer, fileSize: number, torn: boolean): void {
  checkIdentity(h, bytes);
  if (!torn) checkState(h);
  checkPlaces(h, fileSize, torn);
  checkCounts(h, torn);
}

function checkIdentity(h: RingHeader, bytes: Buffer): void {
  expect("state", h.state >= 1 && h.state <= LAST_STATE, h.state, () => `1 to ${LAST_STATE}`);
  expect("flags", (h.flags & ~ALL_FLAGS) === 0, h.flags, () => `bits of ${ALL_FLAGS}`);
  expect("run", h.run >= 1, h.run, () => "at least 1");
  expect("shim_pid", h.shimPid >= 1 && h.shimPid <= PID_MOST, h.shimPid, () => `1 to ${PID_MOST}`);
  expect("child_pid", h.childPid <= PID_MOST, h.childPid, () => `0 to ${PID_MOST}`);
  expect("fail_step", h.failStep <= LAST_STEP, h.failStep, () => `0 to ${LAST_STEP}`);
  const notifyFlags = bytes.readUInt32LE(ringLayout.notify_flags);
  expect("notify_flags", (notifyFlags & ~ALL_NOTIFY_FLAGS) === 0, notifyFlags, () => `bits of ${ALL_NOTIFY_FLAGS}`);
  const last = bytes[ringLayout.status + STATUS_SIZE - 1] ?? 0;
  expect("status", last === 0, last, () => "a NUL at its end");
}

/** What a shim publishes at once is there at once. */
function checkState(h: RingHeader): void {
  const isOver = h.state === RunState.exited || h.state === RunState.failed;
  const parts = h.treeGone && h.outputComplete;
  expect("flags", !h.treeGone || isOver, h.flags, () => `no tree-gone flag in state ${h.state}`);
  expect("flags", !h.done || (isOver && parts), h.flags, () => `no done flag in state ${h.state}`);
  const hasBegun = h.state === RunState.running || h.state === RunState.exited;
  expect("child_pid", !hasBegun || h.childPid > 1, h.childPid, () => `a process id in state ${h.state}`);
  expect(
    "exited_boot",
    h.state !== RunState.exited || h.exitedBoot > 0n,
    h.exitedBoot,
    () => `a time in state ${h.state}`,
  );
}

/**
 * The part of `checkHeader` that whoever reads output stands on.
 *
 * @throws RingUnreadableError
 */
export function checkPlaces(h: RingPlaces, fileSize: number, torn: boolean): void {
  checkAreas(h, fileSize);
  checkOffsets(h, torn);
}

function checkAreas(h: RingPlaces, fileSize: number): void {
  const isPaged = (value: number) => Number.isSafeInteger(value) && value > 0 && value % PAGE === 0;
  expect("index_offset", isPaged(h.indexOffset), h.indexOffset, () => `a positive multiple of ${PAGE}`);
  expect("data_offset", isPaged(h.dataOffset), h.dataOffset, () => `a positive multiple of ${PAGE}`);
  expect("data_size", isPaged(h.dataSize), h.dataSize, () => `a positive multiple of ${PAGE}`);
  const indexRoom = Math.floor((h.dataOffset - h.indexOffset) / entryLayout.size);
  const entriesFit = Number.isSafeInteger(h.indexSize) && h.indexSize >= 1 && h.indexSize <= indexRoom;
  expect("index_size", entriesFit, h.indexSize, () => `1 to ${indexRoom}`);
  expect("file size", h.dataOffset + h.dataSize <= fileSize, fileSize, () => `at least ${h.dataOffset + h.dataSize}`);
}

const safe = Number.MAX_SAFE_INTEGER;

function isCount(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value <= most;
}

function checkOffsets(h: RingPlaces, torn: boolean): void {
  expect("reserve", isCount(h.reserve, safe), h.reserve, () => `at most ${safe}`);
  expect("written", isCount(h.written, h.reserve), h.written, () => `at most reserve, ${h.reserve}`);
  const ahead = h.reserve - h.written;
  expect("reserve", ahead <= h.dataSize, h.reserve, () => `at most ${h.dataSize} beyond written, ${h.written}`);
  // An entry has a byte at least; it is counted a moment before.
  const entriesMost = h.written + (torn ? 1 : 0);
  expect("entry_count", isCount(h.entryCount, entriesMost), h.entryCount, () => `at most ${entriesMost}`);
  const hasEntries = torn || h.entryCount > 0 || h.written === 0;
  expect("entry_count", hasEntries, h.entryCount, () => `at least 1 for ${h.written} bytes`);
}

function checkCounts(h: RingHeader, torn: boolean): void {
  expect("stdout_bytes", isCount(h.stdoutBytes, safe), h.stdoutBytes, () => `at most ${safe}`);
  expect("stderr_bytes", isCount(h.stderrBytes, safe), h.stderrBytes, () => `at most ${safe}`);
  const sum = h.stdoutBytes + h.stderrBytes;
  expect("stdout_bytes", torn || sum === h.written, h.stdoutBytes, () => `${h.written - h.stderrBytes}`);
  expect("user_usec", isCount(h.userMicros, safe), h.userMicros, () => `at most ${safe}`);
  expect("system_usec", isCount(h.systemMicros, safe), h.systemMicros, () => `at most ${safe}`);
  expect("max_rss_kib", isCount(h.maxResidentKib, safe), h.maxResidentKib, () => `at most ${safe}`);
  expect("input_written", isCount(h.inputWritten, safe), h.inputWritten, () => `at most ${safe}`);
  const inputEnd = h.inputEnd ?? 0;
  expect("input_end", isCount(inputEnd, safe - 1), inputEnd, () => `at most ${safe - 1}`);
  expect("hold_offset", isCount(h.holdOffset, h.written), h.holdOffset, () => `at most written, ${h.written}`);
}

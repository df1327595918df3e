import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { descriptorShare } from "../descriptors.ts";

/** Clock ticks per second: USER_HZ, 100 on every architecture that pm runs on (time(7)). */
const TICKS = 100;
const MICROS_PER_TICK = 1_000_000 / TICKS;
/** AT_PAGESZ of getauxval(3). */
const AUX_PAGE_SIZE = 6n;
/** Descriptors that all samplers together keep open between samples. */
const KEPT_LIMIT = descriptorShare();

let kept = 0;
const buffer = Buffer.allocUnsafe(64 * 1024);

export const pageSize = readPageSize();

function readPageSize(): number {
  try {
    const aux = readFileSync("/proc/self/auxv");
    for (let i = 0; i + 16 <= aux.length; i += 16) {
      if (aux.readBigUInt64LE(i) === AUX_PAGE_SIZE) return Number(aux.readBigUInt64LE(i + 8));
    }
  } catch {
    // Not readable in some sandboxes.
  }
  return 4096;
}

/**
 * A file of /proc that is read again and again. Its descriptor stays open: that
 * is four times as fast as opening it each time, and it can never come to mean
 * another process that got the same number.
 */
export class ProcFile {
  readonly #path: string;
  #fd = -1;

  constructor(path: string) {
    this.#path = path;
  }

  /** How many bytes of the shared buffer it filled; -1 if the process is gone or may not be read. */
  read(): number {
    try {
      if (this.#fd >= 0) return readSync(this.#fd, buffer, 0, buffer.length, 0);
      const fd = openSync(this.#path, "r");
      if (kept < KEPT_LIMIT) {
        kept++;
        this.#fd = fd;
        return readSync(fd, buffer, 0, buffer.length, 0);
      }
      try {
        return readSync(fd, buffer, 0, buffer.length, 0);
      } finally {
        closeSync(fd);
      }
    } catch {
      return -1;
    }
  }

  close(): void {
    if (this.#fd >= 0) {
      kept--;
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }
}

/** What pm needs of proc_pid_stat(5). */
export interface ProcStat {
  readonly state: string;
  readonly parent: number;
  /** Its own processor time and that of the children it waited for. Microseconds. */
  readonly cpuMicros: number;
  readonly threads: number;
  readonly residentBytes: number;
}

/** Parses the first `length` bytes of the shared buffer without making strings of them. */
function parseStat(length: number): ProcStat | null {
  // The name is in parentheses and may hold anything, so the last one counts.
  let i = buffer.lastIndexOf(0x29, length - 1) + 2;
  if (i < 4) return null;
  const state = String.fromCharCode(buffer[i] ?? 0x3f);
  i += 2;
  let parent = 0;
  let ticks = 0;
  let threads = 0;
  let pages = 0;
  for (let field = 4; field <= 24; field++) {
    let value = 0;
    let negative = false;
    for (; i < length; i++) {
      const byte = buffer[i] ?? 0x20;
      if (byte === 0x20) break;
      if (byte === 0x2d) negative = true;
      else value = value * 10 + byte - 0x30;
    }
    i++;
    if (negative) continue;
    if (field === 4) parent = value;
    // utime, stime, cutime, cstime
    else if (field >= 14 && field <= 17) ticks += value;
    else if (field === 20) threads = value;
    else if (field === 24) pages = value;
  }
  return { state, parent, cpuMicros: ticks * MICROS_PER_TICK, threads, residentBytes: pages * pageSize };
}

function parsePids(length: number, into: number[]): void {
  let pid = 0;
  for (let i = 0; i < length; i++) {
    const byte = buffer[i] ?? 0x20;
    if (byte >= 0x30 && byte <= 0x39) {
      pid = pid * 10 + byte - 0x30;
    } else if (pid > 0) {
      into.push(pid);
      pid = 0;
    }
  }
  if (pid > 0) into.push(pid);
}

/** One live process: what it uses, and its children. */
export class ProcTask {
  readonly pid: number;
  readonly #stat: ProcFile;
  readonly #children: ProcFile;

  constructor(pid: number) {
    this.pid = pid;
    this.#stat = new ProcFile(`/proc/${pid}/stat`);
    this.#children = new ProcFile(`/proc/${pid}/task/${pid}/children`);
  }

  stat(): ProcStat | null {
    const length = this.#stat.read();
    return length > 0 ? parseStat(length) : null;
  }

  /** Adds its children's pids. Each thread has its own (proc_tid_children(5)). */
  addChildren(threads: number, into: number[]): void {
    if (threads <= 1) {
      const length = this.#children.read();
      if (length > 0) parsePids(length, into);
      return;
    }
    try {
      for (const thread of readdirSync(`/proc/${this.pid}/task`)) {
        const length = buffer.write(readFileSync(`/proc/${this.pid}/task/${thread}/children`, "latin1"), "latin1");
        parsePids(length, into);
      }
    } catch {
      // It ended meanwhile; its children are found below whoever adopted them.
    }
  }

  close(): void {
    this.#stat.close();
    this.#children.close();
  }
}

/** Storage traffic (proc_pid_io(5)); null where it may not be read. */
export function readIo(pid: number): { readBytes: number; writtenBytes: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/io`, "latin1");
    return {
      readBytes: Number(/^read_bytes: (\d+)$/m.exec(text)?.[1] ?? 0),
      writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(text)?.[1] ?? 0),
    };
  } catch {
    return null;
  }
}

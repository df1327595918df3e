/** Gives memory back when the daemon has nothing to do. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Milliseconds. */
const lookEvery = 5000;
/** Processor time of this thread between two looks up to which the daemon counts as quiet, milliseconds. */
const quietMs = 100;
/**
 * Processor time since the last collection that makes another one worth its while, milliseconds: more than the look at
 * 10,000 idle rings takes each minute, and about as much as such a collection does.
 */
const leastBusyMs = 500;
/** So do as many bytes of resident memory: a hundred streams that begin cost less time than that, and leave this behind. */
const leastGrownBytes = 4 * 1024 * 1024;

/**
 * Collects garbage once after each time of work. V8 does so by itself only when
 * more is allocated: a daemon that has started 10,000 processes and now watches
 * them would keep what that took for ever. The look costs some microseconds.
 *
 * It goes by processor time: on a loaded machine the event loop counts as busy
 * while it only waits for a processor, and each collection would bring on the
 * next one.
 */
export function collectWhenQuiet(): void {
  let last = cpuMs();
  let busyMs = leastBusyMs;
  let kept = process.memoryUsage.rss();
  setInterval(() => {
    const now = cpuMs();
    const used = now - last;
    last = now;
    busyMs += used;
    if (used > quietMs) return;
    if (busyMs < leastBusyMs && process.memoryUsage.rss() < kept + leastGrownBytes) return;
    collect();
    kept = process.memoryUsage.rss();
    last = cpuMs();
    busyMs = 0;
  }, lookEvery).unref();
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Twice: what the first one finalizes, such as buffers, the second one frees; then the pages go back. */
function collect(): void {
  const gc = collector();
  gc({ type: "major" });
  gc({ type: "major", flavor: "last-resort" });
  trim ??= loadTrim();
  trim(0n);
}

/** malloc_trim(3). Its result says whether memory went back. */
type Trim = (pad: bigint) => number;

let trim: Trim | undefined;

/**
 * V8 compiles on threads of its own, and glibc keeps what they freed, an arena
 * for each thread: 31 of 38 MB after 600 starts, of which malloc_trim(3) gave 27
 * back. No option of glibc or V8 did: something small always lies on top.
 */
function loadTrim(): Trim {
  try {
    // Experimental in the version of Node.js that is pinned.
    const { dlopen } = process.getBuiltinModule("node:ffi");
    return dlopen(null, { malloc_trim: { return: "int32", arguments: ["uint64"] } }).functions.malloc_trim;
  } catch {
    // Another libc.
    return () => 0;
  }
}

type Collector = (options: { readonly type: "major"; readonly flavor?: "last-resort" }) => void;

let made: Collector | undefined;

/** The function that `--expose-gc` gives to contexts which are made after it. */
function collector(): Collector {
  if (made === undefined) {
    setFlagsFromString("--expose-gc");
    made = runInNewContext("gc") as Collector;
    setFlagsFromString("--no-expose-gc");
  }
  return made;
}

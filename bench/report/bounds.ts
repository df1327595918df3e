/**
 * What keeps pm from a target, and by what that was found: docs/benchmarks.md
 * shows it with each target that was missed, however often it is written anew.
 * By part, and what the target is for as the tables name it.
 */
export const bounds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lives: {
    "pm SDK":
      "Processor time: what the figures of this part add up to allows no more on all cores. Of the daemon's, warm, 32 at a time (perf and `node:inspector`): a fifth is the kernel's, most of it waking others, a fifth compiled JavaScript of pm, Node.js's HTTP and protobuf, and the rest V8's and Node.js's own code, of which no function has more than 1.5 %; a life allocates 141 kB, and no place has more than 3 % of them; its files are 55 us. The C part is mostly the program's own: an empty one costs 0.9 ms by posix_spawn, of which 0.8 are the C library's start, most of that cpuid instructions, which leave the virtual machine (8.9 us each; a program without a C library costs 0.08 to 0.12 in all). What the zygote and the shim add is 0.15 ms on one processor that nobody else has, 0.21 to 0.23 among others, and more than half of that is the second fork: page tables, the page faults after it (22 with the program's) and their end. The rest is spread over 82 system calls (113 with the dynamic loader's), of which none is more than a thirtieth. Tried without gain: fewer segments in the shim's file (`-z noseparate-code`, `-z norelro`), fork without the C library's handlers, a spec that is read into memory of its own instead of mapped. Left out: no session for the shim (a thirtieth), since its share of the processor comes with it; no stdio in the shim (a sixtieth).",
  },
  many: {
    "daemon, idle and empty, without the command host":
      "53 MB of it are pages of Node.js's own program that it has touched and shares with every other Node.js (a bare `node` has 43 MB resident); 11 MB are V8's heap, most of it the code and the descriptors of the contract; 4 MB are glibc's. Tried without gain: one thread for V8's work, `--optimize-for-size` (2 MB more). Where thousands of processes run on the machine, the search for shims in /proc is compiled by V8's optimizer, whose own code is 5 MB more.",
    "recovery of 10000":
      "In a profile of a daemon that takes over 4,000 processes a fifth is garbage collection, a fifth the records (read, parsed, checked), an eighth the rings (opened, read, checked), a tenth the journal, a sixth the loading of the daemon and of Node.js's modules; the rest is spread over the engine and supervision. Beside it the zygote opens a descriptor of each shim and looks into /proc.",
    "`pm ls -q` of 10000":
      "The daemon looks at four bytes of each ring before it answers, so that a list is never older than the question, and makes 80 bytes of JSON for each process, which the command's side parses.",
    "commands beside 10000, of 200 a second asked for":
      "Processor time: a command costs the daemon and its host, which share a process, several times as much as the launcher. Three of four ask how a process is, which is two requests, the second a stream through Connect. Nothing of it grows with the number of processes but the collection of a larger heap: retention and usage went through all of them for each command until then, a tenth of the daemon's time beside 4,000.",
    "daemon, idle and empty, with the command host":
      "The daemon's without it, and 15 MB of the thread in which commands run warm: a V8 heap of its own, with the whole command line compiled in it.",
  },
  logs: {
    "pm logs":
      "Processor time: 500 MB cost the daemon 0.25 to 0.28 s, its host 0.20 to 0.28, the launcher 0.04, and the reader of this part, a Node.js that takes 64 KiB at a time, 0.26, together 0.8 s on two cores. In a profile of 8 commands (perf, with the names of JavaScript functions) 72 % of the daemon's is the kernel's: 41 % pread(2) from tmpfs, page by page, and 22 % writev(2) to the host; of the host's 63 %: read(2), writev(2) to the launcher, and the waking for each of 2,600 pieces and their 2,800 writes. Each byte is copied five times where raw HTTP/2 copies it twice. JavaScript is 0.07 s of the daemon's and 0.1 of the host's. Daemon and host do not wait for each other: while one sends, the next piece is read. What remains would be saved by one copy less between the two, which are threads of one process, for the price of a second way into the daemon. Tried without gain: the launcher as SCHED_BATCH, larger pipes behind it, smaller memory for what is read (384 and 512 KiB instead of 1 MiB).",
  },
  stream: {
    "pm SDK over TLS":
      "A few hundredths, and not in every run: with memory that is used again the same stream reaches 0.7 to 0.8, so it is V8's collection of fresh memory for each chunk that is missing, beside a raw client that lets its chunks go unread.",
  },
  live: {
    "pm SDK, bytes received":
      "Processor time: the figures of this part say what the four cost, and how fast they could be together if the writer waited. It does not, since the oldest output gives way: the follower and the daemon get their share beside a writer and a shim that never sleep. Overtaken at every second read (220 gaps beside 282 chunks, 312 beside 1371), they pay for a gap and a waking with each half megabyte, and in the half second of a round much of the daemon's code is not compiled yet (4 s for a gigabyte in the first round, 1 s in the fourth). Read in vain is little: 1.02 to 1.14 times what is sent. Nor is what is still kept skipped, to be overtaken less often: a reader that is late gets all that the limit keeps.",
  },
  "first-byte": {
    "beyond bare Node.js":
      "Processor time; it waits for nothing but the daemon's answer to its one request, 2 ms. Measured as a real-time task, so that nobody took the processor away (bare Node.js 26 ms): a program that loads nothing but `node:net`, and sends one request over the socket by hand, needs 5 to 8 ms; that is Node.js's and the daemon's. V8 needs 4.2 ms to go through the library once, of which minifying would save 0.3 and to load half of it later 2, at the cost of all who need that half. To compile the 145 functions that are called takes 3.8 ms (`--log-function-events`), and the rest is to run them for the first time. Only a code cache would spare that, and V8 takes one from the same version of itself only: a library cannot know by which it is loaded.",
  },
  latency: {
    "pm SDK":
      "Processor time at the opening. A line comes every 5 ms, so that the third slowest of 300 is one of those that were written before the stream was open. The answer to the start and the opening take 3.2 ms of processor time in a warm daemon and 1.4 in the SDK, of which each gets the share of one session among the 22 that want two cores (sched(7), autogroups): nine parts in a hundred. Later a line takes 0.3 ms in the daemon and 0.1 in the reader. Traced by perf (sched_waking, sched_switch): its shim runs 3 us after the line (median; 50 us in the 99th percentile), and all that is waited for is a processor, by the daemon and the reader, more often in the middle of their work than at its beginning. The C reader takes the floods itself, so that beside it flooders sleep most of the time. Tried and left out: a short slice for the daemon and the shims (sched_setattr(2), Linux 6.12), and a long one for shims that are flooded. A warm daemon's 99th percentile went from 24 to 10 ms, a cold one's from 43 to 164: what is woken first is interrupted first, too.",
  },
  followers: {
    "memory of 100 stalled followers":
      "A stalled follower holds 20 kB of output, and has a connection and a call of its own: 30 to 40 kB of objects in V8's heap, 20 kB of its socket and HTTP/2 session. What more there is was left behind by their beginning, and goes back when the daemon is quiet.",
  },
};

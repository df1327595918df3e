/**
 * What keeps pm from a target, and by what that was found: docs/benchmarks.md
 * shows it with each target that was missed, however often it is written anew.
 * By part, and what the target is for as the tables name it.
 */
export const bounds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lives: {
    "pm SDK":
      "Processor time: what the figures of this part add up to allows no more on all cores. Of the daemon's, in a profile of 600 lives (`node:inspector` in the daemon, load 40): a quarter is garbage collection, a fifth HTTP and JSON, a fifth files (a directory, a record, a spec, looks at the ring, and their removal), less than a tenth the journal and who watches it; the rest is spread over the engine and the conversions. The zygote, shim and program of a life make 185 system calls and are two forks and an exec, where posix_spawn is one of each.",
  },
  many: {
    "daemon, idle and empty, without the command host":
      "54 MB of it are pages of Node.js's own program that it has touched and shares with every other Node.js (a bare `node` has 43 MB resident); 13 MB are V8's heap, of which 10 MB are the code and the descriptors of the contract; 4 MB are glibc's. Tried without gain: one thread for V8's work, `--optimize-for-size` (2 MB more), requiring node:http instead of importing it, which loads `fetch` either way. Where thousands of processes run on the machine, the search for shims in /proc is compiled by V8's optimizer, whose own code is 5 MB more.",
    "processor use, 10000 idle":
      "Once a minute the daemon looks at all living rings, in case an event was lost: four bytes of each. Opening each ring and checking its header took 0.2 s for 10,000, 0.4 % over a minute.",
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
      "Processor time, by thread, for 500 MB (schedstat, sampled with `node:inspector`): daemon 0.40 s, host 0.29, launcher 0.05, reader 0.06. Of the daemon's, 0.15 s are pread(2) from the ring and 0.14 writev(2) to the host; of the host's, 0.11 are writev(2) to the launcher and some 0.08 read(2): each byte is copied five times where raw HTTP/2 copies it twice, and two cores have to do it. The rest of the daemon's and the host's is JavaScript, 2,000 chunks in each.",
  },
  live: {
    "pm SDK, bytes received":
      "Processor time: writer and shim keep two cores busy while they move as much as is measured beside it, and wait for nobody, since the oldest output gives way. A gigabyte that is followed costs the daemon and the SDK what the part `stream` says, and that is all the follower gets its share of.",
  },
  "first-byte": {
    "beyond bare Node.js":
      "Processor time; it waits for nothing but the daemon's answer to its one request. Measured as a real-time task, so that nobody took the processor away (15 rounds, bare Node.js 26 ms): a program that loads nothing but `node:net`, and sends one request over the socket by hand, needs 8 ms; that is Node.js's, and leaves 4. To compile the library takes 4 ms, of which minifying would save 0.5, and to run it for the first time, every function compiled when it is first called, the rest.",
  },
  latency: {
    "pm SDK":
      "Not traced. Beside ten flooders twenty programs never wait on two cores; a line passes through three processes that each have to get their turn (shim, daemon, reader), where the C reader is one that always slept.",
  },
  followers: {
    "memory of 100 stalled followers":
      "A stalled follower holds 16 KiB of output and has a connection of its own; one over a shared connection costs what is measured above. What the rest is was not looked into.",
  },
};

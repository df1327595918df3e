/**
 * What keeps pm from a target, and by what that was found: docs/benchmarks.md
 * shows it with each target that was missed, however often it is written anew.
 * By part, and what the target is for as the tables name it.
 */
export const bounds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  lives: {
    "pm SDK":
      "Processor time: the three figures below, on all cores together, allow no more. Of the daemon's, by a profile of 3,000 lives (`--cpu-prof` does not survive the daemon's end; `node:inspector` was used): a fifth is garbage collection, a sixth HTTP and JSON, a fifth files (a directory, record, spec and their removal: 60 system calls), a tenth the journal and who watches it, the rest the engine's own. Shims and programs take more than two posix_spawn do, for each life has a shim and a program: both are forked, and the shim makes a ring and two FIFOs.",
  },
  many: {
    "daemon, idle and empty, without the command host":
      "54 MB of it are pages of Node.js's own program that it has touched and shares with every other Node.js (a bare `node` has 43 MB resident); 13 MB are V8's heap, of which 10 MB are the code and the descriptors of the contract; 4 MB are glibc's.",
    "daemon, idle and empty, with the command host":
      "The daemon's without it, and 15 MB of the thread in which commands run warm: a V8 heap of its own, with the whole command line compiled in it.",
  },
};

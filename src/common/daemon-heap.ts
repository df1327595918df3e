/**
 * How the daemon's Node.js is started.
 *
 * V8's own collections of an idle heap are off, in the command host's thread too. The daemon collects when it is quiet
 * (`quiet-collection.ts`), and two more of them a quarter of a minute later gave nothing back and cost, beside 3,000
 * processes, 0.1 s.
 *
 * A young generation of one megabyte is collected before the buffers of a
 * stream have left the processor's cache: kept output costs the daemon half the
 * processor time that it does with the default of 16 MB (1.3 against 2.5 s for a
 * gigabyte, medians of interleaved runs), and what a burst of starts leaves
 * behind is smaller by as much.
 *
 * What is experimental in Node.js and used on purpose (`quiet-collection.ts`)
 * need not be said in the daemon's log.
 */
export const daemonNodeFlags: readonly string[] = [
  "--max-semi-space-size=1",
  "--no-memory-reducer",
  "--disable-warning=ExperimentalWarning",
];

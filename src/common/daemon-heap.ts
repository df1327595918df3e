/**
 * How the daemon's Node.js is started.
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
export const daemonNodeFlags: readonly string[] = ["--max-semi-space-size=1", "--disable-warning=ExperimentalWarning"];

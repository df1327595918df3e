/**
 * How the daemon's Node.js is started.
 *
 * V8's own collections of an idle heap are off, in the command host's thread too. The daemon collects when it is quiet
 * (`quiet-collection.ts`), and two more of them a quarter of a minute later gave nothing back and cost, beside 3,000
 * processes, 0.1 s.
 *
 * A young generation of four megabytes in place of the default of 16: what a
 * burst of starts leaves behind is smaller, and a life costs no more. With one
 * megabyte it is collected every five lives, and each time what the lives under
 * way hold is copied; a life then costs the daemon an eighth more processor time.
 *
 * What is experimental in Node.js and used on purpose (`quiet-collection.ts`)
 * need not be said in the daemon's log.
 */
export const daemonNodeFlags: readonly string[] = [
  "--max-semi-space-size=4",
  "--no-memory-reducer",
  "--disable-warning=ExperimentalWarning",
];

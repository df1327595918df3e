/**
 * How the daemon's Node.js is started.
 *
 * A young generation of four megabytes in place of the default of 16: what a
 * burst of starts leaves behind is smaller, and a life costs no more. With one
 * megabyte it is collected every five lives, and each time what the lives under
 * way hold is copied; a life then costs the daemon an eighth more processor time.
 *
 * What is experimental in Node.js and used on purpose (`quiet-collection.ts`)
 * need not be said in the daemon's log.
 */
export const daemonNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--disable-warning=ExperimentalWarning"];

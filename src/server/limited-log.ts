/** Lines that strangers can cause are few, however hard they try: a log must not fill the disk. */

export interface LimitedLogOptions {
  /** Lines at once, and in each period. @default 20 */
  readonly lines?: number;
  /** Milliseconds. @default 60000 */
  readonly periodMs?: number;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/** Hands on at most so many lines in a period; the first line of the next one says how many were left out. */
export function limitedLog<F extends object>(
  write: (fields: F & { readonly leftOut?: number }, message: string) => void,
  { lines = 20, periodMs = 60_000, now = () => performance.now() }: LimitedLogOptions = {},
): (fields: F, message: string) => void {
  let periodEnd = Number.NEGATIVE_INFINITY;
  let written = 0;
  let leftOut = 0;
  return (fields, message) => {
    if (now() >= periodEnd) {
      periodEnd = now() + periodMs;
      written = 0;
    }
    if (written >= lines) {
      leftOut++;
      return;
    }
    written++;
    write(leftOut === 0 ? fields : { ...fields, leftOut }, message);
    leftOut = 0;
  };
}

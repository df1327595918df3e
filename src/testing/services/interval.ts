/** As long as a daemon is silent by default. */
const defaultMs = 15_000;

/** Milliseconds of a duration, or the default. */
export function intervalMs(duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number {
  return duration === undefined ? defaultMs : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

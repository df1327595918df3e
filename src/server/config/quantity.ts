/** Sizes and durations as people write them in flags and files. */

const sizeUnits: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "4096", "64k", "1.5MiB", "2GB" (all powers of 1024) as bytes; undefined if it is none of these. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const unit = sizeUnits[match?.[2]?.toLowerCase() ?? ""];
  const bytes = Math.round(Number(match?.[1]) * (unit ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** "500ms", "30s", "5m", "12h", "7d" as milliseconds; undefined if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|[smhd])$/.exec(text.trim());
  const unit = durationUnits[match?.[2] ?? ""];
  const millis = Math.round(Number(match?.[1]) * (unit ?? Number.NaN));
  return Number.isSafeInteger(millis) ? millis : undefined;
}

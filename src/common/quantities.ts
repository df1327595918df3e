/** Sizes and durations as people write them, in flags and in files alike: one grammar for both. */

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** How a size is written, for error texts. */
export const sizeExamples = "4096, 64KiB, 200MB or 1GiB";

/** How a duration is written, for error texts. */
export const durationExamples = "10 (seconds), 500ms, 10m or 1h30m";

/**
 * "4096", "64KiB", "1.5g", "200MB" as bytes. "KB", "MB" and so on are powers of 1000, as the SI has it; "KiB" and a bare
 * letter are powers of 1024. Case does not matter. Undefined if it is none of these or above 2^53.
 */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const key = unit.toLowerCase();
  if (digits === "" || !Object.hasOwn(sizeUnits, key)) {
    return undefined;
  }
  const bytes = Math.round(Number(digits) * (sizeUnits[key] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * "2.5" (seconds), "500ms", "10m", "1h30m", "7d" as milliseconds. Undefined if it is none of these or above 2^53.
 */
export function parseDuration(text: string): number | undefined {
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : sumOfParts(text);
  return milliseconds !== undefined && milliseconds <= Number.MAX_SAFE_INTEGER ? milliseconds : undefined;
}

/** Each unit at most once, the larger ones first. */
function sumOfParts(text: string): number | undefined {
  const match =
    /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(
      text,
    );
  if (match === null || text === "") {
    return undefined;
  }
  return ["d", "h", "m", "s", "ms"].reduce(
    (sum, unit, index) => sum + Number(match[index + 1] ?? 0) * (durationUnits[unit] ?? Number.NaN),
    0,
  );
}

/** "45s", "3m12s", "5h02m", "12d04h". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 60) {
    return `${seconds}s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  }
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** A time limit in a sentence: "250 ms", "1.5 s", "90 s". */
export function formatTimeLimit(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  return whole < 1000 ? `${whole} ms` : `${Math.round(whole / 10) / 100} s`;
}

/** "512 B", "1.0 MiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

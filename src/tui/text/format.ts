const UNITS = ["B", "K", "M", "G", "T", "P"];

/** Bytes in at most five characters, powers of 1024: "980B", "1.4M". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)}${UNITS[unit]}`;
}

/** Milliseconds in at most six characters: "12s", "3m04s", "5h12m", "8d03h". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 60) {
    return `${seconds}s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes}m${two(seconds % 60)}s`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

/** A duration that somebody chose, as it is written: "250ms", "1.5s", "1m30s", "7d". */
export function formatChosen(milliseconds: number): string {
  const parts: string[] = [];
  let left = Math.max(0, Math.round(milliseconds));
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const) {
    if (left >= size) {
      parts.push(`${Math.floor(left / size)}${unit}`);
      left %= size;
    }
  }
  if (left > 0 || parts.length === 0) {
    parts.push(left < 1000 ? `${left}ms` : `${left / 1000}s`);
  }
  return parts.join("");
}

/** Milliseconds in at most six characters, in whole minutes: "<1m", "3m", "5h12m", "8d03h". */
export function formatMinutes(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  return minutes === 0 ? "<1m" : minutes < 60 ? `${minutes}m` : formatDuration(milliseconds);
}

/** Percent of one processor in at most five characters. */
export function formatPercent(percent: number): string {
  return percent >= 99.95 ? `${Math.round(percent)}%` : `${percent.toFixed(1)}%`;
}

/** Local time of day with milliseconds. */
export function formatTime(time: number): string {
  const date = new Date(time);
  const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(date.getMilliseconds(), 3)}`;
}

/** Local date and time. */
export function formatDate(date: Date): string {
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** Local time of day to the minute, with the date where that is another one than `now`'s. */
export function formatTimeOfDay(date: Date, now: number): string {
  const text = formatDate(date).slice(0, 16);
  const [day, time] = text.split(" ");
  return day === formatDate(new Date(now)).slice(0, 10) ? (time ?? text) : text;
}

const BARS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Values as bars between `least` and the largest of them, or `most` if that is more; null is a blank. */
export function sparkline(values: readonly (number | null)[], least: number, most: number): string {
  const range = values.reduce<number>((largest, value) => Math.max(largest, value ?? most), most) - least;
  const bar = (value: number): number => Math.floor(((value - least) / range) * 7.999);
  return values.map((value) => (value === null ? " " : (BARS[Math.max(0, Math.min(7, bar(value)))] ?? "▁"))).join("");
}

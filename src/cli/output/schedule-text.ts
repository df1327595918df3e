import { formatDuration } from "../../common/quantities.ts";
import type { Schedule } from "../../sdk/index.ts";

/** When a schedule is due: "30 2 * * * Europe/Berlin", "every 10m", "@boot", "at 2026-12-01T02:30:00.000Z". */
export function scheduleTimingText({ timing, timeZone }: Pick<Schedule, "timing" | "timeZone">): string {
  switch (timing.kind) {
    case "cron":
      return timeZone === undefined ? timing.expression : `${timing.expression} ${timeZone}`;
    case "every":
      return `every ${formatDuration(timing.ms)}`;
    case "boot":
      return "@boot";
    case "at":
      return `at ${timing.time.toISOString()}`;
  }
}

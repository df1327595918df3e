/** What the commands about schedules have in common. */

import { escapeText } from "../../../common/escape.ts";
import { formatDuration } from "../../../common/quantities.ts";
import type { Schedule } from "../../../sdk/index.ts";
import type { Paint } from "../../output/color.ts";
import { renderTable } from "../../output/table.ts";

export function timingText({ timing }: Schedule): string {
  switch (timing.kind) {
    case "cron":
      return timing.expression;
    case "every":
      return `every ${formatDuration(timing.ms)}`;
    case "boot":
      return "@boot";
    case "at":
      return `at ${timing.time.toISOString()}`;
  }
}

/** @param names of processes, by UUID */
export function scheduleTable(
  schedules: readonly Schedule[],
  names: ReadonlyMap<string, string>,
  paint: Paint,
): string {
  const rows = schedules.map((schedule) =>
    [
      schedule.name,
      names.get(schedule.processId) ?? schedule.processId.slice(0, 8),
      timingText(schedule),
      schedule.timeZone ?? "-",
      schedule.paused ? "paused" : (schedule.nextTime?.toISOString() ?? "-"),
      schedule.lastTime?.toISOString() ?? "-",
      schedule.lastResult ?? "-",
    ].map((text) => ({ text: escapeText(text) })),
  );
  return renderTable(["NAME", "PROCESS", "WHEN", "ZONE", "NEXT", "LAST", "RESULT"], rows, { paint });
}

/** What the commands about schedules have in common. */

import { escapeText } from "../../../common/escape.ts";
import type { Schedule } from "../../../sdk/index.ts";
import type { Paint } from "../../output/color.ts";
import { scheduleTimingText } from "../../output/schedule-text.ts";
import { renderTable } from "../../output/table.ts";

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
      scheduleTimingText({ timing: schedule.timing }),
      schedule.timeZone ?? "-",
      schedule.paused ? "paused" : (schedule.nextTime?.toISOString() ?? "-"),
      schedule.lastTime?.toISOString() ?? "-",
      schedule.lastResult ?? "-",
    ].map((text) => ({ text: escapeText(text) })),
  );
  return renderTable(["NAME", "PROCESS", "WHEN", "ZONE", "NEXT", "LAST", "RESULT"], rows, { paint });
}

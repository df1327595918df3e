import { scheduleCommand } from "./change.ts";

export const command = scheduleCommand({
  summary: "Run schedules now, as if they were due",
  description: "The times to come stay as they are. While a run is under way, --overlap decides as ever.",
  examples: [["pm schedule run nightly", "try the backup now"]],
  change: (schedules, name) => schedules.trigger(name),
});

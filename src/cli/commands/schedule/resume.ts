import { scheduleCommand } from "./change.ts";

export const command = scheduleCommand({
  summary: "Resume paused schedules",
  description: "The next time is the next one after now.",
  examples: [["pm schedule resume nightly", "from the next time on"]],
  change: (schedules, name) => schedules.resume(name),
});

import { scheduleCommand } from "./change.ts";

export const command = scheduleCommand({
  summary: "Pause schedules",
  description: "Times that pass meanwhile are not caught up, whatever --catch-up says. Runs that have begun go on.",
  examples: [["pm schedule pause nightly", "no backup tonight"]],
  change: (schedules, name) => schedules.pause(name),
});

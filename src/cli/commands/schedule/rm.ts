import { scheduleCommand } from "./change.ts";

export const command = scheduleCommand({
  summary: "Remove schedules",
  description: "Runs that have begun go on, and their processes stay listed.",
  examples: [["pm schedule rm nightly", "no more backups"]],
  change: (schedules, name) => schedules.remove(name).then(() => undefined),
});

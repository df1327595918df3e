import { changeExisting, queueCommand } from "./change.ts";

export const command = queueCommand({
  summary: "Pause queues: nothing more begins, what runs goes on",
  examples: [["pm queue pause encode", "before a maintenance"]],
  change: (queues, name) => changeExisting(queues, name, { paused: true }),
});

import { changeExisting, queueCommand } from "./change.ts";

export const command = queueCommand({
  summary: "Resume paused queues",
  examples: [["pm queue resume encode", "what waits begins, as far as there is room"]],
  change: (queues, name) => changeExisting(queues, name, { paused: false }),
});

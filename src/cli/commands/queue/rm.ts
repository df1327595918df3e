import { queueCommand } from "./change.ts";

export const command = queueCommand({
  summary: "Remove queues in which nothing runs or waits",
  exitCodes: [["5", "something runs or waits in it"]],
  examples: [["pm queue rm encode", "it is empty, and no longer needed"]],
  change: (queues, name) => queues.remove(name).then(() => undefined),
});

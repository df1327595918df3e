/** What the commands that change queues by name have in common. */
import { type ProcessManager, type Queue, toContractJson } from "../../../sdk/index.ts";
import { type Command, defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { actOnNamed, changeFormats } from "../../output/results.ts";

/** A command `pm queue WORD QUEUE...`. */
export function queueCommand({
  change,
  ...texts
}: Pick<Command, "summary" | "description" | "examples" | "exitCodes"> & {
  /** Undefined: nothing is left of the queue. */
  readonly change: (queues: ProcessManager["queues"], name: string) => Promise<Queue | undefined>;
}): Command {
  return defineCommand({
    ...texts,
    options: { output: outputOption(...changeFormats) },
    operands: { usage: "QUEUE...", min: 1, complete: "none" },
    async run({ options, operands, globals, caller }) {
      const { manager } = await openConnection(caller, globals);
      const act = async (name: string): Promise<object> => {
        const queue = await change(manager.queues, name);
        return queue === undefined ? { name } : toContractJson(queue);
      };
      return actOnNamed(operands, act, { caller, format: options.output, debug: globals.debug, key: "queues" });
    },
  });
}

/** Changes a queue that there is: a name that is mistyped must not become a new queue. */
export async function changeExisting(
  queues: ProcessManager["queues"],
  name: string,
  options: Parameters<ProcessManager["queues"]["set"]>[1],
): Promise<Queue> {
  await queues.get(name);
  return queues.set(name, options);
}

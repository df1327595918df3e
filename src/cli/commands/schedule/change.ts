/** What the commands that change schedules by name have in common. */
import { type ProcessManager, type Schedule, toContractJson } from "../../../sdk/index.ts";
import { type Command, defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { actOnNamed, changeFormats } from "../../output/results.ts";

/** A command `pm schedule WORD SCHEDULE...`. */
export function scheduleCommand({
  change,
  ...texts
}: Pick<Command, "summary" | "description" | "examples"> & {
  /** Undefined: nothing is left of the schedule. */
  readonly change: (schedules: ProcessManager["schedules"], name: string) => Promise<Schedule | undefined>;
}): Command {
  return defineCommand({
    ...texts,
    options: { output: outputOption(...changeFormats) },
    operands: { usage: "SCHEDULE...", min: 1, complete: "none" },
    async run({ options, operands, globals, caller }) {
      const { manager } = await openConnection(caller, globals);
      const act = async (name: string): Promise<object> => {
        const schedule = await change(manager.schedules, name);
        return schedule === undefined ? { name } : toContractJson(schedule);
      };
      return actOnNamed(operands, act, { caller, format: options.output, debug: globals.debug, key: "schedules" });
    },
  });
}

import { operand, wholeNumber } from "../arguments/values.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { changeFormats } from "../output/results.ts";
import { applyOptions, tellProgress } from "../project/apply.ts";
import { projectFileOptions, readProject } from "../project/read.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "Set the number of replicas of a project's processes",
  description:
    "Starts or removes replicas; the others are left alone. The number holds until 'pm up' or 'pm reload' applies that of\n" +
    "the file again.",
  options: { ...projectFileOptions, output: outputOption(...changeFormats) },
  operands: { usage: "NAME=NUMBER...", min: 1, complete: "none" },
  examples: [["pm scale worker=4", "runs worker.1 to worker.4"]],
  async run({ options, operands, globals, caller }) {
    const wanted = new Map(operands.map((text) => replicasOf(text)));
    const description = readProject(options, caller);
    for (const name of wanted.keys()) {
      if (!description.processes.some((process) => process.name === name)) {
        throw new UsageError(
          `the project has no process "${name}"`,
          `there are: ${description.processes.map((process) => process.name).join(", ")}`,
        );
      }
    }
    const { processes, ...rest } = applyOptions(description);
    const { manager } = await openConnection(caller, globals);
    return tellProgress(
      manager.projects.apply(description.name, {
        ...rest,
        processes: processes.map((process) => {
          const replicas = wanted.get(process.name);
          return replicas === undefined ? process : { ...process, replicas };
        }),
        only: [...wanted.keys()],
      }),
      caller,
      { paint: painter(caller, globals), say: caller.print, format: options.output, debug: globals.debug },
    );
  },
});

function replicasOf(text: string): readonly [name: string, replicas: number] {
  const [, name, number] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || number === undefined) {
    throw new UsageError(`"${text}" is not NAME=NUMBER`, "for example: pm scale worker=4");
  }
  return [name, operand(name, wholeNumber(0))(number)];
}

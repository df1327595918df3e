import { duration } from "../arguments/values.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { changeFormats } from "../output/results.ts";
import { tellProgress } from "../project/apply.ts";
import { projectFileOptions, projectName } from "../project/read.ts";

export const command = defineCommand({
  summary: "Stop a project and remove its processes",
  description: "Dependents are stopped first.",
  options: {
    ...projectFileOptions,
    timeout: single(
      "DURATION",
      duration,
      "How long each process may take to end (default: its own stop timeout, or 10s)",
      {
        short: "t",
        complete: "none",
      },
    ),
    keep: flag("Only stop the processes: keep them and their output listed"),
    output: outputOption(...changeFormats),
  },
  examples: [
    ["pm down", "the project of this directory"],
    ["pm down -p shop -t 30", "by its name, with half a minute for each process"],
  ],
  async run({ options, globals, caller }) {
    const name = projectName(options, caller);
    const { manager } = await openConnection(caller, globals);
    return tellProgress(
      manager.projects.remove(name, {
        keepProcesses: options.keep,
        ...(options.timeout !== undefined && { graceMs: options.timeout }),
      }),
      caller,
      { paint: painter(caller, globals), say: caller.print, format: options.output, debug: globals.debug },
    );
  },
});

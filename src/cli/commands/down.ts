import { duration } from "../arguments/values.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { tellProgress } from "../project/apply.ts";
import { projectFileOptions, projectName } from "../project/read.ts";

export const command = defineCommand({
  summary: "Stop a project and forget it",
  description: "Stops every process of the project, what depends on others first, and removes them.",
  options: {
    ...projectFileOptions,
    timeout: single("DURATION", duration, "How long each has to end (default: its own stop timeout, 10s)", {
      short: "t",
      complete: "none",
    }),
    keep: flag("Stop the processes, but keep them listed with their output"),
  },
  async run({ options, globals, caller }) {
    const name = projectName(options, caller);
    const { manager } = await openConnection(caller, globals);
    return tellProgress(
      manager.projects.remove(name, {
        keepProcesses: options.keep,
        ...(options.timeout !== undefined && { graceMs: options.timeout }),
      }),
      caller,
      { paint: painter(caller, globals), say: caller.print, debug: globals.debug },
    );
  },
});

import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { applyProject, tellProgress } from "../project/apply.ts";
import { projectFileOptions, readProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Bring a project to its file",
  description: "As 'pm up --detach --prune': restarts what changed, starts what is new, removes what is gone.",
  options: { ...projectFileOptions, all: flag("Restart everything that runs, changed or not", "a") },
  async run({ options, globals, caller }) {
    const description = readProject(options, caller);
    const { manager } = await openConnection(caller, globals);
    return tellProgress(applyProject(manager, description, { prune: true, restartAll: options.all }), caller, {
      paint: painter(caller, globals),
      say: caller.print,
      debug: globals.debug,
    });
  },
});

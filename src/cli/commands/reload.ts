import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { changeFormats } from "../output/results.ts";
import { applyOptions, tellProgress } from "../project/apply.ts";
import { projectFileOptions, readProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Apply the changes of a project file to a running project",
  description: "As 'pm up --detach --prune': restarts what has changed, starts what is new, removes what is gone.",
  options: {
    ...projectFileOptions,
    all: flag("Restart every running process, changed or not", "a"),
    output: outputOption(...changeFormats),
  },
  examples: [
    ["pm reload", "after the project file was edited"],
    ["pm reload --all", "restarts the rest as well"],
  ],
  async run({ options, globals, caller }) {
    const description = readProject(options, caller);
    const { manager } = await openConnection(caller, globals);
    return tellProgress(
      manager.projects.apply(description.name, {
        ...applyOptions(description),
        prune: true,
        restartAll: options.all,
      }),
      caller,
      { paint: painter(caller, globals), say: caller.print, format: options.output, debug: globals.debug },
    );
  },
});

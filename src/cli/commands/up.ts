import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { applyProject, tellProgress } from "../project/apply.ts";
import { followProject } from "../project/foreground.ts";
import { projectFileOptions, readProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Start what a project file describes, and follow its output",
  description:
    "Brings the project to its file: starts what is new, restarts what changed, leaves the rest. The file is\n" +
    "pm.yaml, process-compose.yaml, Procfile, supervisord.conf or ecosystem.json. With NAMEs only these start, with\n" +
    "all they depend on. Ctrl-C stops the whole project, what depends on others first; again: by force. In the\n" +
    "foreground it ends by itself once nothing runs or is going to; how each run ends is told on standard error.",
  options: {
    ...projectFileOptions,
    detach: flag("Do not follow: leave it running", "d"),
    prune: flag("Stop and remove what is no longer described"),
  },
  operands: { usage: "[NAME...]", min: 0, complete: "none" },
  exitCodes: [
    ["1", "a process failed, was given up, or could not begin; standard error names each"],
    ["130", "stopped by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP"],
  ],
  examples: [
    ["pm up -d", "start the project of this directory in the background"],
    ["pm up -f pm.yaml -f pm.override.yaml web", "two files, and of them only what web needs"],
  ],
  async run({ options, operands, globals, caller }) {
    const description = readProject(options, caller);
    const paint = painter(caller, globals);
    const connection = await openConnection(caller, globals);
    const foreground = options.detach ? undefined : followProject(caller, { name: description.name, paint });
    const code = await tellProgress(
      applyProject(connection.manager, description, {
        prune: options.prune,
        ...(operands.length > 0 && { only: operands }),
      }),
      caller,
      { paint, say: options.detach ? caller.print : caller.note, debug: globals.debug },
    );
    return foreground === undefined ? code : foreground.follow(connection.manager, code);
  },
});

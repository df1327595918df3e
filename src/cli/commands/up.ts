import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { changeFormats } from "../output/results.ts";
import { applyOptions, tellProgress } from "../project/apply.ts";
import { followProject } from "../project/foreground.ts";
import { projectFileOptions, readProject } from "../project/read.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "Start the processes of a project file, and follow their output",
  description:
    "Starts what is new in the file, restarts what has changed and leaves the rest alone. The file is pm.yaml,\n" +
    "process-compose.yaml, Procfile, supervisord.conf or ecosystem.json. With NAMEs, only these processes start, and all\n" +
    "that they depend on. Ctrl-C stops the whole project, dependents first; a second Ctrl-C kills it. In the foreground it ends\n" +
    "when nothing runs any more and nothing is going to; how each run ends is told on standard error.",
  options: {
    ...projectFileOptions,
    detach: flag("Leave it running in the background", "d"),
    prune: flag("Stop and remove processes that are no longer in the file"),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "[NAME...]", min: 0, complete: "none" },
  exitCodes: [
    ["1", "a process failed, was given up, or could not begin; standard error names each"],
    ["130", "stopped by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP"],
  ],
  examples: [
    ["pm up -d", "the project of this directory, in the background"],
    ["pm up -f pm.yaml -f pm.override.yaml web", "two files, the second over the first; only web and what it needs"],
  ],
  async run({ options, operands, globals, caller }) {
    if (options.output !== undefined && !options.detach) {
      throw new UsageError("--output needs --detach: without it, standard output is that of the processes");
    }
    const description = readProject(options, caller);
    const paint = painter(caller, globals);
    const connection = await openConnection(caller, globals);
    const foreground = options.detach ? undefined : followProject(caller, { name: description.name, paint });
    const code = await tellProgress(
      connection.manager.projects.apply(description.name, {
        ...applyOptions(description),
        prune: options.prune,
        ...(operands.length > 0 && { only: operands }),
      }),
      caller,
      {
        paint,
        say: options.detach ? caller.print : caller.note,
        format: options.output,
        debug: globals.debug,
      },
    );
    return foreground === undefined ? code : foreground.follow(connection.manager, code);
  },
});

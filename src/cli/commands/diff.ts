import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { jsonLine, outputOption } from "../output/format.ts";
import { applyProject, planLine } from "../project/apply.ts";
import { projectFileOptions, readProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Show what 'pm up' would do",
  description: "A line for each process that would change, with the fields that differ; never values.",
  options: {
    ...projectFileOptions,
    prune: flag("As 'pm up --prune'"),
    output: outputOption("text", "jsonl"),
  },
  exitCodes: [["1", "something would change"]],
  async run({ options, globals, caller }) {
    const description = readProject(options, caller);
    const { manager } = await openConnection(caller, globals);
    const frames = await Array.fromAsync(applyProject(manager, description, { dryRun: true, prune: options.prune }));
    const steps = frames.flatMap((frame) => (frame.type === "plan" ? frame.steps : []));
    const changes = steps.filter(({ action }) => action !== "none" && action !== "keep");
    const paint = painter(caller, globals);
    caller.print(
      (options.output === "jsonl" ? steps.map(jsonLine) : changes.map((step) => planLine(step, paint))).join(""),
    );
    return changes.length === 0 ? ExitCode.ok : ExitCode.failure;
  },
});

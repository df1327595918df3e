import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { changeFormats, printList } from "../output/results.ts";
import { applyOptions, planLine } from "../project/apply.ts";
import { projectFileOptions, readProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Show what 'pm up' would change",
  description: "One line for each process that would change, with the fields that differ, but not their values.",
  options: {
    ...projectFileOptions,
    prune: flag("Include what 'pm up --prune' would remove"),
    output: outputOption(...changeFormats),
  },
  exitCodes: [["1", "something would change"]],
  examples: [
    ["pm diff || pm up -d", "applies a project only if something has changed"],
    ["pm diff -o jsonl | jq -r .name", "for a program"],
  ],
  async run({ options, globals, caller }) {
    const description = readProject(options, caller);
    const { manager } = await openConnection(caller, globals);
    const frames = await Array.fromAsync(
      manager.projects.apply(description.name, {
        ...applyOptions(description),
        dryRun: true,
        prune: options.prune,
      }),
    );
    const steps = frames.flatMap((frame) => (frame.type === "plan" ? frame.steps : []));
    const changes = steps.filter(({ action }) => action !== "none" && action !== "keep");
    const paint = painter(caller, globals);
    await printList(caller, options.output, {
      items: options.output === "name" ? changes : steps,
      key: "steps",
      name: ({ name }) => name,
      json: (step) => step,
      text: () => changes.map((step) => planLine(step, paint)).join(""),
    });
    return changes.length === 0 ? ExitCode.ok : ExitCode.failure;
  },
});

import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { defineCommand, flag } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption, prettyJson } from "../../output/format.ts";

export const command = defineCommand({
  summary: "Show a project as the daemon keeps it",
  description: "What it describes, its processes and schedules, as the contract has them.",
  options: {
    env: flag("Show environments too, which may hold secrets"),
    output: outputOption("json", "yaml"),
  },
  operands: { usage: "PROJECT", min: 1, max: 1, complete: "none" },
  examples: [["pm project show -o yaml shop", "what the daemon knows of it, as YAML"]],
  async run({ options, operands: [name = ""], globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const project = toContractJson(await manager.projects.get(name, { env: options.env }));
    if (options.output === "yaml") {
      const { toYaml } = await import("../../../admin/index.ts");
      caller.print(toYaml(project));
    } else {
      caller.print(prettyJson(project));
    }
    return ExitCode.ok;
  },
});

import { ExitCode } from "../../common/exit-codes.ts";
import { type ProcessInfo, toContractJson } from "../../sdk/index.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { processDetails } from "../output/process-details.ts";
import { processTable } from "../output/process-table.ts";
import { measureUsage } from "../usage.ts";

export const command = defineCommand({
  summary: "Show all about a process",
  options: {
    env: flag("Show its environment too, which may hold secrets"),
    output: outputOption("text", "table", "wide", "json", "jsonl", "name"),
  },
  operands: { usage: "ID", min: 1, max: 1, complete: "process" },
  examples: [["pm status -o json api | jq .exit", "what the contract says of how it ended"]],
  async run({ options, operands: [id = ""], globals, caller }) {
    const { call, manager } = await openConnection(caller, globals);
    const info: ProcessInfo = await call(() =>
      manager.processes.resolve(id).then((ref) => manager.processes.get(ref, { env: options.env })),
    );
    const paint = painter(caller, globals);
    switch (options.output ?? "text") {
      case "json":
        caller.print(prettyJson(toContractJson(info)));
        break;
      case "jsonl":
        caller.print(jsonLine(toContractJson(info)));
        break;
      case "name":
        caller.print(`${displayName(info)}\n`);
        break;
      case "table":
      case "wide":
        caller.print(
          processTable([info], {
            paint,
            wide: options.output === "wide",
            width: undefined,
            now: new Date(),
            ...(options.output === "wide" && { usages: await measureUsage(manager, [info], { percent: true }) }),
          }),
        );
        break;
      case "text":
        caller.print(
          processDetails(info, {
            paint,
            environment: options.env,
            now: new Date(),
            usage: (await measureUsage(manager, [info], { percent: false })).get(info.id),
          }),
        );
    }
    return ExitCode.ok;
  },
});

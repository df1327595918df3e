import { ExitCode } from "../../common/exit-codes.ts";
import { type ProcessInfo, toContractJson } from "../../sdk/index.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { findProcesses } from "../find.ts";
import { painter } from "../output/color.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { processDetails } from "../output/process-details.ts";
import { processTable, wideProcessTable } from "../output/process-table.ts";
import { schedulesOf } from "../schedules.ts";
import { onlyReference, selectionHelp, selectionOf, selectionOperands, selectionOptions } from "../selection.ts";
import { measureUsage } from "../usage.ts";

export const command = defineCommand({
  summary: "Show details of processes",
  description: selectionHelp,
  options: {
    env: flag("Also show the environment, which may hold secrets"),
    ...selectionOptions,
    output: outputOption("text", "table", "wide", "json", "jsonl", "name"),
  },
  operands: selectionOperands,
  examples: [
    ["pm status -o json api | jq .run.exit", "how it ended, for a program"],
    ["pm status -o wide 'web-*'", "several, as a table"],
  ],
  async run({ options, operands, globals, caller }) {
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const { found, failed } = await findProcesses(manager, selection, caller, {
      env: options.env,
      debug: globals.debug,
    });
    const paint = painter(caller, globals);
    switch (options.output ?? "text") {
      case "json": {
        const objects = found.map((info) => toContractJson(info));
        caller.print(prettyJson(onlyReference(selection) === undefined ? { processes: objects } : objects[0]));
        break;
      }
      case "jsonl":
        caller.print(found.map((info) => jsonLine(toContractJson(info))).join(""));
        break;
      case "name":
        caller.print(found.map((info) => `${displayName(info)}\n`).join(""));
        break;
      case "table":
        caller.print(processTable(found, { paint, width: undefined, now: new Date() }));
        break;
      case "wide": {
        const usages = await measureUsage(manager, found, { percent: true });
        caller.print(wideProcessTable(found, { paint, width: undefined, now: new Date(), usages }));
        break;
      }
      case "text": {
        const usages = await measureUsage(manager, found, { percent: false });
        const schedules = await schedulesOf(manager, found);
        const details = (info: ProcessInfo): string =>
          processDetails(info, {
            paint,
            environment: options.env,
            now: new Date(),
            usage: usages.get(info.id),
            schedule: schedules.get(info.supervision?.schedule ?? ""),
          });
        caller.print(found.map(details).join("\n"));
      }
    }
    return failed ?? ExitCode.ok;
  },
});

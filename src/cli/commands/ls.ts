import { ExitCode } from "../../common/exit-codes.ts";
import { type ProcessFilter, toContractJson } from "../../sdk/index.ts";
import { defineCommand, flag, text } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { processTable, wideProcessTable } from "../output/process-table.ts";
import { terminalColumns } from "../output/terminal.ts";
import { measureUsage } from "../usage.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "List processes",
  description:
    "Lists running processes, and ended ones whose children are still running; with --all, all of them. On a terminal, the\n" +
    "table is cut to its width; elsewhere nothing is cut. With --watch, a terminal shows the table as it changes, and\n" +
    "anything else gets one event per line as JSON.",
  options: {
    all: flag("Include ended processes", "a"),
    quiet: flag("Print only ids", "q"),
    selector: text("SELECTOR", "Only those with these labels: a=b,c!=d,e,!f", { short: "l", complete: "none" }),
    output: outputOption("table", "wide", "json", "jsonl", "name"),
    watch: flag("Keep showing changes", "w"),
  },
  forOne: "pm status",
  examples: [
    ["pm ls -a", "all processes, ended ones too"],
    ["pm ls -aq -l app=web | xargs pm rm", "pass the ids of all with a label on"],
    ["pm ls -o json | jq -r '.processes[].id'", "for a program"],
  ],
  async run({ options, globals, caller }) {
    if (options.quiet && options.output !== undefined) {
      throw new UsageError("give either --quiet or --output");
    }
    const connection = await openConnection(caller, globals, { follows: options.watch });
    const filter: ProcessFilter = {
      ...(options.selector !== undefined && { selector: options.selector }),
      ...(!options.all && { living: true }),
    };
    if (options.watch) {
      const { watchList } = await import("../watch-list.ts");
      return watchList(caller, connection, {
        filter,
        globals,
        format: options.quiet ? "id" : (options.output ?? "table"),
      });
    }
    const { manager } = connection;
    const { processes } = manager;
    const shown = { paint: painter(caller, globals), width: terminalColumns(caller) };
    switch (options.quiet ? "id" : (options.output ?? "table")) {
      case "id":
        caller.print((await processes.listIdentities({ filter })).map(({ id }) => `${id}\n`).join(""));
        break;
      case "json":
        caller.print(
          prettyJson({ processes: (await processes.listAll({ filter })).map((info) => toContractJson(info)) }),
        );
        break;
      case "jsonl":
        caller.print((await processes.listAll({ filter })).map((info) => jsonLine(toContractJson(info))).join(""));
        break;
      case "name":
        caller.print((await processes.listIdentities({ filter })).map((one) => `${displayName(one)}\n`).join(""));
        break;
      case "wide": {
        const found = await processes.listAll({ filter });
        const usages = await measureUsage(manager, found, { percent: true });
        caller.print(wideProcessTable(found, { ...shown, now: new Date(), usages }));
        break;
      }
      default:
        caller.print(processTable(await processes.listSummaries({ filter }), { ...shown, now: new Date() }));
    }
    return ExitCode.ok;
  },
});

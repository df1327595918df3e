import { ExitCode } from "../../common/exit-codes.ts";
import { type ProcessFilter, type ProcessInfo, type ProcessManager, toContractJson } from "../../sdk/index.ts";
import { defineCommand, flag, text } from "../command.ts";
import { openConnection } from "../connection.ts";
import { painter } from "../output/color.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { processTable } from "../output/process-table.ts";
import { terminalColumns } from "../output/terminal.ts";
import { livingStates } from "../selection.ts";
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
    const filter: ProcessFilter = options.selector === undefined ? {} : { selector: options.selector };
    if (options.watch) {
      const { watchList } = await import("../watch-list.ts");
      return watchList(caller, connection, {
        filter,
        keep: options.all ? () => true : isLiving,
        globals,
        format: options.quiet ? "id" : (options.output ?? "table"),
      });
    }
    const processes = await listed(connection.manager, filter, options.all);
    switch (options.quiet ? "id" : (options.output ?? "table")) {
      case "id":
        caller.print(processes.map(({ id }) => `${id}\n`).join(""));
        break;
      case "json":
        caller.print(prettyJson({ processes: processes.map((info) => toContractJson(info)) }));
        break;
      case "jsonl":
        caller.print(processes.map((info) => jsonLine(toContractJson(info))).join(""));
        break;
      case "name":
        caller.print(processes.map((info) => `${displayName(info)}\n`).join(""));
        break;
      default:
        caller.print(
          processTable(processes, {
            paint: painter(caller, globals),
            wide: options.output === "wide",
            width: terminalColumns(caller),
            now: new Date(),
            ...(options.output === "wide" && {
              usages: await measureUsage(connection.manager, processes, { percent: true }),
            }),
          }),
        );
    }
    return ExitCode.ok;
  },
});

/** Not ended, or something of its tree lives on: what a stop left is not over. */
function isLiving({ state, run }: ProcessInfo): boolean {
  return livingStates.includes(state) || state === "givenUp" || run?.treeAlive === true;
}

async function listed({ processes }: ProcessManager, filter: ProcessFilter, all: boolean): Promise<ProcessInfo[]> {
  if (all) {
    return processes.listAll({ filter });
  }
  const [living, ended] = await Promise.all([
    processes.listAll({ filter: { ...filter, states: [...livingStates, "givenUp"] } }),
    processes.listAll({ filter: { ...filter, states: ["exited", "lost"] } }),
  ]);
  const shown = new Map([...ended.filter(isLiving), ...living].map((info) => [info.id, info]));
  return [...shown.values()].sort((a, b) => a.sequence - b.sequence);
}

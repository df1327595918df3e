import { ExitCode } from "../../common/exit-codes.ts";
import { PmError, toContractJson } from "../../sdk/index.ts";
import { label, processName } from "../arguments/values.ts";
import { changedBefore, changeOptions, changeProcess, changesOf } from "../change.ts";
import { defineCommand, flag, repeated, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { requestOptions } from "../selection.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "Change a process: name and labels at once, the rest from its next run",
  description:
    "The current run is not touched; 'pm restart' takes the same options and begins a new run at once. Variables, limits\n" +
    "and labels that are not named stay as they are. Prints the ID.",
  options: {
    name: single("NAME", processName, "Its new name", { short: "n", complete: "none" }),
    "unset-name": flag("Remove its name"),
    label: repeated("KEY=VALUE", label, "Set a label", { short: "l", complete: "none" }),
    "unset-label": repeated("KEY", (text: string) => text, "Remove a label", { complete: "none" }),
    ...changeOptions,
    ...requestOptions,
    output: outputOption("name", "json", "jsonl"),
  },
  operands: { usage: "ID", min: 1, max: 1, complete: "process", tail: "COMMAND [ARG...]" },
  examples: [
    ["pm update -n api-old -l tier=back api", "another name, and a label"],
    ["pm update -e LOG=debug --unset-env TRACE api", "another environment for the next run"],
    ["pm update api -- sleep 7200", "another command for the next run"],
  ],
  async run({ options, operands: [ref = ""], tail = [], globals, caller }) {
    if (options["unset-name"] && options.name !== undefined) {
      throw new UsageError("give either --name or --unset-name, not both");
    }
    const spec = changesOf(options, tail, caller);
    const name = options["unset-name"] ? null : options.name;
    const labels = { set: Object.fromEntries(options.label), unset: options["unset-label"] };
    const relabels = options.label.length + labels.unset.length > 0;
    if (spec === undefined && name === undefined && !relabels) {
      throw new UsageError(
        "there is nothing to change",
        "give an option, or a COMMAND after --: see 'pm update --help'",
      );
    }
    const { manager } = await openConnection(caller, globals);
    const changes = {
      ...(spec !== undefined && { spec }),
      ...(name !== undefined && { name }),
      ...(relabels && { labels }),
    };
    const requestId = options["request-id"];
    const change = async (id: string) => changeProcess(manager, id, changes, requestId);
    const info = await manager.processes
      .resolve(ref)
      .then(change)
      .catch(async (error: unknown) => {
        // By the name that it had before.
        const isUnknown = error instanceof PmError && error.reason === "PROCESS_NOT_FOUND";
        const id = isUnknown && requestId !== undefined ? await changedBefore(manager, requestId) : undefined;
        if (id === undefined) {
          throw error;
        }
        return change(id);
      });
    switch (options.output) {
      case "json":
        caller.print(prettyJson(toContractJson(info)));
        break;
      case "jsonl":
        caller.print(jsonLine(toContractJson(info)));
        break;
      case "name":
        caller.print(`${displayName(info)}\n`);
        break;
      default:
        caller.print(`${ref}\n`);
    }
    return ExitCode.ok;
  },
});

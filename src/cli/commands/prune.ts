import { ExitCode } from "../../common/exit-codes.ts";
import { formatBytes } from "../../common/quantities.ts";
import { duration } from "../arguments/values.ts";
import { defineCommand, flag, single, text } from "../command.ts";
import { openConnection } from "../connection.ts";
import { jsonLine, outputOption, prettyJson } from "../output/format.ts";

export const command = defineCommand({
  summary: "Remove ended processes and free their output",
  description: "Prints the ID of each, and on standard error how many they were and what they held.",
  options: {
    "older-than": single("DURATION", duration, "Keep those that ended less than this long ago", { complete: "none" }),
    selector: text("SELECTOR", "Only those with these labels: a=b,c!=d,e,!f", { short: "l", complete: "none" }),
    "dry-run": flag("Show what would be removed"),
    output: outputOption("text", "name", "json", "jsonl"),
  },
  examples: [
    ["pm prune --older-than 1h", "keeps those of the last hour"],
    ["pm prune --dry-run -o json | jq .freedBytes", "what it would free"],
  ],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const dryRun = options["dry-run"];
    const { ids, freedBytes } = await manager.processes.prune({
      dryRun,
      ...(options["older-than"] === undefined ? {} : { olderThanMs: options["older-than"] }),
      ...(options.selector === undefined ? { all: true } : { filter: { selector: options.selector } }),
    });
    switch (options.output) {
      case "json":
        // As the contract has it: 64-bit numbers are text.
        caller.print(prettyJson({ ids, freedBytes: String(freedBytes) }));
        break;
      case "jsonl":
        caller.print(ids.map((id) => jsonLine({ id })).join(""));
        break;
      default:
        caller.print(ids.map((id) => `${id}\n`).join(""));
    }
    caller.note(`pm: ${dryRun ? "would remove" : "removed"} ${ids.length}, ${formatBytes(freedBytes)}\n`);
    return ExitCode.ok;
  },
});

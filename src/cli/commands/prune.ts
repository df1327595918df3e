import { ExitCode } from "../../common/exit-codes.ts";
import { formatBytes } from "../../common/quantities.ts";
import { duration } from "../arguments/values.ts";
import { defineCommand, flag, single, text } from "../command.ts";
import { openConnection } from "../connection.ts";

export const command = defineCommand({
  summary: "Forget all ended processes",
  options: {
    "older-than": single("DURATION", duration, "Spare those that ended less than this ago", { complete: "none" }),
    selector: text("SELECTOR", "Only those with these labels: a=b,c!=d,e,!f", { short: "l", complete: "none" }),
    "dry-run": flag("Only say what would go"),
  },
  examples: [["pm prune --older-than 1h", "keep those of the last hour"]],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const dryRun = options["dry-run"];
    const { ids, freedBytes } = await manager.processes.prune({
      dryRun,
      ...(options["older-than"] === undefined ? {} : { olderThanMs: options["older-than"] }),
      ...(options.selector === undefined ? { all: true } : { filter: { selector: options.selector } }),
    });
    caller.print(ids.map((id) => `${id}\n`).join(""));
    caller.note(`pm: ${dryRun ? "would remove" : "removed"} ${ids.length}, ${formatBytes(freedBytes)}\n`);
    return ExitCode.ok;
  },
});

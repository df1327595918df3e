import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { contextsPath, localContext, readContexts } from "../../../sdk/context/contexts.ts";
import { defaultSocketPath } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { painter } from "../../output/color.ts";
import { outputOption, prettyJson } from "../../output/format.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List the contexts; an asterisk marks the current one",
  options: { output: outputOption("table", "json", "name") },
  async run({ options, globals, caller }) {
    const { current = localContext, contexts } = readContexts(contextsPath(caller.env));
    const all = [
      { name: localContext, address: `unix://${defaultSocketPath(caller.env)}`, user: "" },
      ...Object.entries(contexts).map(([name, { address, username = "" }]) => ({ name, address, user: username })),
    ].map((context) => ({ ...context, current: context.name === current }));
    if (options.output === "json") {
      caller.print(prettyJson(all));
    } else if (options.output === "name") {
      caller.print(all.map(({ name }) => `${name}\n`).join(""));
    } else {
      const rows = all.map(({ name, address, user, current: isCurrent }) =>
        [isCurrent ? "*" : "", name, escapeText(address), escapeText(user)].map((text) => ({ text })),
      );
      caller.print(renderTable(["", "NAME", "ADDRESS", "USER"], rows, { paint: painter(caller, globals) }));
    }
    return ExitCode.ok;
  },
});

import { contextsPath, localContext, readContexts } from "../../../sdk/context/contexts.ts";
import { defaultSocketPath } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { ExitCode } from "../../exit-code.ts";
import { painter } from "../../output/color.ts";
import { outputOption, prettyJson } from "../../output/format.ts";
import { sanitize } from "../../output/sanitize.ts";
import { print } from "../../output/sink.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List the contexts; an asterisk marks the current one",
  options: { output: outputOption("table", "json", "name") },
  async run({ options, globals }) {
    const { current = localContext, contexts } = readContexts(contextsPath());
    const all = [
      { name: localContext, address: `unix://${defaultSocketPath()}`, user: "" },
      ...Object.entries(contexts).map(([name, { address, username = "" }]) => ({ name, address, user: username })),
    ].map((context) => ({ ...context, current: context.name === current }));
    if (options.output === "json") {
      print(prettyJson(all));
    } else if (options.output === "name") {
      print(all.map(({ name }) => `${name}\n`).join(""));
    } else {
      const rows = all.map(({ name, address, user, current: isCurrent }) =>
        [isCurrent ? "*" : "", name, sanitize(address), sanitize(user)].map((text) => ({ text })),
      );
      print(renderTable(["", "NAME", "ADDRESS", "USER"], rows, { paint: painter(1, globals) }));
    }
    return ExitCode.ok;
  },
});

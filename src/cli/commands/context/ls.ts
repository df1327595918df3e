import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { contextsPath, localContext, readContexts } from "../../../sdk/context/contexts.ts";
import { defaultSocketPath } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { painter } from "../../output/color.ts";
import { outputOption } from "../../output/format.ts";
import { listFormats, printList } from "../../output/results.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List contexts; an asterisk marks the current one",
  options: { output: outputOption(...listFormats) },
  forOne: "pm context show",
  examples: [
    ["pm context ls", "the contexts, and where each leads to"],
    ["pm context ls -o json | jq -r '.[] | select(.current).address'", "the address of the current one"],
  ],
  async run({ options, globals, caller }) {
    const { current = localContext, contexts } = readContexts(contextsPath(caller.env));
    const all = [
      { name: localContext, address: `unix://${defaultSocketPath(caller.env)}`, user: "" },
      ...Object.entries(contexts).map(([name, { address, username = "" }]) => ({ name, address, user: username })),
    ].map((context) => ({ ...context, current: context.name === current }));
    await printList(caller, options.output, {
      items: all,
      name: ({ name }) => name,
      json: (context) => context,
      text() {
        const rows = all.map(({ name, address, user, current: isCurrent }) =>
          [isCurrent ? "*" : "", name, escapeText(address), escapeText(user)].map((text) => ({ text })),
        );
        return renderTable(["", "NAME", "ADDRESS", "USER"], rows, { paint: painter(caller, globals) });
      },
    });
    return ExitCode.ok;
  },
});

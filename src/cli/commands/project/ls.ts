import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { type Project, toContractJson } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { outputOption } from "../../output/format.ts";
import { stateText } from "../../output/process-table.ts";
import { listFormats, printList } from "../../output/results.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List the projects, with where their processes stand",
  options: { output: outputOption(...listFormats) },
  forOne: "pm project show",
  examples: [["pm project ls", "the projects, and how many processes each has"]],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const projects = await manager.projects.list();
    await printList(caller, options.output, {
      items: projects,
      key: "projects",
      name: ({ name }) => name,
      json: (project) => toContractJson(project),
      text() {
        const rows = projects.map((project) =>
          [project.name, membersText(project), work(project), project.source || "-"].map((text) => ({
            text: escapeText(text),
          })),
        );
        return renderTable(["NAME", "PROCESSES", "DAEMON", "SOURCE"], rows, { paint: painter(caller, globals) });
      },
    });
    return ExitCode.ok;
  },
});

/** "3 running, 1 exited" */
function membersText({ members }: Project): string {
  const counts = [...Map.groupBy(members, ({ state }) => stateText(state))].map(
    ([state, found]) => `${found.length} ${state}`,
  );
  return counts.join(", ") || "-";
}

/** What the daemon has not finished. */
function work({ applying, removing }: Project): string {
  return removing ? "removing" : applying ? "applying" : "done";
}

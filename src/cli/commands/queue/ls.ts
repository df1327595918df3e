import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { type ProcessManager, type Queue, toContractJson } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { type Paint, painter } from "../../output/color.ts";
import { displayName, outputOption } from "../../output/format.ts";
import { listFormats, printList } from "../../output/results.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List queues, with what runs and waits in each",
  options: { output: outputOption(...listFormats) },
  examples: [
    ["pm queue ls", "SLOTS are those in use, of those that there are"],
    ["pm queue ls -o json | jq '.queues[] | {name, waiting: (.waiting // [] | length)}'", "how many wait in each"],
  ],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const queues = await manager.queues.list();
    await printList(caller, options.output, {
      items: queues,
      key: "queues",
      name: ({ name }) => name,
      json: (queue) => toContractJson(queue),
      text: () => queueTable(manager, queues, painter(caller, globals)),
    });
    return ExitCode.ok;
  },
});

async function queueTable(manager: ProcessManager, queues: readonly Queue[], paint: Paint): Promise<string> {
  const ids = [...new Set(queues.flatMap(({ running, waiting }) => [...running, ...waiting]))].slice(0, shownMost);
  const processes = ids.length === 0 ? [] : await manager.processes.listAll({ filter: { ids } });
  const names = new Map(processes.map((info) => [info.id, displayName(info)]));
  const text = (members: readonly string[], count = members.length): string => {
    const shown = members.slice(0, namesMost).map((id) => escapeText(names.get(id) ?? id.slice(0, 8)));
    const more = count > shown.length ? [`and ${count - shown.length} more`] : [];
    return [...shown, ...more].join(", ") || "-";
  };
  const rows = queues.map((queue) =>
    [
      escapeText(queue.name),
      queue.paused ? "paused" : "open",
      `${queue.running.length}/${queue.parallelism}`,
      text(queue.running),
      text(queue.waiting, queue.waitingCount),
    ].map((cell) => ({ text: cell })),
  );
  return renderTable(["NAME", "STATE", "SLOTS", "RUNNING", "WAITING"], rows, { paint });
}

/** Names that one cell shows. */
const namesMost = 5;
/** Processes whose names are asked for: a filter has a bound. */
const shownMost = 1000;

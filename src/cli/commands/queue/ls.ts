import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { displayName, jsonLine, outputOption } from "../../output/format.ts";
import { renderTable } from "../../output/table.ts";

export const command = defineCommand({
  summary: "List the queues, with what runs and waits in each",
  options: { output: outputOption("table", "jsonl", "name") },
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const queues = await manager.queues.list();
    if (options.output === "jsonl") {
      caller.print(queues.map((queue) => jsonLine(toContractJson(queue))).join(""));
      return ExitCode.ok;
    }
    if (options.output === "name") {
      caller.print(queues.map(({ name }) => `${name}\n`).join(""));
      return ExitCode.ok;
    }
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
    caller.print(
      renderTable(["NAME", "STATE", "RUN", "RUNNING", "WAITING"], rows, { paint: painter(caller, globals) }),
    );
    return ExitCode.ok;
  },
});

/** Names that one cell shows. */
const namesMost = 5;
/** Processes whose names are asked for: a filter has a bound. */
const shownMost = 1000;

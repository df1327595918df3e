import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { displayName, outputOption } from "../../output/format.ts";
import { listFormats, printList } from "../../output/results.ts";
import { scheduleTable } from "./options.ts";

export const command = defineCommand({
  summary: "List schedules, with the next and the last time of each",
  options: { output: outputOption(...listFormats) },
  examples: [
    ["pm schedule ls", "NEXT is in UTC, whatever the zone of the schedule"],
    ["pm schedule ls -o json | jq -r '.schedules[] | [.name, .nextTime] | @tsv'", "for a program"],
  ],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const schedules = await manager.schedules.list();
    await printList(caller, options.output, {
      items: schedules,
      key: "schedules",
      name: ({ name }) => name,
      json: (schedule) => toContractJson(schedule),
      async text() {
        const ids = schedules.map(({ processId }) => processId);
        const processes = ids.length === 0 ? [] : await manager.processes.listAll({ filter: { ids } });
        const names = new Map(processes.map((info) => [info.id, displayName(info)]));
        return scheduleTable(schedules, names, painter(caller, globals));
      },
    });
    return ExitCode.ok;
  },
});

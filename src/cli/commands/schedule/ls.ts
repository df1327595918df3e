import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { displayName, jsonLine, outputOption } from "../../output/format.ts";
import { scheduleTable } from "./options.ts";

export const command = defineCommand({
  summary: "List the schedules, with when each is due next and was last",
  options: { output: outputOption("table", "jsonl", "name") },
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    const schedules = await manager.schedules.list();
    if (options.output === "jsonl") {
      caller.print(schedules.map((schedule) => jsonLine(toContractJson(schedule))).join(""));
    } else if (options.output === "name") {
      caller.print(schedules.map(({ name }) => `${name}\n`).join(""));
    } else {
      const ids = schedules.map(({ processId }) => processId);
      const processes = ids.length === 0 ? [] : await manager.processes.listAll({ filter: { ids } });
      const names = new Map(processes.map((info) => [info.id, displayName(info)]));
      caller.print(scheduleTable(schedules, names, painter(caller, globals)));
    }
    return ExitCode.ok;
  },
});

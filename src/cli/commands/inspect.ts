import { ExitCode } from "../../common/exit-codes.ts";
import { mostSimilar } from "../../common/similar.ts";
import { type ProcessInfo, toContractJson } from "../../sdk/index.ts";
import { nonEmpty } from "../arguments/values.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { findProcesses } from "../find.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { schedulesOf } from "../schedules.ts";
import { onlyReference, selectionHelp, selectionOf, selectionOperands, selectionOptions } from "../selection.ts";

export const command = defineCommand({
  summary: "Show everything that is known about processes, as JSON or YAML",
  description: `The process as the API has it, all runs that are kept, and its schedule.\n\n${selectionHelp}`,
  options: {
    env: flag("Include the environment, which may hold secrets"),
    format: single(
      "FIELD",
      nonEmpty("a field"),
      "Print only this field, such as 'run.exit.code' or 'runs[0].state'; text without quotes",
      {
        short: "f",
        complete: "none",
      },
    ),
    ...selectionOptions,
    output: outputOption("json", "yaml", "jsonl", "name"),
  },
  operands: selectionOperands,
  exitCodes: [["3", "no such process, or it has no such field"]],
  examples: [
    ["pm inspect --format run.exit.code api", "one field"],
    ["pm inspect -o yaml api", "easier to read"],
    ["pm inspect -o jsonl --all | jq -r '[.id, .runs[-1].number] | @tsv'", "all, one a line"],
  ],
  async run({ options, operands, globals, caller }) {
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const { found, failed } = await findProcesses(manager, selection, caller, {
      env: options.env,
      debug: globals.debug,
    });
    const schedules = await schedulesOf(manager, found);
    const described = async (info: ProcessInfo): Promise<object> => {
      const schedule = schedules.get(info.supervision?.schedule ?? "");
      return {
        ...toContractJson(info),
        runs: (await manager.processes.runs(info.id)).map((run) => toContractJson(run)),
        ...(schedule !== undefined && { schedule: toContractJson(schedule) }),
      };
    };
    const objects = await Promise.all(found.map(described));
    if (options.format !== undefined) {
      const path = options.format;
      caller.print(objects.map((object) => `${shown(fieldOf(object, path))}\n`).join(""));
    } else {
      const value = onlyReference(selection) === undefined ? objects : objects[0];
      if (options.output === "name") {
        caller.print(found.map((info) => `${displayName(info)}\n`).join(""));
      } else if (options.output === "jsonl") {
        caller.print(objects.map(jsonLine).join(""));
      } else if (options.output === "yaml") {
        const { toYaml } = await import("../../admin/index.ts");
        caller.print(toYaml(value));
      } else {
        caller.print(prettyJson(value));
      }
    }
    return failed ?? ExitCode.ok;
  },
});

/** By "a.b[0].c"; a dot in front does no harm. */
function fieldOf(object: object, path: string): unknown {
  let value: unknown = object;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const key = name ?? index ?? "";
    const known = typeof value === "object" && value !== null ? value : {};
    if (!Object.hasOwn(known, key)) {
      const meant = mostSimilar(key, Object.keys(known));
      throw new CommandError(`--format: there is no field "${key}" in "${path}"`, {
        exitCode: ExitCode.notFound,
        hint:
          meant === undefined
            ? `there are: ${Object.keys(known).join(", ") || "none"}; fields with a default value are left out`
            : `did you mean "${meant}"?`,
      });
    }
    value = (known as Record<string, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

import { ExitCode } from "../../common/exit-codes.ts";
import { asTyped } from "../bulk.ts";
import { endsCommand } from "../caller.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { exitCodeOf, formatError } from "../errors.ts";
import { findProcesses } from "../find.ts";
import { ProcessInput } from "../input.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import {
  livingStates,
  onlyReference,
  selectionHelp,
  selectionOf,
  selectionOperands,
  selectionOptions,
} from "../selection.ts";

export const command = defineCommand({
  summary: "Write standard input to the standard input of processes",
  description:
    "They must have been started with --stdin or --tty. Blocks until each process has read its input. Labels, patterns and\n" +
    `--all select only running processes that take input.\n\n${selectionHelp}`,
  options: {
    close: flag("Close their standard input afterwards (a terminal gets Ctrl-D)"),
    ...selectionOptions,
    output: outputOption("name", "json", "jsonl"),
  },
  operands: selectionOperands,
  examples: [
    ["echo reload | pm send console", "send it a line"],
    ["echo quit | pm send -l app=game", "all with a label"],
  ],
  async run({ options, operands, globals, caller }) {
    const { stdin } = caller.ownProcess();
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const { found, failed } = await findProcesses(manager, selection, caller, { debug: globals.debug });
    // By their UUIDs from here on: a name may mean another process tomorrow.
    const targets = found.filter(
      ({ state, spec }) =>
        selection.refs.length > 0 ||
        (livingStates.includes(state) && (spec.stdin === "pipe" || spec.terminal !== undefined)),
    );
    let worst = failed ?? ExitCode.ok;
    const inputOf = (id: string) => new ProcessInput((data, how) => manager.processes.write(id, data, how));
    const open = new Map(targets.map((info) => [info.id, { info, input: inputOf(info.id), bytes: 0 }]));
    const write = async (data: Uint8Array | string, close = false): Promise<void> => {
      await Promise.all(
        [...open.values()].map(async (target) => {
          const { id } = target.info;
          try {
            await target.input.write(data, { close });
            target.bytes += data.length;
          } catch (error) {
            const only = onlyReference(selection);
            if (endsCommand(error) || only !== undefined) {
              throw only === undefined ? error : asTyped(error, only);
            }
            // One that has ended must not keep the others from their input.
            open.delete(id);
            caller.note(`pm: "${displayName(target.info)}": ${formatError(error, globals.debug).slice("pm: ".length)}`);
            worst = Math.max(worst, exitCodeOf(error));
          }
        }),
      );
    };
    let sent = false;
    for await (const chunk of stdin) {
      await write(chunk);
      sent = true;
    }
    if (options.close || !sent) {
      await write("", options.close);
    }
    const results = [...open.values()].map(({ info: { id, name }, bytes }) => ({ id, ...(name && { name }), bytes }));
    switch (options.output) {
      case "name":
        caller.print(results.map(({ id, name }) => `${name ?? id}\n`).join(""));
        break;
      case "json":
        caller.print(prettyJson(onlyReference(selection) === undefined ? { results } : results[0]));
        break;
      case "jsonl":
        caller.print(results.map(jsonLine).join(""));
        break;
    }
    return worst;
  },
});

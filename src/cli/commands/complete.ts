import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand } from "../command.ts";
import { type Candidate, complete } from "../completion/candidates.ts";
import { openConnection } from "../connection.ts";
import { commandText } from "../output/shell-words.ts";

/** Somebody waits for the next character to appear. */
const patienceMs = 1000;

export const command = defineCommand({
  summary: "Answer a shell's completion script",
  options: {},
  operands: { usage: "WORD...", min: 0, verbatim: true },
  async run({ operands, globals, caller }) {
    const answer = await complete(operands, async () => {
      const { manager } = await openConnection(caller, globals, { autoStart: false });
      const processes = await manager.processes.listAll({ timeoutMs: patienceMs }).catch(() => []);
      return processes.flatMap(({ id, name, spec, state }): Candidate[] => {
        const description = escapeText(`${state} ${commandText(spec)}`).slice(0, 80);
        return [...(name === undefined ? [] : [{ value: name, description }]), { value: id, description }];
      });
    });
    caller.print(
      typeof answer === "string"
        ? `${answer}\n`
        : answer
            .map(({ value, description }) => `${value}${description === undefined ? "" : `\t${description}`}\n`)
            .join(""),
    );
    return ExitCode.ok;
  },
});

import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";

export const command = defineCommand({
  summary: "Write standard input to a process's standard input",
  description: "The process must have been started with --stdin or --tty. As slow as the process reads.",
  options: { close: flag("Then close its standard input (a terminal gets Ctrl-D)") },
  operands: { usage: "ID", min: 1, max: 1, complete: "process" },
  examples: [["echo reload | pm send console", "type a line into it"]],
  async run({ options, operands: [ref = ""], globals, caller }) {
    const { stdin } = caller.ownProcess();
    const { call, manager } = await openConnection(caller, globals);
    // By its UUID from here on: a name may mean another process tomorrow.
    const { id } = await call(() => manager.processes.resolve(ref).then((id) => manager.processes.get(id)));
    let sent = false;
    for await (const chunk of stdin) {
      await manager.processes.write(id, chunk);
      sent = true;
    }
    if (options.close || !sent) {
      await manager.processes.write(id, "", { close: options.close });
    }
    return ExitCode.ok;
  },
});

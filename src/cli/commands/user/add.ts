import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { newPassword } from "../../password.ts";

export const command = defineCommand({
  summary: "Add a user who may use the daemon of this machine from others",
  description:
    "The password is asked for on a terminal, else read from standard input (one line). A running daemon takes the change at once.",
  options: { file: text("FILE", "The users file (default: the daemon's)", { complete: "file" }) },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  examples: [["printf '%s\\n' SECRET | pm user add ann", "from a script"]],
  exitCodes: [["5", "there is such a user"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      await admin.addUser(path, name, await newPassword(caller, name));
      caller.note(`pm: added ${name} in ${path}\n`);
    });
    return ExitCode.ok;
  },
});

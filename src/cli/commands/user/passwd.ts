import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { newPassword } from "../../password.ts";

export const command = defineCommand({
  summary: "Change a user's password",
  description:
    "The password is asked for on a terminal, else read from standard input (one line). A running daemon takes the change at once.",
  options: { file: text("FILE", "The users file (default: the daemon's)", { complete: "file" }) },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  examples: [["pm user passwd ann", "asks for the new password"]],
  exitCodes: [["3", "there is no such user"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      await admin.setPassword(path, name, await newPassword(caller, name));
      caller.note(`pm: changed the password of ${name} in ${path}\n`);
    });
    return ExitCode.ok;
  },
});

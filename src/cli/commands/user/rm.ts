import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";

export const command = defineCommand({
  summary: "Remove a user",
  description: "A running daemon refuses the user's next request; streams that run go on to their end.",
  options: { file: text("FILE", "The users file (default: the daemon's)", { complete: "file" }) },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such user"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      await admin.removeUser(path, name);
      caller.note(`pm: removed ${name} from ${path}\n`);
    });
    return ExitCode.ok;
  },
});

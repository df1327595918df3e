import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";
import { newPassword } from "../../password.ts";

export const command = defineCommand({
  summary: "Change a user's password",
  description:
    "The password is asked for on a terminal, else read from standard input (one line), never from an argument. A running\n" +
    "daemon applies the change at once.",
  options: {
    file: text("FILE", "The users file (default: the one that the daemon uses)", { complete: "file" }),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  examples: [
    ["pm user passwd ann", "asks for the new password"],
    ["pm user passwd ann <password.txt", "from a script: the first line of a file"],
  ],
  exitCodes: [["3", "there is no such user"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      await admin.checkUser(path, name, "known");
      await admin.setPassword(path, name, await newPassword(caller, name));
      printChanged(caller, options.output, name, { name, file: path });
      caller.note(`pm: changed the password of ${name} in ${path}\n`);
    });
    return ExitCode.ok;
  },
});

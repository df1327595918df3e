import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";
import { newPassword } from "../../password.ts";

export const command = defineCommand({
  summary: "Add a user who may connect to this machine's daemon remotely",
  description:
    "The password is asked for on a terminal, else read from standard input (one line), never from an argument. A running\n" +
    "daemon applies the change at once.",
  options: {
    file: text("FILE", "The users file (default: the one that the daemon uses)", { complete: "file" }),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  examples: [
    ["pm user add ann", "asks for the password"],
    ["pm user add ann <password.txt", "from a script: the first line of a file"],
  ],
  exitCodes: [["5", "the user exists already"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      // Before somebody types a password in vain.
      await admin.checkUser(path, name, "new");
      await admin.addUser(path, name, await newPassword(caller, name));
      printChanged(caller, options.output, name, { name, file: path });
      caller.note(`pm: added ${name} in ${path}\n`);
    });
    return ExitCode.ok;
  },
});

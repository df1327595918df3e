import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

export const command = defineCommand({
  summary: "Remove a user, who can then no longer connect",
  description: "A running daemon refuses the user's next request. Streams that are open go on to their end.",
  options: {
    file: text("FILE", "The users file (default: the one that the daemon uses)", { complete: "file" }),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such user"]],
  examples: [["pm user rm ann", "ann has left"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      await admin.removeUser(path, name);
      printChanged(caller, options.output, name, { name, file: path });
      caller.note(`pm: removed ${name} from ${path}\n`);
    });
    return ExitCode.ok;
  },
});

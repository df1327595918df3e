import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";

export const command = defineCommand({
  summary: "List the users, one name a line",
  options: { file: text("FILE", "The users file (default: the daemon's)", { complete: "file" }) },
  async run({ options, caller }) {
    await withAdmin(async (admin) => {
      const names = await admin.listUsers(options.file ?? admin.usersPath(caller.env));
      caller.print(names.map((name) => `${name}\n`).join(""));
    });
    return ExitCode.ok;
  },
});

import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { ExitCode } from "../../exit-code.ts";
import { print } from "../../output/sink.ts";

export const command = defineCommand({
  summary: "List the users, one name a line",
  options: { file: text("FILE", "The users file (default: the daemon's)", { complete: "file" }) },
  async run({ options }) {
    await withAdmin(async (admin) => {
      const names = await admin.listUsers(options.file ?? admin.usersPath());
      print(names.map((name) => `${name}\n`).join(""));
    });
    return ExitCode.ok;
  },
});

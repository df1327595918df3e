import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand, text } from "../../command.ts";
import { CommandError } from "../../errors.ts";
import { outputOption } from "../../output/format.ts";
import { printList } from "../../output/results.ts";

export const command = defineCommand({
  summary: "List the users who may connect remotely",
  options: {
    file: text("FILE", "The users file (default: the one that the daemon uses)", { complete: "file" }),
    output: outputOption("name", "json", "jsonl"),
  },
  examples: [
    ["pm user ls", "one name a line"],
    ["pm user ls -o json | jq length", "how many there are"],
  ],
  async run({ options, caller }) {
    await withAdmin(async (admin) => {
      const path = options.file ?? admin.usersPath(caller.env);
      const names = await admin.listUsers(path);
      if (names === undefined) {
        if (options.file !== undefined) {
          throw new CommandError(`--file: there is no file ${path}`, { exitCode: ExitCode.notFound });
        }
        caller.note(`pm: there are no users yet: ${path} does not exist\nhint: 'pm user add NAME' adds one\n`);
      }
      await printList(caller, options.output ?? "name", {
        items: names ?? [],
        name: (name) => name,
        json: (name) => ({ name }),
        text: () => "",
      });
    });
    return ExitCode.ok;
  },
});

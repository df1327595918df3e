import { userInfo } from "node:os";
import { ExitCode } from "../../common/exit-codes.ts";
import { withAdmin } from "../admin.ts";
import { defineCommand, repeated, text } from "../command.ts";
import { outputOption, prettyJson } from "../output/format.ts";

export const command = defineCommand({
  summary: "Set up remote access: certificates, a user, the daemon's configuration and a context",
  description:
    "Makes a development authority, certificates of server and client, a user with a random password, the daemon's\n" +
    "configuration and a context that uses all of them, in $XDG_CONFIG_HOME/pm. Nothing that exists is changed. Prints\n" +
    "the files that it made.",
  options: {
    name: text("NAME", "Name of the new context (default: dev)", { complete: "none" }),
    user: text("NAME", "Name of the user (default: yours)", { complete: "none" }),
    listen: text("HOST[:PORT]", "Where the daemon is to listen (default: 127.0.0.1:7443)", { complete: "none" }),
    san: repeated("HOST", (host: string) => host, "Another name or address of the server, for its certificate", {
      complete: "none",
    }),
    output: outputOption("text", "json"),
  },
  examples: [
    ["pm init && pm daemon start && pm --context dev ls", "a daemon and a client on one machine"],
    ["pm init --listen 0.0.0.0 --san box.example", "for clients on other machines"],
  ],
  exitCodes: [["5", "something that it would make exists already"]],
  async run({ options, caller }) {
    const name = options.name ?? "dev";
    const result = await withAdmin((admin) =>
      admin.init(
        {
          context: name,
          user: options.user ?? userInfo().username,
          listen: options.listen ?? "127.0.0.1:7443",
          hosts: options.san,
        },
        caller.env,
      ),
    );
    caller.print(
      options.output === "json"
        ? prettyJson({ context: name, ...result })
        : result.files.map((file) => `${file}\n`).join(""),
    );
    caller.note(
      [
        `pm: made a remote daemon's configuration for ${result.hosts.join(", ")}`,
        "hint: the daemon reads it when it starts:",
        "        pm daemon restart",
        `        pm --context ${name} ls`,
        "",
      ].join("\n"),
    );
    return ExitCode.ok;
  },
});

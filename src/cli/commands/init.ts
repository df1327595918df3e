import { userInfo } from "node:os";
import { ExitCode } from "../../common/exit-codes.ts";
import { withAdmin } from "../admin.ts";
import { defineCommand, repeated, text } from "../command.ts";

export const command = defineCommand({
  summary: "Set up access from other machines: certificates, a user, configuration and a context",
  description:
    "Makes a development authority, a server and a client certificate, a user with a random password, the daemon's configuration and a context that uses them, in $XDG_CONFIG_HOME/pm. Nothing that exists is changed.",
  options: {
    name: text("NAME", "Name of the new context (default: dev)", { complete: "none" }),
    user: text("NAME", "Name of the user (default: yours)", { complete: "none" }),
    listen: text("HOST[:PORT]", "Where the daemon shall listen (default: 127.0.0.1:7443)", { complete: "none" }),
    san: repeated("HOST", (host: string) => host, "Also issue the server's certificate for this name or address", {
      complete: "none",
    }),
  },
  examples: [
    ["pm init && pm daemon start && pm --context dev ls", "a daemon and a client on one machine"],
    ["pm init --listen 0.0.0.0 --san box.example", "for clients on other machines"],
  ],
  exitCodes: [["5", "something that it would make exists"]],
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
    caller.print(result.files.map((file) => `${file}\n`).join(""));
    caller.note(
      [
        `pm: made a remote daemon's configuration for ${result.hosts.join(", ")}`,
        "hint: a daemon takes it when it starts ('pm daemon stop' first if one runs):",
        "        pm daemon start",
        `        pm --context ${name} ls`,
        "",
      ].join("\n"),
    );
    return ExitCode.ok;
  },
});

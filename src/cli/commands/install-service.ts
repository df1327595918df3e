import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { CommandError } from "../errors.ts";
import { runSystemctl } from "../service/systemctl.ts";
import { serviceUnit, unitPath } from "../service/unit.ts";
import { UsageError } from "../usage-error.ts";

/** Of a user's services: without a login there is no service manager of that user. */
const lingering = "it starts with your first login; with 'loginctl enable-linger' it starts at boot";

export const command = defineCommand({
  summary: "Install a systemd service that starts the daemon, and what is to run, at boot",
  description:
    "Writes a unit, enables it and starts it. A user's services start with the first login, or at boot if lingering is\n" +
    "enabled ('loginctl enable-linger'); with --system it is root's, at boot. Stopping the unit leaves processes running.",
  options: {
    user: flag("Install it for this user (default, except for root)"),
    system: flag("Install it for root, at boot"),
    print: flag("Show the unit, and install nothing"),
  },
  examples: [
    ["pm install-service --print", "what would be written, and where"],
    ["sudo pm install-service --system", "for root, at boot"],
  ],
  async run({ options, caller }) {
    if (options.user && options.system) {
      throw new UsageError("give either --user or --system, not both");
    }
    const own = caller.ownProcess();
    const isRoot = own.getuid?.() === 0;
    const system = options.system || (isRoot && !options.user);
    const unit = serviceUnit({ system, program: own.argv[1] ?? "", node: own.execPath });
    const path = unitPath(system, caller.env);
    if (options.print) {
      caller.print(`# ${path}\n${system ? "" : `# ${lingering}\n`}${unit}`);
      return ExitCode.ok;
    }
    if (system && !isRoot) {
      throw new CommandError("only root can install a system service", { hint: "sudo pm install-service --system" });
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, unit, { mode: 0o644 });
    chmodSync(path, 0o644);
    caller.note(`pm: wrote ${path}\n`);
    await runSystemctl(system, ["daemon-reload"]);
    await runSystemctl(system, ["enable", "--now", "pm.service"]);
    if (!system) {
      caller.note(`pm: ${lingering}\n`);
    }
    return ExitCode.ok;
  },
});

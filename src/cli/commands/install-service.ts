import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { CommandError } from "../errors.ts";
import { runSystemctl } from "../service/systemctl.ts";
import { serviceUnit, unitPath } from "../service/unit.ts";
import { UsageError } from "../usage-error.ts";

/** Of a user's services: without a login there is no service manager of that user. */
const lingering = "it begins with your first login; 'loginctl enable-linger' has it begin at boot";

export const command = defineCommand({
  summary: "Have systemd start the daemon at boot, and with it what is meant to run",
  description:
    "Writes a unit, enables and starts it: for this user, whose services begin with the first login unless lingering is\n" +
    "enabled ('loginctl enable-linger'), or with --system for root at boot. Stopping the unit leaves processes running.",
  options: {
    user: flag("For this user (default, except for root)"),
    system: flag("For root, at boot"),
    print: flag("Only show the unit"),
  },
  examples: [["pm install-service --print", "what would be written"]],
  async run({ options, caller }) {
    if (options.user && options.system) {
      throw new UsageError("give either --user or --system");
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

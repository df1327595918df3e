import { ExitCode } from "../../common/exit-codes.ts";
import type { Caller } from "../caller.ts";
import { defineCommand, flag } from "../command.ts";
import { isUnreachable, openConnection } from "../connection.ts";
import { outputOption, prettyJson } from "../output/format.ts";
import { version } from "../version.ts";

export const command = defineCommand({
  summary: "Show the versions of pm and of the daemon",
  options: { client: flag("Only that of pm, without asking the daemon"), output: outputOption("text", "json") },
  examples: [
    ["pm version", "no daemon is started for it"],
    ["pm version -o json | jq -r .daemon.version", "of the daemon"],
  ],
  async run({ options, globals, caller }) {
    const runtime = caller.ownProcess().versions.node;
    const daemon = options.client ? undefined : await daemonVersion(caller, globals);
    if (options.output === "json") {
      caller.print(prettyJson({ client: { version, runtimeVersion: runtime }, ...(daemon && { daemon }) }));
      return ExitCode.ok;
    }
    caller.print(`pm ${version} (Node.js ${runtime})\n`);
    if (daemon !== undefined) {
      caller.print(`daemon ${daemon.version} (Node.js ${daemon.runtimeVersion})\n`);
    }
    return ExitCode.ok;
  },
});

/** Undefined if there is no daemon: asking for a version starts none. */
async function daemonVersion(
  caller: Caller,
  globals: Parameters<typeof openConnection>[1],
): Promise<{ version: string; runtimeVersion: string } | undefined> {
  const { manager } = await openConnection(caller, globals, { autoStart: false });
  try {
    const { version: daemon, runtimeVersion } = await manager.daemon.info();
    return { version: daemon, runtimeVersion };
  } catch (error) {
    if (isUnreachable(error)) {
      return undefined;
    }
    throw error;
  }
}

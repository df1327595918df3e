import { defineCommand, flag } from "../command.ts";
import { isUnreachable, openConnection } from "../connection.ts";
import { ExitCode } from "../exit-code.ts";
import { outputOption, prettyJson } from "../output/format.ts";
import { print } from "../output/sink.ts";
import { version } from "../version.ts";

export const command = defineCommand({
  summary: "Show the versions of pm and of the daemon",
  options: { client: flag("Do not ask the daemon"), output: outputOption("text", "json") },
  async run({ options, globals }) {
    const daemon = options.client ? undefined : await daemonVersion(globals);
    if (options.output === "json") {
      print(prettyJson({ client: { version, runtimeVersion: process.versions.node }, ...(daemon && { daemon }) }));
      return ExitCode.ok;
    }
    print(`pm ${version} (Node.js ${process.versions.node})\n`);
    if (daemon !== undefined) {
      print(`daemon ${daemon.version} (Node.js ${daemon.runtimeVersion})\n`);
    }
    return ExitCode.ok;
  },
});

/** Undefined if there is no daemon: asking for a version starts none. */
async function daemonVersion(
  globals: Parameters<typeof openConnection>[0],
): Promise<{ version: string; runtimeVersion: string } | undefined> {
  const { call } = await openConnection(globals, { autoStart: false });
  try {
    const { version: daemon, runtimeVersion } = await call((manager) => manager.info());
    return { version: daemon, runtimeVersion };
  } catch (error) {
    if (isUnreachable(error)) {
      return undefined;
    }
    throw error;
  }
}

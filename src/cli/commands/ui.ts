import { join } from "node:path";
import { ExitCode } from "../../common/exit-codes.ts";
import { configDirectory } from "../../common/paths.ts";
import { contextsPath, defaultSocketPath, localContext, readContexts } from "../../sdk/index.ts";
import { THEME_NAMES } from "../../tui/themes/themes.ts";
import { choice } from "../arguments/values.ts";
import type { Caller } from "../caller.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError } from "../errors.ts";
import type { Globals } from "../globals.ts";

export const command = defineCommand({
  summary: "Open the dashboard",
  description:
    "Shows the processes in a table and their output below it; ? lists the keys. Quitting leaves the processes running.\n" +
    "Colors are the terminal's own sixteen; with NO_COLOR or --color=never only bold and reverse are used.",
  options: {
    theme: single("NAME", choice(...THEME_NAMES), `Colors: ${THEME_NAMES.join(", ")}`, { complete: THEME_NAMES }),
    mouse: flag("Use the mouse: a click selects, the wheel scrolls"),
    "screen-reader": flag("Write plain lines for a screen reader instead of drawing a screen"),
  },
  examples: [
    ["pm ui", "q quits"],
    ["INK_SCREEN_READER=true pm ui", "the same as --screen-reader"],
  ],
  async run({ options, globals, caller }) {
    const { stdin, stdout } = caller.ownProcess();
    if (!stdin.isTTY || !stdout.isTTY) {
      throw new CommandError("the dashboard needs a terminal", {
        exitCode: ExitCode.failure,
        hint: "pm ls --watch and pm logs -f work without one",
      });
    }
    // The dashboard says by itself what becomes of its connection, and offers to start a daemon.
    const connection = await openConnection(caller, globals, { autoStart: false, quiet: true });
    if (connection.local) {
      // Starts the daemon if need be, and says so before the screen is taken. The dashboard waits for any other.
      const { manager } = await openConnection(caller, globals);
      await manager.daemon.info({ timeoutMs: 5000 }).catch(() => undefined);
      manager.close();
    }
    let first: typeof connection | null = connection;
    const { runDashboard } = await (await import("../../tui/load.ts")).loadDashboard();
    await runDashboard({
      connect: async (context) => {
        // Closed when it is left: to come back is a connection of its own.
        const { manager } =
          first ??
          (await openConnection(caller, { ...globals, host: undefined, context }, { autoStart: false, quiet: true }));
        first = null;
        return manager;
      },
      context: namedContext(caller, globals),
      contextInUse: contextName(caller, globals),
      contexts: () => contextNames(caller),
      theme: options.theme,
      settingsPath: join(configDirectory(caller.env), "dashboard.json"),
      startDaemon: (context) => startDaemon(caller, { ...globals, context: context || globals.context }),
      color:
        globals.color === undefined || globals.color === "auto" ? !caller.env["NO_COLOR"] : globals.color === "always",
      mouse: options.mouse,
      screenReader:
        options["screen-reader"] || caller.env["INK_SCREEN_READER"] === "true" || caller.env["TERM"] === "dumb",
    });
    return ExitCode.ok;
  },
});

/** Starts the daemon of the default socket, as commands do that need it. */
async function startDaemon(caller: Caller, globals: Globals): Promise<string> {
  const { manager } = await openConnection(caller, globals, { autoStart: false });
  try {
    if (manager.address !== `unix://${defaultSocketPath(caller.env)}`) {
      throw new CommandError("only the daemon of the default socket can be started from here", {
        exitCode: ExitCode.usage,
      });
    }
    let said = "The daemon has started";
    const { launchDaemon } = await import("../daemon/launch.ts");
    await launchDaemon(caller, (text) => {
      said = text.replace(/^pm: s/, "S").trim();
    });
    return said;
  } finally {
    manager.close();
  }
}

/** The context that the command line leads to; "": none, but an address. */
function contextName(caller: Caller, { host, context }: Globals): string {
  if (host !== undefined || (context === undefined && caller.env["PM_HOST"])) {
    return "";
  }
  return context ?? (caller.env["PM_CONTEXT"] || readContexts(contextsPath(caller.env)).current || localContext);
}

/** The same, where it needs to be named: the daemon of this user on this machine goes without saying. */
function namedContext(caller: Caller, globals: Globals): string {
  const name = contextName(caller, globals);
  return name === localContext ? "" : name;
}

/** What can be switched to. A contexts file that cannot be read takes nothing from the dashboard. */
function contextNames(caller: Caller): readonly string[] {
  try {
    return [localContext, ...Object.keys(readContexts(contextsPath(caller.env)).contexts)];
  } catch {
    return [localContext];
  }
}

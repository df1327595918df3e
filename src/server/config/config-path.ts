import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** `$XDG_CONFIG_HOME/pm/daemon.yaml`, with the default of the XDG Base Directory Specification. */
export function defaultConfigPath(env: NodeJS.ProcessEnv): string {
  const xdg = env["XDG_CONFIG_HOME"];
  return join(
    xdg !== undefined && isAbsolute(xdg) ? xdg : join(env["HOME"] || homedir(), ".config"),
    "pm",
    "daemon.yaml",
  );
}

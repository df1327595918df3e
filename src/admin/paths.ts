/** Where the files of the daemon on this machine are. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { configDirectory } from "../common/paths.ts";
import { readConfigFile, type Setting } from "../server/config/config-file.ts";
import { defaultConfigPath } from "../server/config/config-path.ts";

/** The daemon's configuration file: `PM_CONFIG`, or the default place. */
export function configPath(env: NodeJS.ProcessEnv = process.env): string {
  return env["PM_CONFIG"] ? resolve(env["PM_CONFIG"]) : defaultConfigPath(env);
}

/** The users file that the daemon's configuration names, else `users` in pm's configuration directory. */
export function usersPath(env: NodeJS.ProcessEnv = process.env): string {
  return configuredFile("tcp.users", env) ?? join(configDirectory(env), "users");
}

/** The absolute path of a file that the daemon's configuration names; undefined if it names none. */
export function configuredFile(setting: Setting, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = configPath(env);
  const given = existsSync(path) ? readConfigFile(path).get(setting) : undefined;
  return given && resolve(dirname(path), given.text);
}

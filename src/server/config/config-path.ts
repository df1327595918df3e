import { join } from "node:path";
import { configDirectory } from "../../common/paths.ts";

/** `daemon.yaml` in pm's configuration directory. */
export function defaultConfigPath(env: NodeJS.ProcessEnv): string {
  return join(configDirectory(env), "daemon.yaml");
}

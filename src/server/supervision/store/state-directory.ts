import { mkdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Where is kept what survives a reboot: $PM_STATE_DIR, else $XDG_STATE_HOME/pm,
 * for root /var/lib/pm, else ~/.local/state/pm (XDG Base Directory
 * Specification).
 */
export function stateDirectoryPath(environment: NodeJS.ProcessEnv, uid: number, home: string): string {
  const { PM_STATE_DIR: own = "", XDG_STATE_HOME: state = "" } = environment;
  if (own !== "") {
    return own;
  }
  if (state.startsWith("/")) {
    return join(state, "pm");
  }
  return uid === 0 ? "/var/lib/pm" : join(home, ".local/state/pm");
}

/** @throws a Node system error */
export function prepareStateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

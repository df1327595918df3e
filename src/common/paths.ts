/** Where pm keeps its files. Daemon and clients find each other by these rules. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the daemon keeps sockets and output: `$PM_RUNTIME_DIR`, else `/run/pm` for root, else `$XDG_RUNTIME_DIR/pm`, else
 * `/dev/shm/pm-UID`. An empty variable counts as unset.
 *
 * Root's is the same with and without a login: a daemon that systemd started at boot has no `XDG_RUNTIME_DIR`, root's
 * shells have one, which goes with the last of them.
 */
export function runtimeDirectory(env: Environment = process.env, uid: number = process.getuid?.() ?? 0): string {
  if (env["PM_RUNTIME_DIR"]) {
    return env["PM_RUNTIME_DIR"];
  }
  if (uid === 0) {
    return "/run/pm";
  }
  return env["XDG_RUNTIME_DIR"] ? `${env["XDG_RUNTIME_DIR"]}/pm` : `/dev/shm/pm-${uid}`;
}

/** The daemon's Unix socket below its runtime directory. */
export function socketPath(directory: string): string {
  return `${directory}/pm.sock`;
}

/** `$HOME`, else the home of passwd(5); `/` for a user without an entry there, as in many containers. */
export function homeDirectory(env: Environment = process.env): string {
  if (env["HOME"]) {
    return env["HOME"];
  }
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** Where pm's configuration is: `$XDG_CONFIG_HOME/pm`, with the default of the XDG Base Directory Specification. */
export function configDirectory(env: Environment = process.env): string {
  const xdg = env["XDG_CONFIG_HOME"];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homeDirectory(env), ".config"), "pm");
}

/**
 * Where is kept what outlives a reboot: `$PM_STATE_DIR`; for a daemon with a runtime directory of its own `state` in
 * there, for two daemons must not share one; else `$XDG_STATE_HOME/pm`, else `/var/lib/pm` for root and
 * `~/.local/state/pm` for everybody else (XDG Base Directory Specification).
 *
 * @param ownRuntimeDirectory The runtime directory, if the daemon was told one by a flag.
 */
export function stateDirectory(
  env: Environment = process.env,
  uid: number = process.getuid?.() ?? 0,
  ownRuntimeDirectory: string | undefined = env["PM_RUNTIME_DIR"],
): string {
  if (env["PM_STATE_DIR"]) {
    return env["PM_STATE_DIR"];
  }
  if (ownRuntimeDirectory) {
    return join(ownRuntimeDirectory, "state");
  }
  const xdg = env["XDG_STATE_HOME"];
  if (xdg !== undefined && isAbsolute(xdg)) {
    return join(xdg, "pm");
  }
  return uid === 0 ? "/var/lib/pm" : join(homeDirectory(env), ".local/state/pm");
}

/** What of a caller's environment a daemon that is started in the background has. */
import type { Caller } from "../caller.ts";

/** Where programs are, on any system (environ(7) leaves it to login(1)). */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const kept: ReadonlySet<string> = new Set([
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TZ",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_STATE_HOME",
]);

/**
 * An environment that is the user's, not the shell's that happened to need a
 * daemon first: processes that are started without a caller's environment
 * (`--clean-env`, clients on other machines) have the daemon's, and secrets of
 * one shell are not theirs. PM_ variables are the daemon's settings, which no
 * process inherits.
 */
export function daemonEnvironment({ env }: Pick<Caller, "env">): Record<string, string> {
  const own = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (kept.has(entry[0]) || /^(LC|PM)_/.test(entry[0])),
  );
  return { PATH: defaultPath, ...Object.fromEntries(own) };
}

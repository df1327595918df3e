/** The daemon's own options, handed on to its program. */
import { type OptionValues, text } from "../command.ts";

const file = { complete: "file" } as const;
const none = { complete: "none" } as const;

export const daemonOptions = {
  config: text("FILE", "Settings in YAML (PM_CONFIG; default: daemon.yaml in $XDG_CONFIG_HOME/pm)", file),
  "runtime-dir": text("DIR", "Where sockets and output live (PM_RUNTIME_DIR)", { complete: "directory" }),
  socket: text("PATH", "The socket (default: pm.sock in the runtime directory)", file),
  "log-level": text("LEVEL", "trace, debug, info, warn, error, fatal or silent (PM_LOG_LEVEL)", none),
  "default-output-limit": text("SIZE", "Output kept of a process that does not say (default: 1MiB)", none),
  "max-output-limit": text("SIZE", "The most that a process may ask for (default: 1GiB)", none),
  "retention-count": text("N", "How many ended processes stay listed (default: 1000)", none),
  "retention-age": text("DURATION", "And how long, such as 12h (default: 7d)", none),
  listen: text("HOST[:PORT]", "Serve clients of other machines there, or 'off' (PM_LISTEN; default: off)", none),
  "tls-cert": text("FILE", "The server's certificate, PEM", file),
  "tls-key": text("FILE", "Its key, PEM, mode 0600", file),
  "tls-client-ca": text("FILE", "The authority of the clients' certificates, PEM", file),
  users: text("FILE", "The users file; see 'pm user add'", file),
} as const;

/** The same options as arguments of the daemon's program. */
export function daemonArguments(options: OptionValues<typeof daemonOptions>): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

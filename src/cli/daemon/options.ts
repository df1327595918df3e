/** The daemon's own options, handed on to its program. */
import { type OptionValues, text } from "../command.ts";

const file = { complete: "file" } as const;
const none = { complete: "none" } as const;

export const daemonOptions = {
  config: text("FILE", "Settings in YAML (PM_CONFIG; default: daemon.yaml in $XDG_CONFIG_HOME/pm)", file),
  "runtime-dir": text("DIR", "Directory of the sockets and all output (PM_RUNTIME_DIR)", { complete: "directory" }),
  socket: text("PATH", "Path of the socket (default: pm.sock in the runtime directory)", file),
  "log-level": text("LEVEL", "trace, debug, info, warn, error, fatal or silent (PM_LOG_LEVEL)", none),
  "default-output-limit": text(
    "SIZE",
    "How much output to keep of a process without --output-limit (default: 1MiB)",
    none,
  ),
  "max-output-limit": text("SIZE", "The largest --output-limit allowed (default: 1GiB)", none),
  "retention-count": text("N", "How many ended processes to keep (default: 1000)", none),
  "retention-age": text("DURATION", "How long to keep ended processes (default: 7d)", none),
  listen: text("HOST[:PORT]", "Listen there for clients of other machines, or 'off' (PM_LISTEN; default: off)", none),
  "tls-cert": text("FILE", "The server's certificate (PEM)", file),
  "tls-key": text("FILE", "The key of the server's certificate (PEM, mode 0600)", file),
  "tls-client-ca": text("FILE", "The authority that issues the clients' certificates (PEM)", file),
  users: text("FILE", "The users file, written by 'pm user add'", file),
} as const;

/** The same options as arguments of the daemon's program. */
export function daemonArguments(options: OptionValues<typeof daemonOptions>): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}

/**
 * Where the daemon keeps sockets and output: `$PM_RUNTIME_DIR`, else
 * `$XDG_RUNTIME_DIR/pm`, else `/run/pm` for root, else `/dev/shm/pm-UID`. An
 * empty variable counts as none. Clients find the socket by the same rule.
 */
export function runtimeDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number = process.getuid?.() ?? 0,
): string {
  if (env["PM_RUNTIME_DIR"]) {
    return env["PM_RUNTIME_DIR"];
  }
  if (env["XDG_RUNTIME_DIR"]) {
    return `${env["XDG_RUNTIME_DIR"]}/pm`;
  }
  return uid === 0 ? "/run/pm" : `/dev/shm/pm-${uid}`;
}
